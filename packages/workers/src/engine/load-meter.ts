import { performance } from "node:perf_hooks";
import type { MonoMs } from "@lodeline/base";
import type { EngineLoad } from "./messages.ts";

/** How often an engine says how busy it is. */
export const LOAD_INTERVAL_MS = 1_000;

/** How much of its time a thread was busy since the last call, 0 .. 1. */
export type UtilizationMeter = () => number;

/** Measures the event loop of the thread that it is made in. */
export function threadUtilization(): UtilizationMeter {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
}

/** Something that counts packets over its life. */
export interface Counting {
  readonly id: string;
  readonly packets: number;
}

/** Makes one {@link EngineLoad} a second of counters that only grow. */
export class LoadMeter {
  readonly #utilization: UtilizationMeter;
  #counted: ReadonlyMap<string, number> = new Map();
  #atMs: MonoMs;

  constructor(utilization: UtilizationMeter, now: MonoMs) {
    this.#utilization = utilization;
    this.#atMs = now;
  }

  /** The load since the last measurement, or `undefined` while it is not yet time. */
  measure(transports: number, counters: () => readonly Counting[], now: MonoMs): EngineLoad | undefined {
    const spanMs = now - this.#atMs;
    if (spanMs < LOAD_INTERVAL_MS) return undefined;
    this.#atMs = now;
    const counted = new Map<string, number>();
    let packets = 0;
    for (const { id, packets: total } of counters()) {
      counted.set(id, total);
      const before = this.#counted.get(id) ?? 0;
      // Less than before: another thing under the same id.
      packets += total >= before ? total - before : total;
    }
    this.#counted = counted;
    return { transports, packetsPerSecond: (packets * 1000) / spanMs, utilization: this.#utilization() };
  }
}
