import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { signalBrowser } from "./support/sdk-sleep.ts";
import { startServer } from "./support/server.ts";

const LIVE = { microphone: "live", camera: "live" };
/** A fraction of the usual ones: the same order of events in less time. */
const TIMERS = { heartbeatMs: 400, linkLostMs: 1_200 };
const LEASE = { suspectMs: 800, leaseMs: 6_000, byeGraceMs: 1_500 };
/** Longer than noticing the silence and the whole lease. */
const AWAY_MS = 9_000;
/** Longer than the link is silent without being lost, and shorter than the lease by what waking up may take. */
const SHORT_MS = 2_200;
/** Silence is counted from the last message, which may be as old as this when the silence begins. */
const HEARD_BEFORE_MS = TIMERS.heartbeatMs + 100;
/** Deadlines for machines with something else to do; what it took is printed. */
const BACK_WITHIN_MS = 20_000;
const NOTICED_WITHIN_MS = 4_000;

/** A way of being away: the page notices nothing of it while it lasts. */
interface Nap {
  readonly what: string;
  sleep(ada: Person, browser: LaunchedBrowser): void | Promise<void>;
  wake(ada: Person, browser: LaunchedBrowser): void | Promise<void>;
}

async function setLifecycle(ada: Person, state: "frozen" | "active"): Promise<void> {
  const session = await ada.page.createCDPSession();
  await session.send("Page.setWebLifecycleState", { state });
}

const NAPS: readonly Nap[] = [
  {
    what: "a tab that is frozen",
    sleep: (ada) => setLifecycle(ada, "frozen"),
    wake: (ada) => setLifecycle(ada, "active"),
  },
  {
    what: "a laptop that sleeps",
    sleep: (_, { browser }) => signalBrowser(browser, "SIGSTOP"),
    wake: (_, { browser }) => signalBrowser(browser, "SIGCONT"),
  },
];

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe("a page that goes, dies, freezes or sleeps", { timeout: 180_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let watching: LaunchedBrowser;
  let ben: Person;
  let rooms = 0;
  let room = "";

  before(async () => {
    [server, page, watching] = await Promise.all([
      startServer({ timers: TIMERS }),
      serveSdkPage(),
      launch("chromium", { width: 640, height: 400 }),
    ]);
  });
  after(async () => {
    await watching?.close();
    await page?.[Symbol.asyncDispose]();
    await server?.close();
  });
  beforeEach(async () => {
    room = `life-${++rooms}`;
    server.hub.createRoom({ room, ...LEASE });
    ben = await Person.arrive(watching, { server: server.url, page: page.url });
    await ben.join({ room, name: "ben" });
  });

  /** Somebody in a browser of their own, whose end is nobody else's. */
  async function withAda(fn: (ada: Person, browser: LaunchedBrowser) => Promise<void>): Promise<void> {
    await using browser = await launch("chromium", { width: 640, height: 400 });
    const ada = await Person.arrive(browser, { server: server.url, page: page.url });
    await ada.join({ room, name: "ada" });
    await Promise.all([ada.says("ben", LIVE), ben.says("ada", LIVE)]);
    await fn(ada, browser);
    await ben.leaveCleanly();
    await ben.page.close();
  }

  const suspect = () => ben.until(() => [...(lab.room?.participants.values() ?? [])][0]?.presence === "suspect");
  const gone = () => ben.until(() => lab.room?.participants.size === 0);
  const since = (began: number) => `${(performance.now() - began).toFixed(0)} ms`;
  const bothLive = (ada: Person) => Promise.all([ada.says("ben", LIVE), ben.says("ada", LIVE)]);

  it("a page that is left releases its devices, is suspect at once and gone after the grace", async () => {
    await withAda(async (ada) => {
      await ada.page.evaluate(() =>
        addEventListener("pageshow", ({ persisted }) => persisted && lab.note("shown again as it was")),
      );
      const began = performance.now();
      await ada.page.goto(new URL("/elsewhere", page.url).href);
      await suspect();
      const suspectAfter = since(began);
      await gone();
      console.log(`left: suspect after ${suspectAfter}, gone after ${since(began)}`);
      await ada.page.goBack();
      await ada.ready();
      const kept = (await ada.notes()).some(({ what }) => what === "shown again as it was");
      if (kept) {
        const { tracks, connections } = await ada.run((lab) => lab.opened());
        assert.deepEqual([...new Set([...tracks, ...connections])].sort(), ["closed", "ended"]);
        await ada.until(() => lab.notes.some(({ what }) => what.startsWith("ended page-closed")));
      }
      console.log(`back: ${kept ? "the same page, shown again" : "the page begins anew"}`);
      await ada.join({ room, name: "ada" });
      await bothLive(ada);
      await ada.leaveCleanly();
    });
  });

  it("a tab that crashes is suspect, then gone, by the room's own numbers", async () => {
    await withAda(async (ada) => {
      const began = performance.now();
      void ada.page.goto("chrome://crash").catch(() => {});
      await suspect();
      const suspectMs = performance.now() - began;
      await gone();
      const goneMs = performance.now() - began;
      console.log(`crashed: suspect after ${suspectMs.toFixed(0)} ms, gone after ${goneMs.toFixed(0)} ms`);
      assert.ok(
        suspectMs >= LEASE.suspectMs - HEARD_BEFORE_MS && suspectMs < LEASE.suspectMs + NOTICED_WITHIN_MS,
        `${suspectMs}`,
      );
      assert.ok(goneMs >= LEASE.leaseMs - HEARD_BEFORE_MS && goneMs < LEASE.leaseMs + NOTICED_WITHIN_MS, `${goneMs}`);
    });
  });

  for (const { what, sleep, wake } of NAPS) {
    it(`${what} for longer than its lease is told so and lets itself in again`, async () => {
      await withAda(async (ada, browser) => {
        const id = await ada.run((lab) => lab.room?.self.id);
        await sleep(ada, browser);
        const began = performance.now();
        await gone();
        await pause(Math.max(0, AWAY_MS - (performance.now() - began)));
        await wake(ada, browser);
        const woke = performance.now();
        await ada.until(() => lab.notes.some(({ what: note }) => note.startsWith("place-lost")));
        await bothLive(ada);
        console.log(`${what}: ${AWAY_MS} ms away, media back ${since(woke)} after it woke`);
        assert.ok(performance.now() - woke < BACK_WITHIN_MS);
        assert.notEqual(await ada.run((lab) => lab.room?.self.id), id, "it is a place of its own");
        assert.equal(await ada.run((lab) => lab.room?.camera.state), "live");
        assert.equal(server.hub.room(room)?.snapshot.participants.length, 2, "no ghost beside it");
        await ada.leaveCleanly();
      });
    });

    // Once is enough: what wakes up is the same code.
    if (what !== NAPS[0]?.what) continue;
    it(`${what} for less than its lease goes on as it was`, async () => {
      await withAda(async (ada, browser) => {
        const before = await ada.run((lab) => [lab.room?.self.id, lab.connections.length]);
        await sleep(ada, browser);
        await pause(SHORT_MS);
        await wake(ada, browser);
        const woke = performance.now();
        await ada.until(() => lab.room?.connection.link === "open" && lab.room.connection.media === "active");
        await bothLive(ada);
        console.log(`${what}: ${SHORT_MS} ms away, media back ${since(woke)} after it woke`);
        assert.deepEqual(await ada.run((lab) => [lab.room?.self.id, lab.connections.length]), before);
        assert.deepEqual(
          (await ada.notes()).filter(({ what: note }) => note.startsWith("place-lost")),
          [],
        );
        await ada.leaveCleanly();
      });
    });
  }
});
