import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { after, before, describe, it } from "node:test";
import type { CDPSession, Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import type { held } from "./support/held.ts";
import { until } from "./support/lab-driver.ts";
import { type SdkPage, serveSdkPage } from "./support/sdk-page.ts";
import type { CallAccount } from "./support/sdk-soak-page.ts";

/** `npm run soak:calls` sets 1,000. */
const CALLS = Number(process.env.LODELINE_CALLS ?? 45);
/**
 * The first calls compile and cache, and the tracks that the browser has not collected level off after some twenty calls;
 * from then on nothing may grow.
 */
const WARM_UP = Math.min(100, Math.ceil(CALLS / 1.5));
const MEASURE_EVERY = Math.max(10, Math.ceil(CALLS / 10));
/** One forgotten call holds more than 100 kB in the tab, and more than 60 in the server. */
const TAB_SLACK_KB = 1_024;
const SERVER_SLACK_KB = 2_048;

interface ServerHolds {
  readonly heapBytes: number;
  readonly held: ReturnType<typeof held>;
  readonly hub: Readonly<Record<string, unknown>>;
  readonly status: Readonly<Record<string, unknown>>;
}

/** What tab and server hold between two calls. */
interface Holding {
  readonly tabKb: number;
  readonly connections: number;
  readonly tracks: number;
  readonly listeners: number;
  readonly nodes: number;
  readonly server: ServerHolds;
}

describe(`${CALLS} calls in one tab`, { timeout: 60_000 + CALLS * 3_000 }, () => {
  let server: ChildProcess;
  let site: SdkPage;
  let browser: LaunchedBrowser;
  let page: Page;
  let devtools: CDPSession;

  before(async () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    server = fork(`${import.meta.dirname}/support/sdk-soak-server.ts`, {
      execArgv: ["--conditions=@lodeline/source"],
      env,
    });
    const [[{ url }]] = await Promise.all([once(server, "message") as Promise<[{ url: string }]>]);
    site = await serveSdkPage(`${import.meta.dirname}/support/sdk-soak-page.ts`);
    browser = await launch("chromium", { width: 640, height: 400 });
    ({ page } = await browser.open(site.url));
    await page.waitForFunction("globalThis.soak !== undefined");
    devtools = await page.createCDPSession();
    await devtools.send("Performance.enable");
    await page.evaluate((address) => soak.open(address), url);
  });
  after(async () => {
    await browser?.close();
    await site?.[Symbol.asyncDispose]();
    server?.disconnect();
  });

  async function serverHolds(): Promise<ServerHolds> {
    const answer = once(server, "message") as Promise<[ServerHolds]>;
    server.send("measure");
    const [holds] = await answer;
    return holds;
  }

  /** How many objects of a class the tab still holds. */
  async function count(name: string): Promise<number> {
    const { result } = await devtools.send("Runtime.evaluate", { expression: `${name}.prototype` });
    const { objects } = await devtools.send("Runtime.queryObjects", { prototypeObjectId: result.objectId ?? "" });
    const { result: length } = await devtools.send("Runtime.callFunctionOn", {
      functionDeclaration: "function () { return this.length; }",
      objectId: objects.objectId ?? "",
      returnByValue: true,
    });
    await devtools.send("Runtime.releaseObject", { objectId: objects.objectId ?? "" });
    return length.value as number;
  }

  async function measure(): Promise<Holding> {
    // The second pass frees what the finalizers of the first let go.
    for (let pass = 0; pass < 2; pass++) await devtools.send("HeapProfiler.collectGarbage");
    const { metrics } = await devtools.send("Performance.getMetrics");
    const metric = (name: string) => metrics.find((one) => one.name === name)?.value ?? 0;
    return {
      tabKb: metric("JSHeapUsedSize") / 1024,
      connections: await count("RTCPeerConnection"),
      tracks: await count("MediaStreamTrack"),
      listeners: metric("JSEventListeners"),
      nodes: metric("Nodes"),
      server: await serverHolds(),
    };
  }

  function line(calls: number, { tabKb, connections, tracks, listeners, nodes, server: holds }: Holding): string {
    const handles = Object.entries(holds.held).map(([kind, held]) => `${held} ${kind}`);
    return (
      `after ${String(calls).padStart(4)} calls: tab ${tabKb.toFixed(0)} kB, ${connections} RTCPeerConnection, ` +
      `${tracks} MediaStreamTrack, ${listeners} listeners, ${nodes} nodes; server ${(holds.heapBytes / 1024).toFixed(0)} kB, ` +
      `${handles.join(", ")}`
    );
  }

  it("camera released each time, heap and handles flat", async () => {
    const began = performance.now();
    const activeMs: number[] = [];
    let warm: Holding | undefined;
    let last: Holding | undefined;
    for (let at = 1; at <= CALLS; at++) {
      const to: "server" | "person" = at % 3 === 0 ? "server" : "person";
      const by: "caller" | "callee" = at % 2 === 0 ? "callee" : "caller";
      const account: CallAccount = await page.evaluate((whom, who) => soak.call(whom, who), to, by);
      assert.deepEqual(account.faults, [], `call ${at}, to the ${to}, ended by the ${by}`);
      activeMs.push(account.activeAfterMs);
      if (at !== WARM_UP && at % MEASURE_EVERY !== 0 && at !== CALLS) continue;
      last = await measure();
      console.log(line(at, last));
      if (at === WARM_UP) warm = last;
    }
    assert.ok(warm && last);
    activeMs.sort((one, other) => one - other);
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    console.log(
      `${CALLS} calls in ${seconds} s: media both ways after p50 ${activeMs[CALLS >> 1]?.toFixed(0)} ms, ` +
        `max ${activeMs.at(-1)?.toFixed(0)} ms`,
    );
    assert.deepEqual({ ...last.server.hub, timers: 0 }, { ...warm.server.hub, timers: 0 });
    const before = warm.server.held;
    // Timers of the last call, an acknowledgement that waits, come to their end.
    await until("no more held by the server than before", serverHolds, ({ held }) =>
      Object.entries(held).every(([kind, count]) => count <= (before[kind] ?? 0)),
    );
    assert.ok(last.connections <= warm.connections + 1, `${last.connections} connections`);
    assert.ok(last.tracks <= warm.tracks + 16, `${last.tracks} tracks`);
    assert.ok(last.listeners <= warm.listeners + 20, `${last.listeners} listeners`);
    assert.ok(last.tabKb - warm.tabKb < TAB_SLACK_KB, `the tab grew by ${last.tabKb - warm.tabKb} kB`);
    const grownKb = (last.server.heapBytes - warm.server.heapBytes) / 1024;
    assert.ok(grownKb < SERVER_SLACK_KB, `the server grew by ${grownKb} kB`);
    await page.evaluate(() => soak.close());
  });
});
