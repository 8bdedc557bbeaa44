import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import type { HubEvents } from "@lodeline/hub";
import type { LedgerRow, NumberedEvent } from "@lodeline/protocol";
import type { LodelineServer } from "@lodeline/server";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { until } from "./support/lab-driver.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

const ROOM = "ghosts";
const LIVE = { microphone: "live", camera: "live" };
/** Media has to be back within this time of the moment from which it can be repaired. */
const BACK_WITHIN_MS = 3_000;

type Snapshot = {
  readonly seq: number;
  readonly room: { participants: { id: string; name: string; incarnation: number }[] };
};

describe("ghost media in Chromium", { timeout: 180_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let browser: LaunchedBrowser;
  let ada: Person;
  let ben: Person;
  let idOf: (name: string) => string;
  const replays: HubEvents["replay"][] = [];
  const sessions: HubEvents["session"][] = [];
  const events: NumberedEvent[] = [];
  const eventTimesMs: number[] = [];

  const read = async <T>(path: string) => (await (await fetch(`${server.url}${path}`)).json()) as T;
  const ledger = async () => (await read<{ rows: LedgerRow[] }>(`/v1/rooms/${ROOM}/ledger`)).rows;
  const inject = async (spec: string) => {
    const body = JSON.stringify({ spec });
    const headers = { "content-type": "application/json" };
    const { status } = await fetch(`${server.url}/v1/faults`, { method: "POST", headers, body });
    assert.equal(status, 201);
  };

  before(async () => {
    [server, page, browser] = await Promise.all([startServer(), serveSdkPage(), launch("chromium")]);
    server.hub.on("replay", (event) => void replays.push(event));
    server.hub.on("session", (event) => void sessions.push(event));
    server.hub.on("event", ({ event }) => {
      events.push(event);
      eventTimesMs.push(performance.now());
    });
    const where = { server: server.url, page: page.url };
    ada = await Person.arrive(browser, where);
    ben = await Person.arrive(browser, where);
    await ada.join({ room: ROOM, name: "ada" });
    await ben.join({ room: ROOM, name: "ben" });
    await ben.says("ada", LIVE);
    await ada.says("ben", LIVE);
    const { room } = await read<Snapshot>(`/v1/rooms/${ROOM}`);
    idOf = (name) => room.participants.find((one) => one.name === name)?.id ?? assert.fail(`no ${name}`);
  });
  after(async () => {
    await ada?.leaveCleanly();
    await ben?.leaveCleanly();
    await browser?.close();
    await page?.[Symbol.asyncDispose]();
    await server?.close();
  });
  beforeEach(() => {
    replays.length = 0;
    sessions.length = 0;
    events.length = 0;
    eventTimesMs.length = 0;
  });

  /** No session, no place and no other row was touched. */
  function assertNothingElse(subscription: string): void {
    assert.deepEqual(sessions, [], "no session changed its state");
    assert.deepEqual(
      events.filter(({ event }) => event.kind !== "media-state"),
      [],
      "nobody left, came or was suspected",
    );
    const others = replays.filter((one) => one.subscription !== subscription);
    assert.deepEqual(others, [], "no other track was repaired");
    const harsh = replays.filter(({ step }) => step === "restart-ice" || step === "new-session");
    assert.deepEqual(harsh, [], "no step was larger than it had to be");
  }

  const announcements = [
    ["room-event", "the message that says that a track is live"],
    ["slots", "the message that says in which slot a track is"],
  ] as const;
  for (const [type, what] of announcements) {
    it(`loses ${what}, and the picture is there within 3 s`, async (context) => {
      await ada.run((lab) => lab.room?.camera.off());
      await ben.says("ada", { camera: "never sent" });
      await inject(`msg:lose,to=client,who=${idOf("ben")},type=${type}`);
      const before = eventTimesMs.length;
      await ada.run((lab) => lab.room?.camera.on());
      await ben.says("ada", LIVE, 10_000);
      // From the moment the room was told, not from the camera's start.
      const tookMs = performance.now() - (eventTimesMs[before] ?? assert.fail("nothing was announced"));
      context.diagnostic(`back after ${Math.round(tookMs)} ms, by ${replays.map(({ step }) => step)}`);
      assert.ok(tookMs < BACK_WITHIN_MS, `took ${tookMs} ms`);
      const subscription = `${idOf("ada")}:camera>${idOf("ben")}`;
      assert.ok((await ledger()).every(({ standing }) => standing === "received"));
      assertNothingElse(subscription);
    });
  }

  it("loses every packet of a track for 5 s: the tile says so, a replay runs, and the picture comes back", async (context) => {
    const subscription = `${idOf("ada")}:camera>${idOf("ben")}`;
    const began = performance.now();
    await inject(`silence:subscription=${subscription}+5s`);
    const missingMs = await ben.says("ada", { camera: "missing: asking again", microphone: "live" }, 5_000);
    const row = (await ledger()).find((one) => one.subscription === subscription);
    assert.equal(row?.standing, "missing");
    assert.ok(row?.replay, "a replay runs");
    await ben.says("ada", LIVE, 15_000);
    const backMs = performance.now() - began - 5_000;
    context.diagnostic(`missing after ${Math.round(missingMs)} ms, back ${Math.round(backMs)} ms after the packets`);
    assert.ok(backMs < BACK_WITHIN_MS, `back ${backMs} ms after the packets`);
    assertNothingElse(subscription);
    assert.ok(replays.length > 0);
    const decodedBefore = await ben.arrived();
    const gained = (now: typeof decodedBefore) =>
      now.map(({ framesDecoded }, index) => framesDecoded - (decodedBefore[index]?.framesDecoded ?? 0));
    const after = await until(
      "twenty frames more",
      () => ben.arrived(),
      (now) => Math.max(...gained(now)) >= 20,
    );
    assert.equal(gained(after).filter((frames) => frames > 0).length, 1, JSON.stringify(after));
  });
});
