import assert from "node:assert/strict";
import { type ErrorCode, LodelineError, seededRandom, silentLogger } from "@lodeline/base";
import { VirtualClock } from "@lodeline/testkit";
import type { EngineEvent, EngineLoad, EngineRequest } from "../../src/engine/messages.ts";
import { createEnginePool } from "../../src/pool/engine-pool.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

/** Asks for a transport. */
export const open = (transport: string, room = "den"): EngineRequest => ({
  kind: "open-transport",
  transport,
  room,
  data: "counted",
});
/** Asks for a publication. */
export const publish = (publication: string, transport: string): EngineRequest => ({
  kind: "publish",
  publication,
  transport,
  mid: "0",
  media: "video",
});
/** Asks for a forwarder. */
export const forward = (forwarder: string, publication: string, transport: string): EngineRequest => ({
  kind: "forward",
  forwarder,
  publication,
  transport,
  mid: "5",
});
/** Whether what was thrown has this code. */
export const code = (expected: ErrorCode) => (thrown: unknown) =>
  thrown instanceof LodelineError && thrown.code === expected;
/** A load that is only as busy as said. */
export const load = (utilization: number, transports = 0): EngineLoad => ({
  transports,
  packetsPerSecond: 0,
  utilization,
});
/** What a pool holds when it holds nothing. */
export const NOTHING = { transports: 0, publications: 0, forwarders: 0, trunks: 0, relays: 0 };
/** Why an engine died. */
export const lost = new LodelineError("media/engine-lost", { detail: "It died." });

/** A pool of engines in memory, all up. */
export async function made(count = 2, roomLimit?: number) {
  const clock = new VirtualClock();
  /** Every engine ever made, by place. */
  const engines: ScriptedEngine[][] = Array.from({ length: count }, () => []);
  const events: EngineEvent[] = [];
  /** What engines that are made next do with `ready`. */
  const next = { ready: Promise.resolve() };
  const makers = engines.map((of) => () => {
    const engine = new ScriptedEngine();
    const { answer } = engine;
    const { ready } = next;
    engine.answer = async (request) => {
      if (request.kind === "ready") await ready;
      return answer(request);
    };
    of.push(engine);
    return Object.assign(engine, { lose: () => engine.die(lost) });
  });
  const pool = createEnginePool({ clock, logger: silentLogger, makers, roomLimit, random: seededRandom(1) });
  pool.on("event", (event) => events.push(event));
  await pool.ask({ kind: "ready" });
  const at = (index: number) => engines[index]?.at(-1) ?? assert.fail();
  return { clock, engines, events, next, pool, at };
}
