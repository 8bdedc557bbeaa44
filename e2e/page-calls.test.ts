import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { enterRoom } from "./support/page-driver.ts";
import { openPageServer, type PageServer } from "./support/page-server.ts";

/** A person with a browser of their own, and by what identity they can be called. */
interface Reachable {
  readonly page: Page;
  readonly identity: string;
}

describe("calls between people, on the page", { timeout: 300_000 }, () => {
  let server: PageServer;
  let ada: LaunchedBrowser;
  let bo: LaunchedBrowser;
  before(async () => {
    server = await openPageServer();
    [ada, bo] = await Promise.all([launch("chromium"), launch("chromium")]);
  });
  after(async () => {
    await Promise.all([ada?.close(), bo?.close()]);
    await server?.[Symbol.asyncDispose]();
  });

  it("rings at whoever is called by their link, who answers with camera; both hear and see", async () => {
    const callee = await reachable(bo, "Bo");
    const { page } = await ada.open(`${server.url}/call/${callee.identity}?name=Bo`);
    await name(page, "Ada");
    await page.click("[data-test=call-video]");
    await callee.page.waitForSelector("[data-ringing]");
    assert.match(await textOf(callee.page, ".ring-card"), /Ada calls you/);
    assert.match(await callee.page.title(), /Ada calls you/);
    // Whoever types nothing has the focus on the card, and presses a key.
    assert.equal(await callee.page.evaluate(() => (document.activeElement as HTMLElement).dataset.answer), "voice");
    await callee.page.click("[data-answer=video]");
    await Promise.all([talks(page), talks(callee.page)]);
    // What one turns off, the other reads.
    await page.keyboard.press("m");
    await says(callee.page, "microphone", "muted by them");
    await page.keyboard.press("v");
    await says(callee.page, "camera", "off");
    await page.keyboard.press("m");
    await page.keyboard.press("v");
    await says(callee.page, "microphone", "live");
    await says(callee.page, "camera", "live");
    await page.click("[data-key=hangup]");
    assert.match(await overWords(page), /2 devices were released; every connection is closed/);
    assert.match(await overWords(callee.page), /2 devices were released; every connection is closed/);
    await closeAll(page, callee.page);
  });

  it("tells the caller apart: declined, busy, unreachable, given up", async () => {
    const callee = await reachable(bo, "Bo");
    const caller = await reachable(ada, "Ada");
    await call(caller.page, callee.identity);
    await (await callee.page.waitForSelector("[data-answer=decline]"))?.click();
    assert.match(await overWords(caller.page, "declined"), /does not take the call/);
    await again(caller.page);
    await (await callee.page.waitForSelector("[data-answer=busy]"))?.click();
    assert.match(await overWords(caller.page, "busy"), /is busy/);
    await again(caller.page);
    await callee.page.waitForSelector("[data-ringing]");
    await caller.page.click("[data-key=hangup]");
    assert.match(await overWords(caller.page, "hangup"), /was given up/);
    await gone(callee.page, "[data-ringing]");
    assert.match(await textOf(callee.page, ".notice"), /You missed a call from Ada/);
    await callee.page.close();
    await again(caller.page);
    assert.match(await overWords(caller.page, "unreachable"), /not reachable/);
    await caller.page.close();
  });

  it("answers for whoever has said that they are busy", async () => {
    const callee = await reachable(bo, "Bo");
    const caller = await reachable(ada, "Ada");
    await (await callee.page.waitForSelector("::-p-aria(Busy)"))?.click();
    await callee.page.waitForSelector("[data-reach=busy]");
    await call(caller.page, callee.identity);
    assert.match(await overWords(caller.page, "busy"), /is busy/);
    assert.match(await textOf(callee.page, ".notice"), /called while you were busy/);
    await (await callee.page.waitForSelector("::-p-aria(Busy)"))?.click();
    await callee.page.waitForSelector("[data-reach=reachable]");
    await closeAll(caller.page, callee.page);
  });

  it("makes one call of two who call each other at once", async () => {
    const one = await reachable(ada, "Ada");
    const other = await reachable(bo, "Bo");
    await Promise.all([call(one.page, other.identity), call(other.page, one.identity)]);
    await Promise.all([talks(one.page), talks(other.page)]);
    await other.page.click("[data-key=hangup]");
    await Promise.all([overWords(one.page, "hangup"), overWords(other.page, "hangup")]);
    await closeAll(one.page, other.page);
  });

  it("rings in every tab; the first to answer has the call, the others say so", async () => {
    const first = await reachable(bo, "Bo");
    const second = await reachable(bo, "Bo");
    const third = await reachable(bo, "Bo");
    assert.equal(first.identity, second.identity);
    const caller = await reachable(ada, "Ada");
    await call(caller.page, first.identity);
    for (const { page } of [first, second, third]) await page.waitForSelector("[data-ringing]");
    await second.page.bringToFront();
    await second.page.click("[data-answer=voice]");
    await Promise.all([talks(caller.page), talks(second.page)]);
    for (const { page } of [first, third]) {
      await gone(page, "[data-ringing]");
      assert.match(await textOf(page, ".notice"), /answered in another tab/);
    }
    await second.page.click("[data-key=hangup]");
    await overWords(caller.page, "hangup");
    await third.page.bringToFront();
    // One word declines for the person, not for the tab.
    await again(caller.page);
    await first.page.waitForSelector("[data-ringing]");
    await (await third.page.waitForSelector("[data-answer=decline]"))?.click();
    await overWords(caller.page, "declined");
    await gone(first.page, "[data-ringing]");
    await closeAll(caller.page, first.page, second.page, third.page);
  });

  it("leaves a room for a call only when the person says so, and offers the way back", async () => {
    const { page: member } = await bo.open(`${server.url}/r/between`);
    await enterRoom(member, "Bo");
    const identity = await member.evaluate(() => localStorage.getItem("lodeline.identity") ?? "");
    const caller = await reachable(ada, "Ada");
    await call(caller.page, identity);
    await member.waitForSelector("[data-ringing]");
    assert.match(await textOf(member, ".ring-card"), /Answering ends your stay in this room/);
    await (await member.waitForSelector("[data-answer=decline]"))?.click();
    await overWords(caller.page, "declined");
    assert.ok(await member.$(".room:not(.in-call)"));
    await again(caller.page);
    await (await member.waitForSelector("[data-answer=voice]"))?.click();
    await Promise.all([talks(caller.page), talks(member)]);
    await member.click("[data-key=hangup]");
    await overWords(member, "hangup");
    await (await member.waitForSelector("::-p-text(Back to between)"))?.click();
    await member.waitForSelector("input[name=name]");
    await closeAll(caller.page, member);
  });

  it("goes from one call to another only when the person says so", async () => {
    const callee = await reachable(bo, "Bo");
    const first = await reachable(ada, "Ada");
    const context = await ada.browser.createBrowserContext();
    const second = await makeReachable(await context.newPage(), "Cleo");
    await call(first.page, callee.identity);
    await (await callee.page.waitForSelector("[data-answer=voice]"))?.click();
    await Promise.all([talks(first.page), talks(callee.page)]);
    await call(second.page, callee.identity);
    await callee.page.waitForSelector("[data-ringing]");
    assert.match(await textOf(callee.page, ".ring-card"), /Cleo calls you.*Answering ends the call you are in/);
    await callee.page.click("[data-answer=busy]");
    await overWords(second.page, "busy");
    await talks(first.page);
    await again(second.page);
    await (await callee.page.waitForSelector("[data-answer=voice]"))?.click();
    await overWords(first.page, "hangup");
    await Promise.all([talks(second.page), talks(callee.page)]);
    assert.equal(await textOf(callee.page, "header h1"), "Cleo");
    await callee.page.click("[data-key=hangup]");
    await overWords(second.page, "hangup");
    await closeAll(first.page, callee.page);
    await context.close();
  });

  it("can be hung up while it rings, while it connects, and by a tab that is closed", async () => {
    const callee = await reachable(bo, "Bo");
    const caller = await reachable(ada, "Ada");
    await call(caller.page, callee.identity);
    await (await callee.page.waitForSelector("[data-answer=voice]"))?.click();
    await (await callee.page.waitForSelector("[data-call]"))?.evaluate(() => {
      document.querySelector<HTMLElement>("[data-key=hangup]")?.click();
    });
    assert.match(await overWords(callee.page), /every connection is closed|No device was in use/);
    await overWords(caller.page);
    await again(caller.page);
    await (await callee.page.waitForSelector("[data-answer=voice]"))?.click();
    await Promise.all([talks(caller.page), talks(callee.page)]);
    await callee.page.close();
    assert.match(await overWords(caller.page), /every connection is closed/);
    await caller.page.close();
  });

  async function reachable(browser: LaunchedBrowser, who: string): Promise<Reachable> {
    const { page } = await browser.open("about:blank");
    return await makeReachable(page, who);
  }

  async function makeReachable(page: Page, who: string): Promise<Reachable> {
    await page.goto(server.url);
    const field = await page.waitForSelector("input[name=own-name]");
    await field?.click({ count: 3 });
    await field?.type(who);
    await page.waitForSelector("[data-reach=reachable]");
    const identity = await page.$eval(".own-link code", (code) => code.textContent ?? "");
    // Whoever is called is not typing.
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    return { page, identity };
  }
});

