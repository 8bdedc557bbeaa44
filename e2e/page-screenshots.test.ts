import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { enterRoom, leaveRoom, waitForWords } from "./support/page-driver.ts";
import { openPageServer, type PageServer } from "./support/page-server.ts";
import { type Palette, portraitCamera } from "./support/portrait-camera.ts";

// Every run looks; `UPDATE_SCREENSHOTS=1` renews the ones in the documentation.
const FOLDER = process.env.UPDATE_SCREENSHOTS ? "../docs/screenshots/" : "./artifacts/screenshots/";
const SCREENSHOTS = fileURLToPath(new URL(FOLDER, import.meta.url));
const PEOPLE: readonly { readonly name: string; readonly palette: Palette }[] = [
  {
    name: "Ada Moreau",
    palette: {
      far: [226, 190, 150],
      near: [176, 116, 84],
      person: [62, 72, 96],
      skin: [214, 164, 132],
      hair: [70, 46, 38],
    },
  },
  {
    name: "Noor Haddad",
    palette: {
      far: [156, 184, 178],
      near: [74, 110, 116],
      person: [196, 150, 84],
      skin: [170, 118, 86],
      hair: [34, 30, 34],
    },
  },
  {
    name: "Ilya Brandt",
    palette: {
      far: [196, 188, 214],
      near: [112, 98, 142],
      person: [58, 66, 60],
      skin: [232, 192, 166],
      hair: [166, 120, 70],
    },
  },
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
      if (pages.length === 0) {
        await page.waitForFunction(() => (document.querySelector("video")?.videoWidth ?? 0) > 0);
        await photograph(page, "door-wide", { width: 1280, height: 800 });
      }
      await enterRoom(page, name);
      pages.push(page);
    }
    const listener = await (browsers[2] as LaunchedBrowser).browser.createBrowserContext();
    const guest = await listener.newPage();
    await guest.goto(`${server.url}/r/tuesday-standup`);
    await enterRoom(guest, "Sam", { camera: false });

    const first = pages[0] as Page;
    await atRest(first);
    await photograph(first, "room-wide", { width: 1280, height: 800 });
    await photograph(first, "room-wide-dark", { width: 1280, height: 800 }, "dark");
    await first.click("[data-key=people]");
    await photograph(first, "room-people", { width: 1280, height: 800 });
    // Becoming a phone reloads the page: the place is taken again by itself, and is to be waited for.
    await resize(first, { width: 390, height: 844, phone: true });
    await atRest(first);
    await photograph(first, "room-phone", { width: 390, height: 844, phone: true });
    await photograph(first, "room-phone-dark", { width: 390, height: 844, phone: true }, "dark");
    assert.equal(await first.$$eval(".tile", (tiles) => tiles.length), 4);
    for (const page of [...pages, guest]) await leaveRoom(page);
  });
});

interface Size {
  readonly width: number;
  readonly height: number;
  readonly phone?: boolean;
}

async function atRest(page: Page): Promise<void> {
  for (const name of ["Noor Haddad", "Ilya Brandt"]) {
    await waitForWords(page, name, { camera: "live", microphone: "live" });
  }
  await waitForWords(page, "Sam", { camera: "never sent", microphone: "live" });
  // The notices of who joined fade by themselves.
  await page.waitForFunction(() => document.querySelectorAll(".notice").length === 0);
}

async function resize(page: Page, size: Size): Promise<void> {
  const phone = size.phone ?? false;
  const { width, height } = size;
  await page.setViewport({ width, height, deviceScaleFactor: phone ? 2 : 1, isMobile: phone, hasTouch: phone });
}

async function photograph(page: Page, name: string, size: Size, scheme: "light" | "dark" = "light"): Promise<void> {
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await resize(page, size);
  await page.bringToFront();
  // Two drawn frames after the new size: layout is done and every video has painted into it.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: `${SCREENSHOTS}${name}.png` });
}
