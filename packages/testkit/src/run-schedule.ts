import { type Moderation, publicationId, SOURCES, type Source } from "@lodeline/protocol";
import { disagreements, leftovers } from "./agreement.ts";
import { chance } from "./chance.ts";
import type { Mutation } from "./mutations.ts";
import { type Action, type Schedule, scheduleOf } from "./schedule.ts";
import { CLEAN_NETWORK } from "./simulated-network.ts";
import type { SimulatedPerson } from "./simulated-person.ts";
import { World } from "./world.ts";

/** How to run a schedule. */
export interface ScheduleOptions {
  /** Keep a readable trace. Default false: it costs more than the run. */
  readonly trace?: boolean | undefined;
  /** Something to break on purpose. */
  readonly mutation?: Mutation | undefined;
  /** Longest quiet after the faults have stopped, virtual ms. Default {@link QUIET_LIMIT_MS}. */
  readonly quietMs?: number | undefined;
}

/** What became of a schedule. */
export interface Outcome {
  readonly seed: number;
  readonly kind: Schedule["kind"];
  /** Why it failed; empty when all parties agree, nothing illegal happened, and nothing was left behind. */
  readonly failures: readonly string[];
  /** From the end of the faults to agreement, virtual ms; undefined when there was none. */
  readonly agreedAfterMs: number | undefined;
  /** How long the whole run was, virtual ms. */
  readonly virtualMs: number;
  /** Empty unless asked for. */
  readonly trace: readonly string[];
}

/** Every named wait of a session has passed by then: ringing 45 s is the longest. */
export const QUIET_LIMIT_MS = 60_000;
/** Agreement must hold this long to count. */
const STABLE_MS = 500;
const LOOK_MS = 250;
const CLOSING_LIMIT_MS = 60_000;
/** After everybody left, every timer of the world (consent, resume windows, leases) has passed by then. */
const IDLE_LIMIT_MS = 600_000;

/**
 * Runs the schedule of a seed: people come, faults happen, faults stop, and after some quiet all must agree; then
 * everybody leaves and nothing may be left. The same seed gives the same outcome and the same trace, always.
 */
export function runSchedule(seed: number, options: ScheduleOptions = {}): Outcome {
  const schedule = scheduleOf(seed, chance(seed).fork("schedule"));
  const { topology, people } = schedule;
  using world = new World({ seed, topology, trace: options.trace, mutation: options.mutation });
  for (const { identity, options: each } of people) world.person(identity, each);
  const failures: string[] = [];
  let agreedAfterMs: number | undefined;
  try {
    play(world, schedule);
    agreedAfterMs = settle(world, options.quietMs ?? QUIET_LIMIT_MS);
    if (agreedAfterMs === undefined) failures.push(...disagreements(world));
    failures.push(...dismiss(world));
  } catch (thrown) {
    failures.push(`thrown: ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}`);
  }
  failures.push(...world.violations);
  const { trace, clock } = world;
  return { seed, kind: schedule.kind, failures, agreedAfterMs, virtualMs: clock.now(), trace };
}

/** Feeds the actions, until the faults stop. */
function play(world: World, schedule: Schedule): void {
  const { clock } = world;
  for (const person of world.people) {
    person.remoteHasDevice = (identity, source) => hasDevice(world, identity, source);
  }
  for (const { atMs, action } of schedule.actions) clock.at(atMs, () => act(world, action));
  clock.advance(schedule.healAtMs);
  // Whoever is on a reload or away for a while comes back before the quiet begins.
  clock.advance(Math.max(0, world.busyUntilMs - clock.now()));
  heal(world);
}

/** The faults stop: the network is clean and whole. Whatever they left in people's sessions is for Lodeline to repair. */
function heal(world: World): void {
  world.note("*", () => "faults stop");
  world.network.faults = CLEAN_NETWORK;
  world.server.filter = undefined;
  for (const { identity } of world.people) {
    world.network.setOffline(identity, false);
    world.plane.setBroken(identity, false);
  }
}

