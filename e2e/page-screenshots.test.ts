import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { enterRoom, waitForWords } from "./support/page-driver.ts";
import { openPageServer, type PageServer } from "./support/page-server.ts";
import { type Palette, portraitCamera } from "./support/portrait-camera.ts";

const SCREENSHOTS = fileURLToPath(new URL("../docs/screenshots/", import.meta.url));
const PEOPLE: readonly { readonly name: string; readonly palette: Palette }[] = [
  { name: "Ada Moreau", palette: { far: [226, 190, 150], near: [176, 116, 84], person: [62, 52, 66] } },
  { name: "Noor Haddad", palette: { far: [156, 184, 178], near: [74, 110, 116], person: [38, 46, 54] } },
  { name: "Ilya Brandt", palette: { far: [196, 188, 214], near: [112, 98, 142], person: [48, 40, 60] } },
];

describe("the page, as people see it", { timeout: 180_000 }, () => {
  const browsers: LaunchedBrowser[] = [];
  const cameras: AsyncDisposable[] = [];
  let server: PageServer;
  before(async () => {
    server = await openPageServer();
    await mkdir(SCREENSHOTS, { recursive: true });
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    for (const camera of cameras) await camera[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  it("is photographed, wide and on a phone, light and dark", async () => {
    const pages: Page[] = [];
    for (const { name, palette } of PEOPLE) {
      const camera = await portraitCamera(palette);
      cameras.push(camera);
      const browser = await launch("chromium", { args: [`--use-file-for-fake-video-capture=${camera.path}`] });
      browsers.push(browser);
      const { page } = await browser.open(`${server.url}/r/tuesday-standup`);
      if (pages.length === 0) await photograph(page, "door-wide", { width: 1280, height: 800 });
      await enterRoom(page, name);
      pages.push(page);
    }
    const listener = await (browsers[2] as LaunchedBrowser).browser.createBrowserContext();
    const guest = await listener.newPage();
    await guest.goto(`${server.url}/r/tuesday-standup`);
    await enterRoom(guest, "Sam", { camera: false });

    const first = pages[0] as Page;
    for (const name of ["Noor Haddad", "Ilya Brandt"])
      await waitForWords(first, name, { camera: "live", microphone: "live" });
    await waitForWords(first, "Sam", { camera: "never sent", microphone: "live" });
    await photograph(first, "room-wide", { width: 1280, height: 800 });
    await photograph(first, "room-wide-dark", { width: 1280, height: 800 }, "dark");
    await first.click("[data-key=people]");
    await photograph(first, "room-people", { width: 1280, height: 800 });
    await first.click("[data-key=people]");
    await photograph(first, "room-phone", { width: 390, height: 844, phone: true });
    await photograph(first, "room-phone-dark", { width: 390, height: 844, phone: true }, "dark");
    assert.equal(await first.$$eval(".tile", (tiles) => tiles.length), 4);
  });
});

async function photograph(
  page: Page,
  name: string,
  size: { readonly width: number; readonly height: number; readonly phone?: boolean },
  scheme: "light" | "dark" = "light",
): Promise<void> {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setViewport({
    width: size.width,
    height: size.height,
    deviceScaleFactor: size.phone ? 2 : 1,
    isMobile: size.phone ?? false,
    hasTouch: size.phone ?? false,
  });
  await page.bringToFront();
  // Two drawn frames after the new size: layout is done and every video has painted into it.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: `${SCREENSHOTS}${name}.png` });
}
