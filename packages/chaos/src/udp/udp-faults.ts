import { type Clock, type Random, seededRandom, type Timer } from "@lodeline/base";
import type { RunningFault } from "../fault-desk.ts";
import { type Fault, has, numberOf, textOf } from "../language/fault.ts";
import type { UdpConditions } from "./udp-conditions.ts";
import type { UdpFaultConditions, UdpRelay } from "./udp-relay.ts";
import { newUdpCounters, type UdpCounters } from "./udp-way.ts";

const QUEUE_BYTES = 64 * 1024;

/**
 * Performs a `udp` fault on all relays of a server.
 *
 * @param random - Gives the seed where the fault has none; what was drawn is its counter `seed`.
 */
export function performUdpFault(
  relays: readonly UdpRelay[],
  fault: Fault,
  options: { readonly clock: Clock; readonly random: Random; readonly over: () => void },
): RunningFault {
  const seed = numberOf(fault, "seed") ?? options.random.u32();
  const conditions = conditionsOf(fault, seededRandom(seed));
  const before = sum(relays);
  for (const relay of relays) relay.impose(conditions);
  const moving = has(fault, "rebind") || has(fault, "move") ? keepMoving(relays, fault, options) : undefined;
  return {
    stop: () => {
      moving?.cancel();
      for (const relay of relays) relay.lift(conditions);
    },
    counters: () => {
      const now = sum(relays);
      const names = Object.keys(now) as (keyof UdpCounters)[];
      return { seed, ...Object.fromEntries(names.map((name) => [name, now[name] - before[name]])) };
    },
  };
}

function conditionsOf(fault: Fault, random: Random): UdpFaultConditions {
  const way = textOf(fault, "way") ?? "both";
  const dead = textOf(fault, "dead");
  const number = (name: string) => numberOf(fault, name) ?? 0;
  const of = (one: "up" | "down"): UdpConditions | undefined => {
    const counts = way === one || way === "both";
    const isDead = dead === one || dead === "both";
    if (!counts && !isDead) return undefined;
    const common = { queueBytes: numberOf(fault, "queue") ?? QUEUE_BYTES, dead: isDead };
    if (!counts) return { ...common, loss: 0, delayMs: 0, jitterMs: 0, reorder: 0, duplicate: 0, rateBps: Infinity };
    return {
      ...common,
      loss: number("loss"),
      delayMs: number("delay"),
      jitterMs: number("jitter"),
      reorder: number("reorder"),
      duplicate: number("duplicate"),
      rateBps: numberOf(fault, "rate") ?? Infinity,
    };
  };
  return { up: of("up"), down: of("down"), random };
}

/** Rebinds or moves now, and again as often as the fault says. */
function keepMoving(
  relays: readonly UdpRelay[],
  fault: Fault,
  { clock, over }: { readonly clock: Clock; readonly over: () => void },
): { cancel(): void } {
  const everyMs = numberOf(fault, "every");
  // Alone and once, it has done all it can do as soon as it is done.
  const alone = ["loss", "delay", "jitter", "reorder", "duplicate", "rate", "dead"].every((name) => !has(fault, name));
  let timer: Timer | undefined;
  let cancelled = false;
  const act = async () => {
    await Promise.all(relays.map((relay) => (has(fault, "move") ? relay.move() : relay.rebind())));
    if (cancelled) return;
    if (everyMs !== undefined) timer = clock.at(clock.now() + everyMs, () => void act());
    else if (alone) over();
  };
  void act();
  return {
    cancel: () => {
      cancelled = true;
      timer?.cancel();
    },
  };
}

function sum(relays: readonly UdpRelay[]): UdpCounters {
  const total = newUdpCounters();
  for (const { counters } of relays) {
    for (const name of Object.keys(total) as (keyof UdpCounters)[]) total[name] += counters[name];
  }
  return total;
}
