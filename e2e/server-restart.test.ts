import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { RestartingServer } from "./support/restarting-server.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import type { ArrivedReport, SdkLab } from "./support/sdk-page-script.ts";
import { Person } from "./support/sdk-person.ts";

/** From when the next process listens. 3 s are aimed at; what it took is printed, and the rest is for busy machines. */
const BACK_WITHIN_MS = 15_000;
/**
 * Four pages encode one picture each and decode three: few a second, so that two cores are enough for it. The window is
 * large enough to show three: one that is not shown is not asked for.
 */
const WINDOW = { width: 1280, height: 1200, args: ["--use-fake-device-for-media-stream=fps=10"] };
const NAMES = ["ada", "ben", "cyd", "dan"];

describe("kill -9 of the server", { timeout: 240_000 }, () => {
  let page: SdkPage;
  let browser: LaunchedBrowser;
  before(async () => {
    [page, browser] = await Promise.all([serveSdkPage(), launch("chromium", WINDOW)]);
  });
  after(async () => {
    await browser?.close();
    await page?.[Symbol.asyncDispose]();
  });

  for (const topology of ["sfu", "mesh"] as const) {
    it(`in a room of four, ${topology}: all are back with media, without a reload`, async (t) => {
      await using server = await RestartingServer.start();
      const people = await fill(server, topology);
      const before = await Promise.all(people.map((one) => ids(one)));
      const connections = await Promise.all(people.map((one) => one.run((lab) => lab.connections.length)));
      // Long enough that every client knows of it, as in a real restart.
      await server.kill();
      const played = await Promise.all(people.map((one) => one.arrived()));
      if (topology === "mesh") {
        await Promise.all(people.map((one, index) => plays(one, played[index] ?? [], 15_000)));
        t.diagnostic("mesh: media goes on while there is no server");
      }
      const listensAt = await server.start();
      const backMs = await Promise.all(people.map((one) => flows(one, NAMES.length - 1, listensAt)));
      t.diagnostic(`${topology}: media back ${backMs.map(Math.round)} ms after the server listens`);
      await Promise.all(people.map((one) => agrees(one)));
      t.diagnostic(`${topology}: ledgers agree ${Math.round(performance.now() - listensAt)} ms after`);
      assert.deepEqual(await Promise.all(people.map((one) => ids(one))), before, "the same participants");
      const fresh = await Promise.all(people.map((one) => one.run((lab) => lab.connections.length)));
      if (topology === "mesh") assert.deepEqual(fresh, connections, "no session was touched");
      if (topology === "sfu") assert.ok(Math.max(...backMs) < BACK_WITHIN_MS, `${backMs}`);
      await leave(people);
    });
  }

  it("in a call between two: its media never stops, and it can be ended by either", async () => {
    await using server = await RestartingServer.start();
    const [ada, ben] = await Promise.all([arrive(server), arrive(server)]);
    await ada.connect("ada");
    const identity = await ben.connect("ben");
    await ada.page.evaluate(async (to) => {
      const call = await lab.client?.call(to, { audio: true, video: true });
      if (call) lab.follow(call);
    }, identity ?? "");
    await ben.until(() => lab.call?.state === "IncomingInit");
    await ben.run((lab) => lab.call?.accept({ audio: true, video: true }));
    for (const one of [ada, ben]) await one.until(() => lab.call?.receiving.audio && lab.call.receiving.video);
    await server.kill();
    for (const one of [ada, ben]) await plays(one, await one.arrived(), 15_000);
    await server.start();
    for (const one of [ada, ben]) await one.until(() => lab.client?.link === "open");
    for (const one of [ada, ben]) await plays(one, await one.arrived(), 15_000);
    assert.deepEqual(
      await Promise.all([ada, ben].map((one) => one.run((lab) => lab.connections.length))),
      [1, 1],
      "the same connection",
    );
    const receipt = await ada.run(async (lab) => lab.call?.hangup());
    assert.equal(receipt?.clean, true);
    await ben.until(() => lab.opened().connections.every((state) => state === "closed"));
    await Promise.all([ada, ben].map((one) => one.page.close()));
  });

  it("SIGUSR2 stops it as gently: everybody goes on with the next", async () => {
    await using server = await RestartingServer.start();
    const people = await fill(server, "sfu", NAMES.slice(0, 2));
    const before = await Promise.all(people.map((one) => ids(one)));
    assert.equal(await server.stop("SIGUSR2"), 0);
    await server.start();
    await Promise.all(people.map((one) => agrees(one)));
    assert.deepEqual(await Promise.all(people.map((one) => ids(one))), before);
    await leave(people);
  });

  const arrive = (server: RestartingServer) => Person.arrive(browser, { server: server.url, page: page.url });

  async function fill(server: RestartingServer, topology: "sfu" | "mesh", names = NAMES): Promise<Person[]> {
    const people: Person[] = [];
    // Pages first: a tab that the next one hides before its camera is up sends no first picture.
    for (const _ of names) people.push(await arrive(server));
    for (const [index, one] of people.entries()) {
      await one.join({ room: "hall", name: names[index] ?? "", topology });
      if (topology === "mesh") await one.run(smallPicture);
    }
    for (const one of people) await flows(one, names.length - 1, performance.now());
    return people;
  }

  async function leave(people: readonly Person[]): Promise<void> {
    await Promise.all(people.map((one) => one.leaveCleanly()));
    await Promise.all(people.map((one) => one.page.close()));
  }
});

