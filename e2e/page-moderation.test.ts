import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { enterRoom, waitForWords } from "./support/page-driver.ts";
import { openPageServer, type PageServer } from "./support/page-server.ts";

describe("moderation, on the page", { timeout: 240_000 }, () => {
  let server: PageServer;
  let chair: Page;
  let member: Page;
  const browsers: LaunchedBrowser[] = [];

  before(async () => {
    server = await openPageServer();
    browsers.push(...(await Promise.all([launch("chromium"), launch("chromium")])));
    const [one, other] = browsers as [LaunchedBrowser, LaunchedBrowser];
    // Whoever makes a room moderates it.
    ({ page: chair } = await one.open(server.url));
    await chair.click("[data-test=make-room]");
    await enterRoom(chair, "Chair");
    ({ page: member } = await other.open(chair.url()));
    await enterRoom(member, "Bo");
    await waitForWords(chair, "Bo", { microphone: "live", camera: "live" });
    await chair.click("[data-key=people]");
    await member.click("[data-key=people]");
    await unfold(chair);
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await server?.[Symbol.asyncDispose]();
  });

  it("shows each person's role", async () => {
    assert.equal(await chair.$eval(".people > li:first-child [data-role]", (badge) => badge.textContent), "moderator");
    assert.equal(await member.$eval("[data-person=Chair] [data-role]", (badge) => badge.textContent), "moderator");
    assert.equal(await member.$(".moderate"), null, "nobody else is offered what a moderator may do");
  });

  it("mutes somebody, who reads by whom and may open it again", async () => {
    await press(chair, "Mute Bo's microphone");
    await waitForWords(chair, "Bo", { microphone: "muted by a moderator" });
    await waitForWords(member, "Bo, you", { microphone: "muted by a moderator" });
    assert.match(await notices(member), /Chair muted your microphone\. You can open it again/);
    await member.click("[data-key=microphone]");
    await waitForWords(chair, "Bo", { microphone: "live" });
  });

  it("keeps somebody muted until it is allowed, and says so at their key", async () => {
    await press(chair, "Keep Bo's microphone muted");
    await member.waitForSelector("[data-key=microphone][aria-disabled=true]");
    const why = await member.$eval("[data-key=microphone]", (key) => key.getAttribute("aria-label") ?? "");
    assert.match(why, /Chair muted your microphone: only a moderator can let you open it again/);
    await member.keyboard.press("m");
    await waitForWords(chair, "Bo", { microphone: "muted by a moderator" });
    await press(chair, "Allow Bo's microphone");
    await waitForWords(chair, "Bo", { microphone: "muted by them" });
    await member.click("[data-key=microphone]");
    await waitForWords(chair, "Bo", { microphone: "live" });
  });

  it("makes somebody a viewer and a speaker again, at once for everybody", async () => {
    await chair.select('select[aria-label="Role of Bo"]', "viewer");
    await waitForWords(chair, "Bo", { microphone: "never sent", camera: "never sent" });
    await member.waitForSelector("[data-key=camera][aria-disabled=true]");
    assert.match(await notices(member), /You are a viewer now/);
    assert.equal(await member.$eval(".people > li:first-child [data-role]", (badge) => badge.textContent), "viewer");
    await waitForWords(member, "Chair", { camera: "live" });
    await chair.select('select[aria-label="Role of Bo"]', "speaker");
    await member.waitForSelector("[data-key=camera][aria-disabled=false]");
    await member.click("[data-key=camera]");
    await waitForWords(chair, "Bo", { camera: "live" });
  });

  it("locks the room against whoever is not in it", async () => {
    await press(chair, "Lock the room");
    await member.waitForSelector(".locked");
    const late = await (browsers[1] as LaunchedBrowser).browser.createBrowserContext();
    const page = await late.newPage();
    await page.goto(chair.url());
    await page.waitForSelector("[data-test=join]");
    await page.click("[data-test=join]");
    const trouble = await page.waitForSelector(".card .trouble");
    assert.match((await trouble?.evaluate((element) => element.textContent)) ?? "", /locked/i);
    await late.close();
    await press(chair, "Unlock the room");
    await member.waitForFunction(() => !document.querySelector(".locked"), { polling: 50 });
  });

  it("removes somebody after asking, keeps them out, and lets them back in", async () => {
    await press(chair, "Remove Bo");
    await press(chair, "Cancel");
    await press(chair, "Remove Bo");
    await chair.click("[data-confirm]");
    await member.waitForSelector('[data-left="room/removed"]');
    assert.match(await text(member, ".farewell"), /You were removed.*every connection is closed/s);
    await chair.waitForFunction(() => !document.querySelector("[data-person=Bo]"), { polling: 50 });
    await member.reload();
    await member.waitForSelector("[data-test=join]");
    await member.click("[data-test=join]");
    await member.waitForSelector(".card .trouble");
    await press(chair, "Let back in");
    await member.click("[data-test=join]");
    await waitForWords(chair, "Bo", { camera: "live" });
  });

  it("ends the room for everybody after asking", async () => {
    await press(chair, "End for all");
    await chair.click("[data-confirm]");
    for (const page of [chair, member]) {
      await page.waitForSelector('[data-left="room/ended"]');
      assert.match(await text(page, ".farewell"), /ended for everyone.*every connection is closed/s);
    }
  });
});

async function unfold(page: Page): Promise<void> {
  await (await page.waitForSelector(".moderate summary"))?.click();
}

async function press(page: Page, name: string): Promise<void> {
  const control = await page.waitForSelector(`::-p-aria([name="${name}"])`);
  await control?.evaluate((element) => (element as HTMLElement).click());
}

async function notices(page: Page): Promise<string> {
  await page.waitForSelector(".notice");
  return await text(page, ".notices");
}

async function text(page: Page, selector: string): Promise<string> {
  return await page.$eval(selector, (element) => element.textContent ?? "");
}
