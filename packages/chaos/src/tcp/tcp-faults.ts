import { seededRandom } from "@lodeline/base";
import type { RunningFault } from "../fault-desk.ts";
import { type Fault, has, numberOf, textOf } from "../language/fault.ts";
import type { TcpConditions } from "./tcp-conditions.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

/** Performs a `tcp` fault on a proxy. */
export function performTcpFault(proxy: TcpProxy, fault: Fault, over: () => void): RunningFault {
  let left = numberOf(fault, "cuts") ?? Infinity;
  const before = proxy.counters;
  const seed = numberOf(fault, "seed");
  const conditions: TcpConditions = {
    random: seed === undefined ? undefined : seededRandom(seed),
    cutBytes: numberOf(fault, "cut"),
    mayCut: () => {
      if (left <= 0) return false;
      left--;
      if (left === 0) queueMicrotask(over);
      return true;
    },
    delayMs: numberOf(fault, "delay"),
    stall: textOf(fault, "stall") as TcpConditions["stall"],
    rateBps: numberOf(fault, "rate"),
    refuse: has(fault, "refuse"),
  };
  proxy.impose(conditions);
  return {
    stop: () => proxy.lift(conditions),
    counters: () => {
      const { connections, cuts, refused, bytesUp, bytesDown } = proxy.counters;
      return {
        connections: connections - before.connections,
        cuts: cuts - before.cuts,
        refused: refused - before.refused,
        bytesUp: bytesUp - before.bytesUp,
        bytesDown: bytesDown - before.bytesDown,
      };
    },
  };
}