function settle(world: World, limitMs: number): number | undefined {
  const { clock } = world;
  const began = clock.now();
  while (clock.now() - began < limitMs) {
    clock.advance(LOOK_MS);
    if (disagreements(world).length > 0) continue;
    const agreed = clock.now() - began;
    clock.advance(STABLE_MS);
    if (disagreements(world).length === 0) return agreed;
  }
  return undefined;
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

function hasDevice(world: World, identity: string, source: Source): boolean {
  const other = world.people.find((person) => person.identity === identity);
  return other === undefined || other.devices.live(source === "microphone" ? "audio" : "video");
}

function act(world: World, action: Action): void {
  world.note("*", () => JSON.stringify(action));
  const handle = ACTIONS[action.do] as (world: World, action: Action) => void;
  handle(world, action);
}

type Handlers = {
  readonly [Kind in Action["do"]]: (world: World, action: Extract<Action, { do: Kind }>) => void;
};

const ACTIONS: Handlers = {
  open: (world, { who, enters, asks }) => {
    const person = personOf(world, who);
    if (enters) {
      person.wanted = { room: "hall", topology: asks };
      person.sources.microphone = "live";
      person.sources.camera = "live";
    }
    person.open();
  },
  cut: (world, { who, how }) => world.network.cut(who, how),
  offline: (world, { who, forMs }) => {
    world.network.setOffline(who, true);
    world.network.cut(who, "loud");
    after(world, forMs, () => world.network.setOffline(who, false));
  },
  weather: (world, { faults }) => {
    world.network.faults = faults;
  },
  path: (world, { who, forMs }) => {
    world.plane.setBroken(who, true);
    after(world, forMs, () => world.plane.setBroken(who, false));
  },
  reload: (world, { who, how, awayMs }) => reload(world, personOf(world, who), how, awayMs),
  exit: (world, { who, awayMs }) => {
    const person = personOf(world, who);
    const { wanted } = person;
    if (!wanted) return;
    person.exit();
    after(world, awayMs, () => person.enter(wanted));
  },
  source: (world, { who, source, intent }) => personOf(world, who).setSource(source, intent),
  lose: (world, { who, probability, forMs }) => {
    const random = world.chance.fork(`lose ${world.clock.now()}`);
    world.server.filter = (to) => to.identity !== who || !random.happens(probability);
    after(world, forMs, () => {
      world.server.filter = undefined;
    });
  },
  afflict: (world, { who, source, ailment }) => void personOf(world, who).afflict(source, ailment),
  "afflict-forwarder": (world, { nth, ailment }) => {
    const { media } = world.server;
    const subscription = media.subscriptions[nth];
    if (subscription !== undefined) media.afflict(subscription, ailment);
  },
  swallow: (world, { who }) => void personOf(world, who).swallow(),
  "mute-other": (world, { who, whom, source }) =>
    moderate(world, who, whom, [source], (participant) => ({ kind: "mute", participant, source })),
  "allow-other": (world, { who, whom, source }) =>
    moderate(world, who, whom, [source], (participant) => ({ kind: "allow", participant, source })),
  "remove-other": (world, { who, whom }) =>
    moderate(world, who, whom, [], (participant) => ({ kind: "remove", participant })),
  "role-other": (world, { who, whom, role }) =>
    moderate(world, who, whom, SOURCES, (participant) => ({ kind: "role", participant, role })),
  call: (world, { who, whom, audio, video }) => {
    const { participant } = personOf(world, who);
    if (participant?.linkState === "open") participant.call(whom, { audio, video });
  },
  hangup: (world, { who, whom }) => personOf(world, who).participant?.hangup(`call:${whom}`),
};

function moderate(
  world: World,
  who: string,
  whom: string,
  touches: readonly Source[],
  make: (participant: string) => Moderation,
): void {
  const { participant } = personOf(world, who);
  const target = participant?.room?.participants.find((one) => one.identity === whom);
  if (!participant || !target) return;
  for (const source of touches) personOf(world, whom).moderated.add(source);
  participant.moderate(make(target.id));
}

function reload(world: World, person: SimulatedPerson, how: "pagehide" | "crash", awayMs: number): void {
  if (!person.participant) return;
  // A crash says no word: its sockets are found dead later.
  if (how === "crash") world.network.cut(person.identity, world.chance.happens(0.5) ? "loud" : "silent");
  person.vanish(how);
  world.plane.vanish(person.identity);
  after(world, awayMs, () => person.open());
}

function after(world: World, ms: number, fn: () => void): void {
  world.busyUntilMs = Math.max(world.busyUntilMs, world.clock.now() + ms);
  world.clock.at(world.clock.now() + ms, fn);
}

function personOf(world: World, identity: string): SimulatedPerson {
  const person = world.people.find((one) => one.identity === identity);
  if (!person) throw new Error(`bug: nobody is called ${identity}`);
  return person;
}

/** The publication of a person in the room, by what the authority says. */
export function publicationOf(world: World, identity: string, source: Source): string | undefined {
  for (const room of world.server.hub.rooms()) {
    const info = room.snapshot.participants.find((one) => one.identity === identity);
    if (info) return publicationId(info.id, source);
  }
  return undefined;
}
