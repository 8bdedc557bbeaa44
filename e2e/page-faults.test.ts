import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { enterRoom, leaveRoom, waitForWords } from "./support/page-driver.ts";
import { openPageServer, type PageServer } from "./support/page-server.ts";

describe("the page, when things break", { timeout: 240_000 }, () => {
  let server: PageServer;
  let ada: LaunchedBrowser;
  let bo: LaunchedBrowser;
  before(async () => {
    server = await openPageServer("network");
    [ada, bo] = await Promise.all([launch("chromium"), launch("chromium")]);
  });
  after(async () => {
    await Promise.all([ada?.close(), bo?.close()]);
    await server?.[Symbol.asyncDispose]();
  });

  it("keeps the last picture of whoever is lost, says that it waits, and then lets go", async () => {
    const { one, other } = await meet("lost", { byeGraceMs: 1500 });
    await other.close();
    await one.waitForSelector('[data-tile].waiting[aria-label="Bo"] .veil');
    assert.match(await text(one, ".veil"), /Connection lost\? Waiting/);
    assert.equal(await pictureOf(one, "Bo"), "shown");
    await gone(one, '[data-tile][aria-label="Bo"]');
    await leaveRoom(one);
  });

  it("tells whoever was gone for longer than the lease, and lets them in again as they were", async () => {
    const { one, other } = await meet("asleep", { suspectMs: 700, leaseMs: 1500 });
    const before = await selfId(other);
    await other.evaluate(() => {
      // Longer than the lease: nothing runs, nothing is answered.
      const until = performance.now() + 8000;
      while (performance.now() < until);
    });
    await waitForText(other, ".notices", /You were gone for too long and have been let in again/);
    await Promise.all([
      waitForWords(one, "Bo", { microphone: "live", camera: "live" }),
      waitForWords(other, "Ada", { microphone: "live", camera: "live" }),
    ]);
    assert.notEqual(await selfId(other), before);
    assert.equal(await one.$$eval(".tile", (tiles) => tiles.length), 2, "no ghost of the earlier place");
    await leaveRoom(one);
    await leaveRoom(other);
  });

  it("says that the server is out of reach while sound and picture go on, and resets nothing", async () => {
    const { one, other } = await meet("link-cut", {});
    const before = await selfId(one);
    await begin("tcp:cut=60,refuse+2500ms");
    await one.waitForSelector("[data-trouble=link]");
    assert.match(await text(one, ".trouble-bar"), /Reconnecting to the server.*Sound and picture go on/);
    const drawn = await drawnTime(one, "Bo");
    await one.waitForFunction(
      (person, since) => {
        const video = document.querySelector<HTMLVideoElement>(`[data-tile][aria-label="${person}"] video`);
        return document.querySelector("[data-trouble=link]") !== null && (video?.currentTime ?? 0) > since + 0.5;
      },
      { polling: 50 },
      "Bo",
      drawn,
    );
    await gone(one, "[data-trouble]");
    await one.waitForSelector('[data-connection="Connected"]');
    assert.equal(await selfId(one), before);
    assert.equal(await sessions(one), 1, "the media session is the one from before");
    await leaveRoom(one);
    await leaveRoom(other);
  });

  it("keeps the last picture while no packet comes through, and has it live again", async () => {
    const { one, other } = await meet("silent", {});
    const before = await selfId(one);
    const began = performance.now();
    await begin("udp:dead=both+4s");
    await waitForText(one, '[data-tile][aria-label="Bo"] .veil', /The last picture; asking for a new one/);
    assert.equal(await pictureOf(one, "Bo"), "shown");
    await waitForWords(one, "Bo", { camera: "missing: asking again" });
    await Promise.all([
      waitForWords(one, "Bo", { microphone: "live", camera: "live" }),
      waitForWords(other, "Ada", { microphone: "live", camera: "live" }),
    ]);
    await gone(one, ".veil");
    await gone(one, "[data-trouble]");
    assert.ok(performance.now() - began > 4000);
    assert.equal(await selfId(one), before);
    await leaveRoom(one);
    await leaveRoom(other);
  });

  it("shows developers the ledger, the twelve steps, the seven, and faults to begin and end", async () => {
    const { one, other } = await meet("developed", {});
    await one.keyboard.press("?");
    await (await one.waitForSelector("[data-test=developer]"))?.click();
    await one.waitForFunction(() => document.querySelectorAll(".ledger tbody tr").length === 4);
    await one.waitForFunction(() => document.querySelectorAll(".ledger .fact.yes").length === 20);
    const done = await one.$$eval("[data-plan=start] [data-outcome=done]", (steps) => steps.length);
    assert.equal(done, 12);
    await one.type("input[name=fault]", "msg:looose");
    await one.keyboard.press("Enter");
    await waitForText(one, ".developer .trouble", /has no parameter "looose"/);
    await one.click("input[name=fault]", { count: 3 });
    await one.type("input[name=fault]", "msg:hold=5s,type=ok,who=nobody");
    await one.keyboard.press("Enter");
    await one.waitForSelector("[data-fault]");
    await (await one.waitForSelector('::-p-aria([name="End msg:hold=5s,type=ok,who=nobody"])'))?.click();
    await gone(one, "[data-fault]");
    // A camera that is pulled out: the others read the truth, the person what to do.
    await one.click("input[name=fault]", { count: 3 });
    await one.type("input[name=fault]", "device:pull,kind=camera");
    await one.keyboard.press("Enter");
    await waitForWords(other, "Ada", { camera: "never sent", microphone: "live" });
    await waitForWords(one, "Ada, you", { camera: "not available" });
    await (await one.waitForSelector('::-p-aria([name="End device:pull,kind=camera"])'))?.click();
    await gone(one, "[data-fault]");
    await one.click("[data-key=camera]");
    await waitForWords(other, "Ada", { camera: "live" });
    await one.click("[data-key=leave]");
    await one.waitForSelector(".farewell .receipt-steps");
    const stopped = await one.$$eval("[data-plan=stop] [data-outcome=done]", (steps) =>
      steps.map((step) => (step as HTMLElement).dataset.step),
    );
    assert.equal(stopped.length, 7);
    assert.deepEqual([stopped[0], stopped[6]], ["disable-tracks", "close-connection"]);
    await one.close();
    await leaveRoom(other);
  });

  /** Breaks something, as the developer panel and the command line do. */
  async function begin(spec: string): Promise<void> {
    const begun = await fetch(`${server.url}/v1/faults`, {
      method: "POST",
      headers: { "content-type": "application/json", connection: "close" },
      body: JSON.stringify({ spec }),
    });
    assert.equal(begun.status, 201, await begun.text());
  }

  /** Two people in a room of its own leases, who hear and see each other. */
  async function meet(room: string, leases: object): Promise<{ one: Page; other: Page }> {
    const made = await fetch(`${server.url}/v1/rooms`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ room, ...leases }),
    });
    assert.equal(made.status, 201);
    const { page: one } = await ada.open(`${server.url}/r/${room}`);
    await enterRoom(one, "Ada");
    const { page: other } = await bo.open(`${server.url}/r/${room}`);
    await enterRoom(other, "Bo");
    await Promise.all([
      waitForWords(one, "Bo", { microphone: "live", camera: "live" }),
      waitForWords(other, "Ada", { microphone: "live", camera: "live" }),
    ]);
    return { one, other };
  }
});

