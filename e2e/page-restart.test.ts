import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { enterRoom, leaveRoom, waitForWords } from "./support/page-driver.ts";
import { RestartingServer } from "./support/restarting-server.ts";

describe("the page, when the server is killed and started again", { timeout: 120_000 }, () => {
  let server: RestartingServer;
  let ada: LaunchedBrowser;
  let bo: LaunchedBrowser;
  before(async () => {
    server = await RestartingServer.start();
    [ada, bo] = await Promise.all([launch("chromium"), launch("chromium")]);
  });
  after(async () => {
    await Promise.all([ada?.close(), bo?.close()]);
    await server?.[Symbol.asyncDispose]();
  });

  it("looks like reconnecting: the last pictures stay, and everybody is live again without a reload", async (t) => {
    const { page: one } = await ada.open(`${server.url}/r/restarted`);
    await enterRoom(one, "Ada");
    const { page: other } = await bo.open(`${server.url}/r/restarted`);
    await enterRoom(other, "Bo");
    const live = () =>
      Promise.all([
        waitForWords(one, "Bo", { microphone: "live", camera: "live" }),
        waitForWords(other, "Ada", { microphone: "live", camera: "live" }),
      ]);
    await live();
    for (const page of [one, other]) await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
    await server.kill();
    await one.waitForSelector(".trouble-bar");
    assert.match(await one.$eval(".trouble-bar", (bar) => bar.textContent ?? ""), /reconnecting/i);
    assert.equal(await pictured(one, "Bo"), true);
    const began = await server.start();
    await one.waitForFunction(() => !document.querySelector(".trouble-bar"), { polling: 50 });
    await live();
    t.diagnostic(`live again ${Math.round(performance.now() - began)} ms after the server listened`);
    for (const page of [one, other]) {
      assert.equal(await page.evaluate(() => "sameDocument" in globalThis), true, "no page was loaded anew");
      assert.equal(await page.$$eval(".tile", (tiles) => tiles.length), 2);
    }
    await leaveRoom(one);
    await leaveRoom(other);
  });
});

/** Whether a tile shows a picture, be it the last one. */
async function pictured(page: Page, person: string): Promise<boolean> {
  return await page.$eval(
    `[data-tile][aria-label="${person}"] video`,
    (video) => getComputedStyle(video).opacity === "1" && (video as HTMLVideoElement).videoWidth > 0,
  );
}
