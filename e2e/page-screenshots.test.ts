import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { enterRoom, leaveRoom, waitForWords } from "./support/page-driver.ts";
import { openPageServer, type PageServer } from "./support/page-server.ts";
import { type Palette, portraitCamera } from "./support/portrait-camera.ts";

const SCREENSHOTS = fileURLToPath(new URL("./artifacts/screenshots/", import.meta.url));
const DOCUMENTATION = fileURLToPath(new URL("../docs/screenshots/", import.meta.url));
/** Every run looks; `UPDATE_SCREENSHOTS=1` renews these, which the documentation shows. */
const DOCUMENTED = new Set(
  process.env.UPDATE_SCREENSHOTS
    ? [
        "door-wide",
        "room-wide",
        "room-wide-dark",
        "room-people",
        "room-phone",
        "room-phone-dark",
        "room-developer",
        "call-ringing",
        "call-wide",
      ]
    : [],
);
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
const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 844, phone: true };

describe("the page, as people see it", { timeout: 180_000 }, () => {
  const browsers: LaunchedBrowser[] = [];
  const cameras: AsyncDisposable[] = [];
  let server: PageServer;
  before(async () => {
    server = await openPageServer();
    await mkdir(SCREENSHOTS, { recursive: true });
    for (const { palette } of PEOPLE) {
      const camera = await portraitCamera(palette);
      cameras.push(camera);
      browsers.push(await launch("chromium", { args: [`--use-file-for-fake-video-capture=${camera.path}`] }));
    }
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    for (const camera of cameras) await camera[Symbol.asyncDispose]();
    await server?.[Symbol.asyncDispose]();
  });

  it("shows a room, wide and on a phone, light and dark", async () => {
    const pages: Page[] = [];
    for (const [index, { name }] of PEOPLE.entries()) {
      const { page } = await (browsers[index] as LaunchedBrowser).open(await linkFor(index, "tuesday-standup"));
      if (index === 0) {
        await page.waitForFunction(() => (document.querySelector("video")?.videoWidth ?? 0) > 0);
        await photograph(page, "door-wide", WIDE);
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
    await photograph(first, "room-wide", WIDE);
    await photograph(first, "room-wide-dark", WIDE, "dark");
    await first.click("[data-key=people]");
    await (await first.waitForSelector("[data-person='Noor Haddad'] .moderate summary"))?.click();
    await photograph(first, "room-people", WIDE);
    await first.click("[data-key=people]");
    await first.keyboard.press("?");
    await (await first.waitForSelector("[data-test=developer]"))?.click();
    await first.waitForSelector(".ledger tbody tr");
    await photograph(first, "room-developer", { width: 1440, height: 900 });
    await first.click(".panel [aria-label=Close]");
    // Becoming a phone reloads the page: the place is taken again by itself, and is to be waited for.
    await resize(first, PHONE);
    await atRest(first);
    await photograph(first, "room-phone", PHONE);
    await photograph(first, "room-phone-dark", PHONE, "dark");
    assert.equal(await first.$$eval(".tile", (tiles) => tiles.length), 4);
    // A page that goes away without leaving: the room waits for it.
    await guest.close();
    await first.waitForSelector(".tile .veil");
    await photograph(first, "room-waiting", PHONE);
    for (const page of pages) await leaveRoom(page);
  });

  it("shows a call, from the ring to the goodbye", async () => {
    // One at a desk, one on a phone: becoming a phone reloads a page, and a call does not outlive that.
    const [ada, noor] = [await callable(0, WIDE), await callable(1, PHONE)];
    await photograph(ada.page, "front-wide", WIDE);
    await photograph(noor.page, "front-phone-dark", PHONE, "dark");
    await noor.page.goto(`${server.url}/call/${ada.identity}?name=${encodeURIComponent("Ada Moreau")}`);
    await (await noor.page.waitForSelector("[data-test=call-video]"))?.click();
    await ada.page.waitForSelector("[data-ringing]");
    await photograph(ada.page, "call-ringing", WIDE);
    await photograph(noor.page, "call-calling-phone-dark", PHONE, "dark");
    await ada.page.bringToFront();
    await ada.page.click("[data-answer=video]");
    for (const page of [ada.page, noor.page]) {
      await page.waitForSelector('[data-tile=remote] .truth[data-source=camera][data-words="live"]');
      await page.waitForFunction(() => document.querySelectorAll(".notice").length === 0, { polling: 100 });
    }
    await photograph(ada.page, "call-wide", WIDE);
    await photograph(noor.page, "call-phone-dark", PHONE, "dark");
    await ada.page.click("[data-key=hangup]");
    await noor.page.waitForSelector("[data-over]");
    await ada.page.waitForSelector("[data-over]");
    await ada.page.click(".receipt-steps summary");
    await photograph(ada.page, "call-over", WIDE);
    await (await ada.page.waitForSelector("::-p-text(Call again)"))?.click();
    await noor.page.waitForSelector("[data-ringing]");
    await photograph(noor.page, "call-ringing-phone-dark", PHONE, "dark");
    for (const { page } of [ada, noor]) await page.close();
  });

  /** The first of them moderates. */
  async function linkFor(index: number, room: string): Promise<string> {
    if (index > 0) return `${server.url}/r/${room}`;
    const token = await server.server.createToken({ identity: "ada", name: PEOPLE[0]?.name, room, admin: true });
    return `${server.url}/r/${room}#token=${token}`;
  }

  async function callable(index: number, size: Size): Promise<{ page: Page; identity: string }> {
    const { page } = await (browsers[index] as LaunchedBrowser).open("about:blank");
    await resize(page, size);
    await page.goto(server.url);
    const field = await page.waitForSelector("input[name=own-name]");
    await field?.click({ count: 3 });
    await field?.type(PEOPLE[index]?.name ?? "");
    await page.waitForSelector("[data-reach=reachable]");
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    return { page, identity: await page.$eval(".own-link code", (code) => code.textContent ?? "") };
  }
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
  // Colours that fade into the other scheme have arrived; what turns for ever is not waited for.
  await page.evaluate(() =>
    Promise.all(
      document
        .getAnimations()
        .filter((one) => one.effect?.getComputedTiming().endTime !== Number.POSITIVE_INFINITY)
        .map((one) => one.finished.catch(() => {})),
    ),
  );
  // Two drawn frames after the new size: layout is done and every video has painted into it.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.screenshot({ path: `${DOCUMENTED.has(name) ? DOCUMENTATION : SCREENSHOTS}${name}.png` });
}
