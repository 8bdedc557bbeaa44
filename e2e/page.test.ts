import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { enterRoom, leaveRoom, waitForWords } from "./support/page-driver.ts";
import { openPageServer, type PageServer } from "./support/page-server.ts";

describe("the page, used by people", { timeout: 300_000 }, () => {
  let server: PageServer;
  let ada: LaunchedBrowser;
  let bo: LaunchedBrowser;
  before(async () => {
    server = await openPageServer();
    ada = await launch("chromium");
    bo = await launch("chromium");
  });
  after(async () => {
    await Promise.all([ada?.close(), bo?.close()]);
    await server?.[Symbol.asyncDispose]();
  });

  it("makes a room, opens it by its link, and both hear and see each other", async () => {
    const made = await ada.open(server.url);
    await made.page.click("button.primary");
    await enterRoom(made.page, "Ada");
    const joined = await bo.open(made.page.url());
    await enterRoom(joined.page, "Bo");
    await waitForWords(made.page, "Bo", { microphone: "live", camera: "live" });
    await waitForWords(joined.page, "Ada", { microphone: "live", camera: "live" });
    assert.deepEqual([...made.errors, ...joined.errors], []);
    await leaveRoom(made.page);
    await leaveRoom(joined.page);
  });

  it("follows mute and camera, by key and by click", async (t) => {
    const [one, other] = await meet("toggles");
    for (const [press, source] of [
      ["m", "microphone"],
      ["v", "camera"],
    ] as const) {
      await one.keyboard.press(press);
      t.diagnostic(`${source} off: ${await timed(waitForWords(other, "Ada", { [source]: "muted by them" }))} ms`);
      await one.click(`[data-key=${source}]`);
      t.diagnostic(`${source} on: ${await timed(waitForWords(other, "Ada", { [source]: "live" }))} ms`);
    }
    await leaveRoom(one);
    await leaveRoom(other);
  });

  it("calls the peer that lives on the server, and hangs up", async () => {
    const { page } = await ada.open(`${server.url}/r/server-peer`);
    await enterRoom(page, "Ada");
    await page.click("[data-key=robot]");
    await waitForWords(page, "Server peer", { microphone: "live", camera: "live" });
    await page.click("[data-key=robot]");
    await page.waitForFunction(() => !document.querySelector("[data-tile=server-peer]"));
    await leaveRoom(page);
  });

  it("lets somebody without a camera or microphone in, to listen, and says what to do", async () => {
    await using bare = await launch("chromium", { fakeMedia: false });
    const { page: sender } = await ada.open(`${server.url}/r/bare`);
    await enterRoom(sender, "Ada");
    const { page } = await bare.open(`${server.url}/r/bare`);
    await page.waitForSelector(".trouble");
    await enterRoom(page, "Listener");
    await waitForWords(page, "Ada", { microphone: "live", camera: "live" });
    await waitForWords(sender, "Listener", { microphone: "never sent", camera: "never sent" });
    await leaveRoom(page);
    await leaveRoom(sender);
  });

  it("goes straight back in after a reload, to one place", async () => {
    const [one, other] = await meet("reload");
    await one.reload();
    await one.waitForSelector(".room");
    await waitForWords(other, "Ada", { microphone: "live", camera: "live" });
    assert.equal(await other.$$eval(".tile", (tiles) => tiles.length), 2);
    await leaveRoom(one);
    await leaveRoom(other);
  });

  it("can be used by keyboard and screen reader: every control has a name and shows its focus", async () => {
    const { page } = await ada.open(server.url);
    for (const address of [server.url, `${server.url}/call/amber-anchor-0412`, `${server.url}/r/named#dev`]) {
      await page.goto(address);
      await page.waitForSelector("button.primary");
      assert.deepEqual(await namelessOf(page), [], address);
    }
    await enterRoom(page, "Ada");
    await page.waitForSelector(".developer");
    assert.deepEqual(await namelessOf(page), []);
    await page.click("[data-key=people]");
    assert.deepEqual(await namelessOf(page), []);
    const reached = new Set<string>();
    for (let step = 0; step < 20; step++) {
      await page.keyboard.press("Tab");
      reached.add(await page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset.key ?? ""));
    }
    for (const key of ["microphone", "camera", "screen", "people", "settings", "robot", "leave"]) {
      assert.ok(reached.has(key), `${key} is not reached by Tab`);
    }
    await leaveRoom(page);
  });

  async function meet(room: string): Promise<[Page, Page]> {
    const { page: one } = await ada.open(`${server.url}/r/${room}`);
    await enterRoom(one, "Ada");
    const { page: other } = await bo.open(`${server.url}/r/${room}`);
    await enterRoom(other, "Bo");
    await waitForWords(one, "Bo", { microphone: "live", camera: "live" });
    await waitForWords(other, "Ada", { microphone: "live", camera: "live" });
    return [one, other];
  }
});

/** Controls that a screen reader could only call "button". */
async function namelessOf(page: Page): Promise<string[]> {
  return await page.$$eval("button, a[href], input, select, summary", (controls) =>
    controls
      .filter((one) => !(one.getAttribute("aria-label") ?? one.textContent)?.trim() && !one.closest("label"))
      .map((one) => one.outerHTML),
  );
}

async function timed(work: Promise<void>): Promise<number> {
  const began = performance.now();
  await work;
  return Math.round(performance.now() - began);
}