async function name(page: Page, who: string): Promise<void> {
  const field = await page.waitForSelector("input[name=name]");
  await field?.click({ count: 3 });
  await field?.type(who);
}

/** Calls from the front page, by the callee's identity, with voice and camera. */
async function call(page: Page, identity: string): Promise<void> {
  await page.type("input[name=callee]", identity);
  await page.keyboard.press("Enter");
  await (await page.waitForSelector("[data-test=call-video]"))?.click();
  await page.waitForSelector("[data-call], [data-over]");
}

async function again(page: Page): Promise<void> {
  await (await page.waitForSelector("::-p-text(Call again)"))?.click();
}

/** Waits until a call is `Active` and sound arrives. */
async function talks(page: Page): Promise<void> {
  await page.waitForSelector("[data-call=Active]");
  await says(page, "microphone", "live");
}

async function says(page: Page, source: string, words: string): Promise<void> {
  await page.waitForSelector(`[data-tile=remote] .truth[data-source="${source}"][data-words="${words}"]`);
}

/** What the page says after a call. */
async function overWords(page: Page, reason?: string): Promise<string> {
  await page.waitForSelector(reason ? `[data-over="${reason}"]` : "[data-over]");
  return await textOf(page, ".farewell");
}

async function textOf(page: Page, selector: string): Promise<string> {
  await page.waitForSelector(selector);
  return await page.$eval(selector, (element) => element.textContent ?? "");
}

/** Also in a tab that is not in front, where browsers draw nothing. */
async function gone(page: Page, selector: string): Promise<void> {
  await page.waitForFunction((sought) => !document.querySelector(sought), { polling: 50 }, selector);
}

async function closeAll(...pages: readonly Page[]): Promise<void> {
  for (const page of pages) await page.close();
}
