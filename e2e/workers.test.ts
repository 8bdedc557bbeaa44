import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { until } from "./support/lab-driver.ts";
import { playsAnew } from "./support/plays-anew.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

const LIVE = { microphone: "live", camera: "live" };

describe("media in worker threads", { timeout: 120_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let browsers: LaunchedBrowser[] = [];
  const people: Person[] = [];

  before(async () => {
    [server, page, browsers] = await Promise.all([
      startServer({ media: { workers: 2 } }),
      serveSdkPage(),
      Promise.all([launch("chromium"), launch("chromium")]),
    ]);
    for (const browser of browsers) people.push(await Person.arrive(browser, { server: server.url, page: page.url }));
    for (const [index, one] of people.entries()) await one.join({ room: "threads", name: `p${index}` });
    await people[0]?.says("p1", LIVE);
    await people[1]?.says("p0", LIVE);
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await page[Symbol.asyncDispose]();
    await server.close();
  });

  it("a worker that dies is replaced, and its room plays again over new sessions within three seconds", async (t) => {
    const connections = () => Promise.all(people.map((one) => one.run((lab) => lab.connections.length)));
    const before = await connections();
    assert.ok(server.faults);
    const killedAt = performance.now();
    // The first room is on the first worker: both were idle.
    server.faults.start("media:kill,worker=0");
    await Promise.all(people.map((one, index) => playsAnew(one, before[index] ?? 0)));
    const tookMs = performance.now() - killedAt;
    t.diagnostic(`sound and picture again ${tookMs.toFixed(0)} ms after the worker was killed`);
    assert.ok(tookMs < 3_000, `${tookMs} ms`);
    assert.deepEqual(
      await connections(),
      before.map((count) => count + 1),
      "one new connection each",
    );
    await people[0]?.says("p1", LIVE);
    await people[1]?.says("p0", LIVE);
  });

  it("another worker's death touches nobody", async () => {
    const connections = () => Promise.all(people.map((one) => one.run((lab) => lab.connections.length)));
    const before = await connections();
    // The replacement of the first: the room went to the second.
    server.faults?.start("media:kill,worker=0");
    const earlier = await Promise.all(people.map((one) => one.arrived()));
    for (const [index, one] of people.entries()) {
      const frames = Math.max(...(earlier[index] ?? []).map(({ framesDecoded }) => framesDecoded));
      await one.page.waitForFunction(
        async (than) => (await lab.arrived()).some(({ framesDecoded }) => framesDecoded > than + 30),
        { polling: 50, timeout: 10_000 },
        frames,
      );
    }
    assert.deepEqual(await connections(), before);
  });

  it("after leaving nothing is left", async () => {
    for (const one of people) await one.leaveCleanly();
    assert.equal(server.status().participants, 0);
    await until(
      "every transport closed",
      () => server.status().transports,
      (count) => count === 0,
      3_000,
    );
  });
});
