import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { LodelineServer } from "@lodeline/server";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { heapBytes, held } from "./support/held.ts";
import { until } from "./support/lab-driver.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import { Person } from "./support/sdk-person.ts";
import { startServer } from "./support/server.ts";

/** The first rounds compile and cache; from then on nothing may grow. */
const WARM_UP_ROUNDS = 25;
const ROUNDS = 50;
/**
 * What drives the browser lives in this process and grows by itself. One forgotten transport a round would be more than
 * twice this.
 */
const HEAP_SLACK_KB = 2048;

/** Whether no number of one status is higher than the other's. An acknowledgement under way arms a timer for a moment. */
function noMoreThan(now: object, before: object): boolean {
  const earlier = new Map<string, unknown>(Object.entries(before));
  return Object.entries(now).every(([name, value]) => {
    const was = earlier.get(name);
    if (typeof value === "number") return typeof was === "number" && value <= was;
    return typeof value === "object" && value ? noMoreThan(value, (was ?? {}) as object) : value === was;
  });
}

describe("people who come and leave, in a real browser", { timeout: 240_000 }, () => {
  let server: LodelineServer;
  let page: SdkPage;
  let browser: LaunchedBrowser;
  let stays: Person;
  let comes: Person;
  before(async () => {
    [server, page, browser] = await Promise.all([startServer(), serveSdkPage(), launch("chromium")]);
    const where = { server: server.url, page: page.url };
    stays = await Person.arrive(browser, where);
    comes = await Person.arrive(browser, where);
    await stays.join({ room: "den", name: "ada" });
  });
  after(async () => {
    await browser?.close();
    await page?.[Symbol.asyncDispose]();
    await server?.close();
  });

  async function comeAndLeave(): Promise<void> {
    await comes.join({ room: "den", name: "ben" });
    await comes.says("ada", { camera: "live", microphone: "live" });
    await comes.leaveCleanly();
    await comes.run(async (lab) => {
      await lab.client?.close();
      lab.client = undefined;
      // What is scrolled out of sight is not sent: the next one's picture is to stand at the top again.
      for (const element of document.querySelectorAll("video, audio")) element.remove();
    });
  }

  /** What the server holds for the one who stays: the page that left knows so before the last of its socket is closed. */
  async function alone() {
    const status = await until(
      "the guest's socket is closed",
      () => server.status(),
      ({ sockets }) => sockets === 1,
    );
    return { ...status, uptimeMs: 0, hub: server.hub.status() };
  }

  it(`${ROUNDS} joins and leaves with media leave sockets, transports, timers and heap of the server flat`, async (t) => {
    for (let round = 0; round < WARM_UP_ROUNDS; round++) await comeAndLeave();
    const before = await alone();
    const heldBefore = held();
    const heapBefore = heapBytes();
    for (let round = 0; round < ROUNDS; round++) await comeAndLeave();
    const now = await until("the server holds no more than before", alone, (status) => noMoreThan(status, before));
    await until("no more held than before", held, (kinds) =>
      Object.entries(kinds).every(([kind, count]) => count <= (heldBefore[kind] ?? 0)),
    );
    const grownKb = (heapBytes() - heapBefore) / 1024;
    t.diagnostic(
      `heap ${Math.round(heapBefore / 1024)} kB, ${grownKb.toFixed(0)} kB more after ${ROUNDS} joins and leaves`,
    );
    t.diagnostic(JSON.stringify({ ...now, held: held() }));
    assert.ok(grownKb < HEAP_SLACK_KB, `the heap grew by ${Math.round(grownKb)} kB`);
    await stays.leaveCleanly();
  });
});
