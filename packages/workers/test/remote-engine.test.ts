import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type ErrorCode, LodelineError, silentLogger } from "@lodeline/base";
import { VirtualClock } from "@lodeline/testkit";
import { REQUEST_DEADLINES_MS } from "../src/engine/deadlines.ts";
import type { EngineEvent, EngineRequest } from "../src/engine/messages.ts";
import { PENDING_LIMIT, RemoteEngine } from "../src/link/remote-engine.ts";
import { Announcements, portLogger, serveEngine } from "../src/link/serve-engine.ts";
import { framePair } from "./support/frame-pair.ts";
import { ScriptedEngine, turns } from "./support/scripted-engine.ts";

const open: EngineRequest = { kind: "open-transport", transport: "t", room: "den", data: "counted" };
const code = (expected: ErrorCode) => (thrown: unknown) => thrown instanceof LodelineError && thrown.code === expected;

function made() {
  const clock = new VirtualClock();
  const pair = framePair();
  const engine = new ScriptedEngine();
  const lines: string[] = [];
  const logger = { ...silentLogger, info: (event: string) => void lines.push(event) };
  const announce = async ({ port }: { port: number }) => ({ address: "192.0.2.1", port: port + 1 });
  const remote = new RemoteEngine({ port: pair.control, clock, logger, announce });
  const announcements = new Announcements((frame) => pair.engine.post(frame));
  const served = serveEngine(engine, pair.engine, announcements);
  return { clock, pair, engine, remote, served, lines, announcements };
}

describe("an engine at the other end of a port", () => {
  it("[REM1] answers, refuses with its own code and field, and tells, as if it were here", async () => {
    const { engine, remote } = made();
    const events: EngineEvent[] = [];
    remote.on("event", (event) => events.push(event));
    assert.deepEqual(await remote.ask(open), {});
    engine.answer = async () => {
      throw new LodelineError("sdp/unusable", { field: "sdp:3", detail: "m=rumour", cause: new Error("secret") });
    };
    const refused = await remote.ask({ kind: "answer", transport: "t", offerSdp: "v=0" }).catch((error) => error);
    assert.deepEqual(
      [refused.code, refused.field, refused.detail, refused.cause],
      ["sdp/unusable", "sdp:3", "m=rumour", undefined],
    );
    const event = { kind: "transport-state", transport: "t", connection: "connected" } as const;
    engine.tell(event);
    await turns();
    assert.deepEqual(events, [event]);
    assert.deepEqual(engine.heard(), ["open-transport t", "answer t"]);
    assert.equal(remote.waiting, 0);
  });

  it("[REM2] rejects what waits when it is lost, tells it once, and refuses what comes later", async () => {
    const { engine, remote, pair } = made();
    engine.answer = () => new Promise(() => {});
    const lost: LodelineError[] = [];
    remote.on("lost", (error) => lost.push(error));
    const waiting = assert.rejects(remote.ask(open), code("media/engine-lost"));
    pair.cut("the thread ended with code 1");
    await waiting;
    await assert.rejects(remote.ask(open), code("media/engine-lost"));
    assert.deepEqual([lost.length, remote.waiting], [1, 0]);
    assert.match(lost[0]?.detail ?? "", /the thread ended with code 1/);
    await turns();
    assert.equal(engine.closed, true);
  });

  it("[REM3] gives up a request at its deadline and hears no late answer", async () => {
    const { clock, engine, remote } = made();
    const { promise, resolve } = Promise.withResolvers<Record<string, never>>();
    engine.answer = () => promise;
    const waiting = assert.rejects(remote.ask(open), code("timeout"));
    await turns();
    clock.advance(REQUEST_DEADLINES_MS["open-transport"]);
    await waiting;
    resolve({});
    await turns();
    assert.deepEqual([remote.waiting, clock.armed], [0, 0]);
  });

  it("[REM3] lets no more wait than its limit", async () => {
    const { engine, remote, pair } = made();
    engine.answer = () => new Promise(() => {});
    const waiting = Array.from({ length: PENDING_LIMIT }, () => remote.ask(open).catch(() => {}));
    await assert.rejects(remote.ask(open), code("media/engine-busy"));
    pair.cut("enough");
    await Promise.all(waiting);
  });

  it("[REM4] is lost when it speaks another version", async () => {
    const { pair, remote } = made();
    const lost: LodelineError[] = [];
    remote.on("lost", (error) => lost.push(error));
    pair.engine.post({ kind: "hello", version: 2 });
    await turns();
    assert.match(lost[0]?.detail ?? "", /version 2/);
  });

  it("[REM5] closes the engine, once, and rejects what waits", async () => {
    const { clock, engine, remote, served } = made();
    engine.answer = () => new Promise(() => {});
    const waiting = assert.rejects(remote.ask(open), code("media/closed"));
    await Promise.all([remote.close(), remote.close(), waiting]);
    await served.over;
    assert.deepEqual([engine.closed, clock.armed], [true, 0]);
    await assert.rejects(remote.ask(open), code("media/closed"));
  });

  it("[REM5] does not wait for ever for one that hangs", async () => {
    const { clock, engine, remote } = made();
    engine.close = () => new Promise(() => {});
    const closing = assert.rejects(remote.close(), code("timeout"));
    clock.advance(2_500);
    await closing;
    assert.equal(clock.armed, 0);
  });

  it("[REM6] logs here, and asks here what clients are told of a socket", async () => {
    const { pair, lines, announcements } = made();
    portLogger((frame) => pair.engine.post(frame)).info("media socket", { port: 4 });
    const as = await announcements.announce({ address: "127.0.0.1", port: 4_000 });
    assert.deepEqual([as, lines], [{ address: "192.0.2.1", port: 4_001 }, ["media socket"]]);
  });
});
