import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { until } from "./support/lab-driver.ts";
import { pictureGaps, ratesBetween, sentVideo, watchPictures } from "./support/picture-gaps.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

/** What one of several readings covers. */
const READING_MS = 400;

/**
 * A picture may stand still for so long: three browsers that encode all of this on one busy machine miss frames for much
 * longer than the 200 ms that `npm run bench -- encodings` measures against.
 */
const FREEZE_MS = 6_000;

/** A browser that has too little of the machine, or of its estimate, leaves out the largest of three for a while. */
const ALL_SENT_MS = 15_000;

describe("two, three and two in an sfu room", { timeout: 120_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let browsers: LaunchedBrowser[] = [];
  const people: Person[] = [];
  const pair = () => people.slice(0, 2);

  before(async () => {
    [server, page, browsers] = await Promise.all([
      startServer(),
      serveSdkPage(),
      Promise.all([launch("chromium"), launch("firefox")]),
    ]);
    for (const browser of [...browsers, ...browsers.slice(0, 1)]) {
      people.push(await Person.arrive(browser, { server: server.url, page: page.url }));
    }
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await page[Symbol.asyncDispose]();
    await server.close();
  });

  const rids = async (person: Person) => {
    const first = await sentVideo(person);
    await new Promise((resolve) => setTimeout(resolve, READING_MS));
    return Object.keys(ratesBetween(first, await sentVideo(person))).sort();
  };
  const allSend = async (what: string, enough: (rids: readonly string[]) => boolean) => {
    const each = pair().map((person) => until(what, () => rids(person), enough, 2 * ALL_SENT_MS));
    console.log(`${what}: Chromium and Firefox send ${JSON.stringify(await Promise.all(each))}`);
  };

  it("a pair sends one encoding each, three send all, and no picture stops on the way", async () => {
    for (const [at, name] of ["ada", "fay"].entries()) await people[at]?.join({ room: "policy", name });
    for (const [at, other] of ["fay", "ada"].entries()) await people[at]?.says(other, { camera: "live" });
    await allSend("two", ({ length }) => length === 1);

    // A tab that is not in front shows no pictures.
    await people[0]?.page.bringToFront();
    for (const person of pair()) await watchPictures(person);
    await people[2]?.join({ room: "policy", name: "cyn" });
    for (const person of pair()) await person.says("cyn", { camera: "live" });
    const giveUpAtMs = performance.now() + ALL_SENT_MS;
    await allSend("three", ({ length }) => length === 3 || (length === 2 && performance.now() > giveUpAtMs));
    await people[2]?.leaveCleanly();
    await allSend("two again", ({ length }) => length === 1);

    for (const [at, gaps] of (await Promise.all(pair().map(pictureGaps))).entries()) {
      const browser = ["Chromium", "Firefox"][at];
      console.log(`${browser}: ${JSON.stringify(gaps)}`);
      assert.ok(gaps.pictures > 25, `${browser}: ${gaps.pictures} pictures`);
      assert.ok(gaps.longestMs < FREEZE_MS, `${browser} stood still for ${gaps.longestMs} ms`);
    }
  });
});
