import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import type { EnginePool } from "@lodeline/workers";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { until } from "./support/lab-driver.ts";
import { playsAnew } from "./support/plays-anew.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

const LIVE = { microphone: "live", camera: "live" };

describe("media in worker threads", { timeout: 150_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let browsers: LaunchedBrowser[] = [];
  let people: Person[] = [];

  before(async () => {
    [page, browsers] = await Promise.all([serveSdkPage(), Promise.all([launch("chromium"), launch("chromium")])]);
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
    await page[Symbol.asyncDispose]();
  });

  const gather = async (room: string) => {
    people = await Promise.all(
      browsers.map((browser) => Person.arrive(browser, { server: server.url, page: page.url })),
    );
    for (const [index, one] of people.entries()) await one.join({ room, name: `p${index}` });
    await allLive();
  };
  const allLive = async () => {
    for (const [index, one] of people.entries()) await one.says(`p${1 - index}`, LIVE);
  };
  const held = () => (server.media as EnginePool).held;
  const leave = async () => {
    for (const one of people) await one.leaveCleanly();
    assert.equal(server.status().participants, 0);
    const nothing = { transports: 0, publications: 0, forwarders: 0, trunks: 0, relays: 0 };
    await until("nothing held", held, (now) => JSON.stringify(now) === JSON.stringify(nothing), 3_000);
  };
  const connections = () => Promise.all(people.map((one) => one.run((lab) => lab.connections.length)));
  const goOn = async () => {
    for (const one of people) {
      const frames = Math.max(...(await one.arrived()).map(({ framesDecoded }) => framesDecoded));
      await one.page.waitForFunction(
        async (than) => (await lab.arrived()).some(({ framesDecoded }) => framesDecoded > than + 20),
        { polling: 50, timeout: 10_000 },
        frames,
      );
    }
  };

  describe("a room on one of two workers", () => {
    before(async () => {
      server = await startServer({ media: { workers: 2 } });
      await gather("threads");
    });
    after(() => server.close());

    it("plays again over new sessions within three seconds after its worker has died", async (t) => {
      const before = await connections();
      assert.ok(server.faults);
      const killedAt = performance.now();
      // The first room is on the first worker: both were idle.
      server.faults.start("media:kill,worker=0");
      await Promise.all(people.map((one, index) => playsAnew(one, before[index] ?? 0)));
      const tookMs = performance.now() - killedAt;
      t.diagnostic(`sound and picture again ${tookMs.toFixed(0)} ms after the worker was killed`);
      assert.ok(tookMs < 3_000, `${tookMs} ms`);
      const after = before.map((count) => count + 1);
      assert.deepEqual(await connections(), after, "one new connection each");
      await allLive();
    });

    it("is not touched by another worker's death", async () => {
      const before = await connections();
      // The replacement of the first: the room went to the second.
      server.faults?.start("media:kill,worker=0");
      await goOn();
      assert.deepEqual(await connections(), before);
    });

    it("leaves nothing when everybody has left", leave);
  });

  describe("a room that spans two workers", () => {
    before(async () => {
      server = await startServer({ media: { workers: 2, roomPerWorker: 1 } });
      await gather("spanning");
    });
    after(() => server.close());

    it("relays each publication once, and plays both ways", async () => {
      await goOn();
      const { trunks, relays, forwarders } = held();
      assert.deepEqual([trunks, relays, forwarders], [1, 4, 4]);
    });

    it("follows a muted microphone and camera, and both back", async () => {
      const [ada, ben] = people;
      assert.ok(ada && ben);
      await ada.run((lab) => Promise.all([lab.room?.camera.mute(), lab.room?.microphone.mute()]));
      await ben.says("p0", { microphone: "muted by them", camera: "muted by them" }, 5_000);
      await ada.run((lab) => Promise.all([lab.room?.camera.unmute(), lab.room?.microphone.unmute()]));
      await ben.says("p0", LIVE, 5_000);
    });

    it("relays the layer that is needed and switches it", async (t) => {
      // Three in a room send simulcast.
      const [browser] = browsers;
      const [ada] = people;
      assert.ok(browser && ada);
      const third = await Person.arrive(browser, { server: server.url, page: page.url });
      await third.join({ room: "spanning", name: "p2" });
      await ada.says("p2", LIVE);
      const stats = () => server.media.ask({ kind: "stats", room: undefined });
      const simulcast = ({ publications }: Awaited<ReturnType<typeof stats>>) =>
        publications.find(({ publication, layers }) => publication.endsWith(":camera") && layers.length > 1);
      const now = await until("a simulcast camera", stats, (one) => simulcast(one) !== undefined, 10_000);
      const camera = `${simulcast(now)?.publication}>`;
      const forwarder = now.forwarders.find((one) => one.forwarder.startsWith(camera))?.forwarder ?? "";
      const layer = async () => {
        const { forwarders } = await stats();
        return forwarders.find((one) => one.forwarder === forwarder)?.layer;
      };
      const show = (width: number, height: number) =>
        server.media.ask({ kind: "set-view", forwarder, view: { width, height, visible: true, priority: 1 } });
      await show(160, 90);
      await until("the smallest layer", layer, (is) => is === "q", 8_000);
      const asked = performance.now();
      await show(1280, 720);
      await until("a larger layer", layer, (is) => is !== undefined && is !== "q", 8_000);
      t.diagnostic(`layer switched over the relay after ${(performance.now() - asked).toFixed(0)} ms`);
      await goOn();
      await third.leaveCleanly();
    });

    it("leaves nothing when everybody has left", leave);
  });
});
