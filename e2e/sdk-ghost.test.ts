import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

const LIVE = { microphone: "live", camera: "live" };

describe("ghost media in an sfu room", { timeout: 180_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let browser: LaunchedBrowser;
  let ada: Person;
  let ben: Person;

  before(async () => {
    [server, page, browser] = await Promise.all([startServer(), serveSdkPage(), launch("chromium")]);
    ada = await Person.arrive(browser, { server: server.url, page: page.url });
    ben = await Person.arrive(browser, { server: server.url, page: page.url });
    await ada.join({ room: "ghost", name: "ada", camera: false });
    await ben.join({ room: "ghost", name: "ben" });
    await ada.says("ben", LIVE);
    await ben.says("ada", { microphone: "live" });
  });
  after(async () => {
    await browser.close();
    await page[Symbol.asyncDispose]();
    await server.close();
  });

  const idOf = (person: Person) => person.run((lab) => lab.room?.self.id ?? "");
  const connections = async () =>
    Promise.all([ada, ben].map((one) => one.run((lab) => [lab.connections.length, lab.sockets.length])));
  const words = async (person: Person, since: number) =>
    (await person.notes())
      .filter(({ atMs, what }) => atMs >= since && what.startsWith("standing"))
      .map(({ what }) => what);
  const nowOn = (person: Person) => person.run(() => performance.now());

  for (const lost of ["room-event", "slots"] as const) {
    it(`a lost ${lost} message that announces a camera is made good within three seconds`, async () => {
      const before = await connections();
      assert.ok(server.faults);
      const event = lost === "room-event" ? ",event=media-state" : "";
      server.faults.start(`msg:lose,to=client,who=${await idOf(ben)},type=${lost}${event}`);
      const since = await nowOn(ben);
      await ada.run((lab) => lab.room?.camera.on());
      await ben.says("ada", LIVE, 6_000);
      const tookMs = (await nowOn(ben)) - since;
      const said = await words(ben, since);
      console.log(`lost ${lost}: camera seen after ${tookMs.toFixed(0)} ms: ${said}`);
      assert.ok(
        said.some((what) => what.includes("missing: asking again")),
        `the tile never said missing: ${said}`,
      );
      assert.ok(tookMs < 3_000, `${tookMs} ms`);
      assert.deepEqual(await connections(), before, "no connection and no link was made anew");
      await ada.run((lab) => lab.room?.camera.off());
      await ben.says("ada", { camera: "never sent" });
    });
  }

  it("five silent seconds are told as missing, asked for again, and over within three seconds of their end", async () => {
    await ada.run((lab) => lab.room?.camera.on());
    await ben.says("ada", LIVE);
    const before = await connections();
    const [from, to] = [await idOf(ada), await idOf(ben)];
    assert.ok(server.faults);
    server.faults.start(`silence:subscription=${from}:camera>${to}+5s`);
    const silentAt = performance.now();
    await ben.says("ada", { camera: "missing: asking again" }, 5_000);
    const replay = await ben.run(async (lab) => {
      // The receiver notices by itself; what the server does about it is told a moment later.
      for (let round = 0; round < 50; round++) {
        const row = lab.room?.ledger().find((one) => one.source === "camera" && one.to === lab.room?.self.id);
        if (row?.replay) return row.replay.step;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return undefined;
    });
    assert.ok(replay, "a replay runs");
    await ben.says("ada", LIVE, 12_000);
    const afterMs = performance.now() - silentAt - 5_000;
    console.log(`silence: media back ${afterMs.toFixed(0)} ms after its end, replay seen at ${replay}`);
    assert.ok(afterMs < 3_000, `${afterMs} ms`);
    await ben.says("ada", LIVE);
    const others = (await words(ada, 0)).filter((what) => what.includes("missing"));
    assert.deepEqual(others, [], "nobody else's media was touched");
    assert.deepEqual(await connections(), before, "no connection and no link was made anew");
  });

  it("a link that is cut resumes, and media never stops", async () => {
    const before = await ben.arrived();
    await ben.run((lab) => lab.sockets.at(-1)?.close(4000));
    // Other notes may stand between the two and after them.
    await ben.until(() => {
      const at = lab.notes.findLastIndex(({ what }) => what === "connection interrupted active");
      return at >= 0 && lab.notes.slice(at).some(({ what }) => what === "connection open active");
    });
    const after = await ben.arrived();
    const frames = (rows: typeof before) => rows.reduce((sum, row) => sum + row.framesDecoded, 0);
    await ben.says("ada", LIVE);
    assert.ok(frames(after) >= frames(before));
    assert.equal((await connections())[1]?.[0], 1);
    await ada.leaveCleanly();
    await ben.leaveCleanly();
  });
});