/** In a mesh each of four encodes its picture three times: large ones leave a server on the same cores no time to start. */
async function smallPicture(lab: SdkLab): Promise<void> {
  await lab.room?.camera.track?.applyConstraints({ width: 320, height: 180 });
}

/** Every participant that a page knows, by id. */
function ids(person: Person): Promise<string[]> {
  return person.run((lab) => [...(lab.room?.participants.keys() ?? [])].sort());
}

/** Waits until both kinds of so many others arrive and go on arriving. @returns Ms after `since`. */
async function flows(person: Person, others: number, since: number): Promise<number> {
  await person.until(() => lab.room?.connection.link === "open", 20_000);
  let before: ArrivedReport[] = [];
  for (;;) {
    const now = await person.arrived();
    const counts = (["video", "audio"] as const).map((kind) => growing(before, now, kind));
    if (counts.every((count) => count >= others)) return performance.now() - since;
    if (performance.now() - since > 40_000) assert.fail(`nothing comes: ${await told(person)} ${JSON.stringify(now)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
    before = withNew(before, now);
  }
}

/** What a page knows, for a failure. */
async function told(person: Person): Promise<string> {
  const rows = await person.run((lab) =>
    lab.room?.ledger().map(({ subscription, standing, facts }) => {
      const held = Object.entries(facts).filter(([, fact]) => fact.value);
      return `${subscription} ${standing} (${held.map(([name]) => name)})`;
    }),
  );
  return JSON.stringify({ tiles: await person.tiles(), rows });
}

/** The first look at each section: that of `before`, unless a new connection has begun to count anew. */
function withNew(before: readonly ArrivedReport[], now: readonly ArrivedReport[]): ArrivedReport[] {
  return now.map((row, index) => {
    const earlier = before[index];
    const isSame =
      earlier?.kind === row.kind &&
      earlier.framesDecoded <= row.framesDecoded &&
      earlier.audioEnergy <= row.audioEnergy;
    return isSame ? earlier : row;
  });
}

/** How many sections of a kind have played since. Sections stand in the order of their connections. */
function growing(before: readonly ArrivedReport[], now: readonly ArrivedReport[], kind: string): number {
  return now.filter((row, index) => {
    const earlier = before[index];
    if (row.kind !== kind || earlier?.kind !== kind) return false;
    return kind === "video" ? row.framesDecoded > earlier.framesDecoded : row.audioEnergy > earlier.audioEnergy;
  }).length;
}

/** Waits until every section that has played goes on playing. */
async function plays(person: Person, before: readonly ArrivedReport[], withinMs: number): Promise<void> {
  const wanted = (kind: string) => before.filter((row) => row.kind === kind && grew(row)).length;
  const grew = (row: ArrivedReport) => row.framesDecoded > 0 || row.audioEnergy > 0;
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    const now = await person.arrived();
    const [video, audio] = [growing(before, now, "video"), growing(before, now, "audio")];
    if (video > 0 && video >= wanted("video") && audio >= wanted("audio")) return;
    if (performance.now() > giveUpAt) assert.fail(`stopped: ${JSON.stringify({ before, now })}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until the page's whole ledger says that all is received, on both ends of every row. */
async function agrees(person: Person): Promise<void> {
  try {
    await person.until(() => {
      const rows = lab.room?.ledger() ?? [];
      return (
        lab.room?.connection.link === "open" && rows.length > 0 && rows.every((row) => row.standing === "received")
      );
    }, 30_000);
  } catch (cause) {
    throw new Error(await told(person), { cause });
  }
}
