import { publicationId, type Source } from "@lodeline/protocol";
import { disagreements, leftovers } from "./agreement.ts";
import { chance } from "./chance.ts";
import type { DeadlineName } from "./deadlines.ts";
import { scheduleOf } from "./draw-schedule.ts";
import type { Mutation } from "./mutations.ts";
import { performAction } from "./perform-action.ts";
import type { Schedule } from "./schedule.ts";
import { CLEAN_NETWORK } from "./simulated-network.ts";
import { World } from "./world.ts";

/** How to run a schedule. */
export interface ScheduleOptions {
  /** Keep a readable trace. Default false: it costs more than the run. */
  readonly trace?: boolean | undefined;
  /** Something to break on purpose. */
  readonly mutation?: Mutation | undefined;
  /** Longest quiet until all agree, virtual ms. Default {@link QUIET_LIMIT_MS}. */
  readonly quietMs?: number | undefined;
}

/** What became of a schedule. */
export interface Outcome {
  readonly seed: number;
  readonly kind: Schedule["kind"];
  /** Why it failed; empty when all parties agree, nothing illegal happened, and nothing was left behind. */
  readonly failures: readonly string[];
  /** From the beginning of quiet to agreement, virtual ms; undefined when there was none. */
  readonly agreedAfterMs: number | undefined;
  /** The named wait that quiet waited for last, where it had to wait for one after the last fault. */
  readonly waitedFor: DeadlineName | undefined;
  /** How long the whole run was, virtual ms. */
  readonly virtualMs: number;
  /** Empty unless asked for. */
  readonly trace: readonly string[];
}

/** After this much quiet all agree: the promise that is tested. */
export const QUIET_LIMIT_MS = 3_000;
/** Agreement must hold this long to count. */
const STABLE_MS = 500;
const LOOK_MS = 100;
/** No wait that counts ends later than this after the last fault. */
const LONGEST_WAIT_MS = 60_000;
const CLOSING_LIMIT_MS = 60_000;
/** After everybody left, every timer of the world (consent, resume windows, leases) has passed by then. */
const IDLE_LIMIT_MS = 600_000;

/**
 * Runs a schedule, or the one of a seed: people come, faults happen, faults stop, and after some quiet all must agree;
 * then everybody leaves and nothing may be left. The same schedule gives the same outcome and the same trace, always.
 */
export function runSchedule(what: number | Schedule, options: ScheduleOptions = {}): Outcome {
  const schedule = typeof what === "number" ? drawSchedule(what) : what;
  const { seed, kind, topology, people, timers, maxParticipants, storage } = schedule;
  const { trace: traced, mutation } = options;
  using world = new World({ seed, topology, timers, maxParticipants, storage, trace: traced, mutation });
  for (const { host, options: each } of people) world.person(host, each);
  const failures: string[] = [];
  let agreedAfterMs: number | undefined;
  let waitedFor: DeadlineName | undefined;
  try {
    play(world, schedule);
    ({ agreedAfterMs, waitedFor } = settle(world, options.quietMs ?? QUIET_LIMIT_MS));
    if (agreedAfterMs === undefined) failures.push(...disagreements(world));
    failures.push(...brokenPromises(world));
    failures.push(...dismiss(world));
  } catch (thrown) {
    failures.push(`thrown: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`);
  }
  failures.push(...world.violations);
  const { trace, clock } = world;
  return { seed, kind, failures, agreedAfterMs, waitedFor, virtualMs: clock.now(), trace };
}

/** The schedule of a seed, as {@link runSchedule} runs it. */
export function drawSchedule(seed: number): Schedule {
  return scheduleOf(seed, chance(seed).fork("schedule"));
}

/** Feeds the actions, until the faults stop. */
function play(world: World, schedule: Schedule): void {
  const { clock } = world;
  for (const { atMs, action } of schedule.actions) clock.at(atMs, () => performAction(world, action));
  clock.advance(schedule.healAtMs);
  // Whatever was begun for a while is over before the quiet begins: a reload, a sleep, a restart.
  while (clock.now() < world.busyUntilMs) clock.advance(world.busyUntilMs - clock.now());
  heal(world);
}

/** The faults stop: the network is clean and whole. Whatever they left in people's sessions is for Lodeline to repair. */
function heal(world: World): void {
  world.note("*", () => "faults stop");
  world.isFaulty = false;
  world.network.faults = CLEAN_NETWORK;
  world.server.filter = undefined;
  world.server.fate = undefined;
  // Nothing tells those whose link is down that the network is well again: they try at growing intervals.
  if (world.people.some(({ participant }) => participant && participant.linkState !== "open")) {
    world.await("reconnectMaxMs");
  }
  // What ails a track can be found out when everything around it works, and not before.
  if (world.isAiling) world.await("receiptWindowMs");
  for (const { host } of world.people) {
    world.network.setOffline(host, false);
    world.plane.setBroken(host, false);
  }
}

/** The wait that faults have set off and that ends last, as far as it is still to come. */
function lastDeadline(world: World, fromMs: number): World["deadlines"][number] | undefined {
  let last: World["deadlines"][number] | undefined;
  for (const one of world.deadlines) if (one.untilMs > (last?.untilMs ?? fromMs)) last = one;
  return last;
}

/** Lets the waits pass that faults have set off, then looks until all agree and go on agreeing. */
function settle(
  world: World,
  limitMs: number,
): { agreedAfterMs: number | undefined; waitedFor: DeadlineName | undefined } {
  const { clock } = world;
  const healedMs = clock.now();
  let began = healedMs;
  let waitedFor: DeadlineName | undefined;
  for (;;) {
    // What was under way may set off another wait, a person asked for a device; yet not for ever.
    const deadline = lastDeadline(world, began);
    if (deadline && deadline.untilMs < healedMs + LONGEST_WAIT_MS) {
      waitedFor = deadline.name;
      began = deadline.untilMs;
      clock.advance(Math.max(0, began - clock.now()));
      world.note("*", () => `quiet begins, after ${deadline.name}`);
    }
    const agreedAfterMs = clock.now() - began;
    if (disagreements(world).length === 0) {
      clock.advance(STABLE_MS);
      if (disagreements(world).length === 0) return { agreedAfterMs, waitedFor };
    }
    if (clock.now() - began >= limitMs) return { agreedAfterMs: undefined, waitedFor };
    clock.advance(LOOK_MS);
  }
}

/** Who reloaded, or only stayed over a restart of a server with a disk, is who it was before. */
function brokenPromises(world: World): string[] {
  const found: string[] = [];
  for (const [host, promised] of world.promisedPlaces) {
    const place = world.people.find((one) => one.host === host)?.participant?.place?.participant;
    if (place !== promised) found.push(`${host} held ${promised} before and holds ${place} now`);
  }
  return found;
}

/** Everybody leaves; nothing may be left. */
function dismiss(world: World): string[] {
  const { clock } = world;
  world.note("*", () => "everybody leaves");
  for (const person of world.people) person.close();
  clock.runUntil(() => world.people.every((person) => person.participant?.closed ?? true), CLOSING_LIMIT_MS);
  const idle = clock.runUntilIdle(IDLE_LIMIT_MS);
  const left = leftovers(world);
  if (!idle) left.push(`${clock.armed} timers are armed although nothing is left to wait for`);
  return left;
}

/** The publication of a person in the room, by what the authority says. */
export function publicationOf(world: World, identity: string, source: Source): string | undefined {
  for (const room of world.server.hub.rooms()) {
    const info = room.snapshot.participants.find((one) => one.identity === identity);
    if (info) return publicationId(info.id, source);
  }
  return undefined;
}
