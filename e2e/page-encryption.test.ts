import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { enterRoom, leaveRoom, waitForWords } from "./support/page-driver.ts";
import { openPageServer, type PageServer } from "./support/page-server.ts";

const SCREENSHOTS = fileURLToPath(new URL("./artifacts/screenshots/", import.meta.url));
const LIVE = { microphone: "live", camera: "live" };
const DARK = { microphone: "encrypted: wrong key", camera: "encrypted: wrong key" };
const KEY = "violet-harbour-seven";

describe("an encrypted room on the page", { timeout: 180_000 }, () => {
  let server: PageServer;
  let browsers: LaunchedBrowser[] = [];
  const asked: string[] = [];
  before(async () => {
    [server, browsers] = await Promise.all([openPageServer(), Promise.all([launch("chromium"), launch("chromium")])]);
    await mkdir(SCREENSHOTS, { recursive: true });
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await server?.[Symbol.asyncDispose]();
  });

  const open = async (index: number, fragment: string): Promise<Page> => {
    const { page } = await (browsers[index] ?? assert.fail()).open("about:blank");
    // The driver tells the fragment as well, which stays in the browser.
    page.on("request", (request) => asked.push(`${request.url().split("#")[0]} ${request.postData() ?? ""}`));
    await page.goto(`${server.url}/r/board${fragment}`);
    return page;
  };

  it("a link with the passphrase leads in, a wrong one is told and can be mended, and none of it reaches the server", async () => {
    const ada = await open(0, `#key=${KEY}`);
    await ada.waitForSelector("input[name=passphrase]");
    assert.equal(await ada.$eval("input[name=passphrase]", (input) => (input as HTMLInputElement).value), KEY);
    await picture(ada, "door-encrypted");
    await enterRoom(ada, "Ada");
    const bo = await open(0, `#key=${KEY}`);
    await enterRoom(bo, "Bo");
    await Promise.all([waitForWords(ada, "Bo", LIVE), waitForWords(bo, "Ada", LIVE)]);
    await ada.waitForSelector("[data-encryption=whole]");
    await ada.waitForSelector('.tile[aria-label="Bo"] .tile-lock');

    const cy = await open(1, "#key=violet-harbour-six");
    await enterRoom(cy, "Cy");
    await Promise.all([waitForWords(cy, "Ada", DARK), waitForWords(cy, "Bo", DARK), waitForWords(ada, "Cy", DARK)]);
    await cy.waitForSelector('.tile[aria-label="Ada"] .sealed-note');
    await cy.waitForSelector("[data-unlock=wrong-key]");
    await picture(cy, "room-wrong-passphrase");
    await picture(ada, "room-encrypted");
    await cy.type("input[name=unlock]", KEY);
    await cy.click("[data-unlock] button");
    await Promise.all([waitForWords(cy, "Ada", LIVE), waitForWords(cy, "Bo", LIVE), waitForWords(ada, "Cy", LIVE)]);
    await cy.waitForSelector("[data-unlock]", { hidden: true });
    assert.equal(new URL(cy.url()).hash, "", "the wrong one is out of the address");
    await leaveRoom(cy);

    const di = await open(1, "");
    await enterRoom(di, "Di");
    await waitForWords(di, "Ada", { microphone: "encrypted: no key", camera: "encrypted: no key" });
    await waitForWords(ada, "Di", LIVE);
    await ada.waitForSelector("[data-encryption=partly]");
    await di.waitForSelector("[data-unlock=locked-out]");
    await di.type("input[name=unlock]", KEY);
    await di.click("[data-unlock=locked-out] button");
    await waitForWords(di, "Ada", LIVE);
    await ada.waitForSelector("[data-encryption=whole]");
    for (const page of [ada, bo, di]) {
      // Two of them are tabs of one browser, and one that is behind takes no clicks.
      await page.bringToFront();
      await leaveRoom(page);
    }
    assert.ok(asked.length > 10);
    assert.deepEqual(
      asked.filter((request) => request.includes("violet")),
      [],
    );
  });
});

/** For whoever looks. */
async function picture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: `${SCREENSHOTS}${name}.png` });
}