/** One's own participant id, by the handle that the page leaves on the browser's console. */
async function selfId(page: Page): Promise<string> {
  return await page.evaluate(
    () => (globalThis as unknown as { lodeline: { room: { self: { id: string } } } }).lodeline.room.self.id,
  );
}

/** How many media sessions this page has begun in its room. */
async function sessions(page: Page): Promise<number> {
  return await page.evaluate(() => {
    const { steps } = (globalThis as unknown as { lodeline: { room: { steps: { session: string }[] } } }).lodeline.room;
    return new Set(steps.map((step) => step.session)).size;
  });
}

async function text(page: Page, selector: string): Promise<string> {
  return await page.$eval(selector, (element) => element.textContent ?? "");
}

async function waitForText(page: Page, selector: string, pattern: RegExp): Promise<void> {
  await page.waitForFunction(
    (where, source) => new RegExp(source).test(document.querySelector(where)?.textContent ?? ""),
    { polling: 50 },
    selector,
    pattern.source,
  );
}

async function gone(page: Page, selector: string): Promise<void> {
  await page.waitForFunction((sought) => !document.querySelector(sought), { polling: 50 }, selector);
}

/** How much of a tile's picture has been drawn, in seconds of it. */
async function drawnTime(page: Page, person: string): Promise<number> {
  return await page.$eval(
    `[data-tile][aria-label="${person}"] video`,
    (video) => (video as HTMLVideoElement).currentTime,
  );
}

/** Whether a tile shows a picture, the last one or a live one. */
async function pictureOf(page: Page, person: string): Promise<"shown" | "hidden"> {
  return await page.$eval(`[data-tile][aria-label="${person}"] video`, (video) =>
    getComputedStyle(video).opacity === "1" && (video as HTMLVideoElement).videoWidth > 0 ? "shown" : "hidden",
  );
}
