import { type Moderation, SOURCES, type Source } from "@lodeline/protocol";
import type { Action } from "./schedule.ts";
import {
  breakOffAfterGrace,
  noteLeave,
  renewSilences,
  waitForCalls,
  waitForForgottenGoodbye,
  waitForGivenUpJoin,
  waitForGoodbye,
  waitForLastLeave,
  waitForLastPage,
  waitForSignal,
  waitForSilence,
} from "./silent-ends.ts";
import type { SimulatedPerson } from "./simulated-person.ts";
import type { World } from "./world.ts";

/** Does what an action of a schedule says, in a world. */
export function performAction(world: World, action: Action): void {
  world.note("*", () => JSON.stringify(action));
  if (ENDS_PLACES.has(action.do)) {
    world.promisedPlaces.clear();
    world.placesInDoubtUntilMs = world.clock.now() + IN_DOUBT_MS;
  }
  if (GIVES_UP.has(action.do) && "who" in action) world.promisedPlaces.delete(action.who);
  // Nobody clicks in a page that does not run.
  if ("who" in action && CLICKS.has(action.do) && world.pages.get(action.who)?.frozen) return;
  const handle = ACTIONS[action.do] as (world: World, action: Action) => void;
  handle(world, action);
}

/** A word that a lost link has held back arrives with its resume, or never. */
const IN_DOUBT_MS = 10_000;

/** What may cost whoever does it the place it held. */
const GIVES_UP: ReadonlySet<Action["do"]> = new Set(["reload", "gone", "freeze", "exit"]);
/** What somebody does in a page. */
const CLICKS: ReadonlySet<Action["do"]> = new Set([
  "exit",
  "source",
  "show",
  "mute-other",
  "allow-other",
  "remove-other",
  "role-other",
  "lock",
  "end-room",
  "call",
  "hangup",
]);
/** What may cost others theirs. */
const ENDS_PLACES: ReadonlySet<Action["do"]> = new Set(["remove-other", "end-room", "drain-server"]);

type Handlers = {
  readonly [Kind in Action["do"]]: (world: World, action: Extract<Action, { readonly do: Kind }>) => void;
};

/** A held message arrives this late at most, ms; a doubled one as well. */
const HELD_MS = 500;
/** A polite stop waits this long for its last words, ms. */
const DRAIN_MS = 1_000;

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
  cut: (world, { who, how }) => {
    world.network.cut(who, how);
    if (how === "silent") waitForSilence(world, personOf(world, who));
  },
  offline: (world, { who, forMs }) => {
    world.network.setOffline(who, true);
    world.network.cut(who, "loud");
    after(world, forMs, () => {
      world.network.setOffline(who, false);
      personOf(world, who).wake();
    });
  },
  weather: (world, { faults }) => {
    world.network.faults = faults;
  },
  stall: (world, { who, direction, forMs }) => {
    world.network.stall(who, direction, forMs);
    after(world, forMs, () => {});
  },
  path: (world, { who, forMs }) => {
    world.plane.setBroken(who, true);
    after(world, forMs, () => world.plane.setBroken(who, false));
  },
  reload: (world, { who, how, awayMs }) => {
    const person = personOf(world, who);
    if (!person.participant) return;
    const place =
      person.participant.membership === "joined" && person.wanted && !world.pages.get(who)?.frozen
        ? person.participant.place
        : undefined;
    leavePage(world, person, how, false);
    // Back before any lease is over: as who it was.
    if (place && !world.hasForgotten && world.clock.now() >= world.placesInDoubtUntilMs) {
      world.promisedPlaces.set(who, place.participant);
      if (how === "pagehide") breakOffAfterGrace(world, who);
    }
    after(world, awayMs, () => person.open());
  },
  gone: (world, { who, how }) => {
    const person = personOf(world, who);
    if (!person.participant) return;
    leavePage(world, person, how, true);
    person.wanted = undefined;
  },
  freeze: (world, { who, forMs, asleep, stops }) => {
    const page = world.pages.get(who);
    const person = personOf(world, who);
    if (!page || page.frozen || !person.participant) return;
    page.freeze(asleep && stops);
    if (asleep) {
      world.plane.setBroken(who, true);
      world.network.cut(who, "silent");
      world.network.setOffline(who, true);
    }
    after(world, forMs, () => {
      if (asleep) world.plane.setBroken(who, false);
      if (asleep) world.network.setOffline(who, false);
      // What became of the other end of a call meanwhile, by page or by machine, is found out from now on.
      waitForCalls(world, person);
      if (asleep) world.await("wakeProbeMs");
      page.thaw(world.chance.fork(`thaw ${who} ${world.clock.now()}`).happens(0.5));
      // Once the page has heard what waited for it; the one that was frozen may have been closed meanwhile.
      world.clock.at(world.clock.now(), () => person.wake());
    });
  },
  exit: (world, { who, awayMs }) => {
    const person = personOf(world, who);
    const { wanted } = person;
    if (!wanted) return;
    if (!person.participant) waitForLastPage(world, person);
    waitForGivenUpJoin(world, person);
    noteLeave(world, person);
    person.exit();
    after(world, awayMs, () => person.enter(wanted));
  },
  source: (world, { who, source, intent }) => personOf(world, who).setSource(source, intent),
  show: (world, { who, whom, source, visible }) => personOf(world, who).show(whom, source, visible),
  lose: (world, action) => tamper(world, action, () => {}),
  hold: (world, action) => tamper(world, action, (forward, lateMs) => void world.clock.at(lateMs, forward)),
  double: (world, action) =>
    tamper(world, action, (forward, lateMs) => {
      forward();
      world.clock.at(lateMs, forward);
    }),
  afflict: (world, { who, source, ailment }) => void personOf(world, who).afflict(source, ailment),
  "afflict-forwarder": (world, { nth, ailment }) => {
    const { media } = world.server;
    const subscription = media.subscriptions[nth];
    if (subscription !== undefined) media.afflict(subscription, ailment);
  },
  swallow: (world, { who, whom }) => {
    const person = personOf(world, who);
    const other = person.participant?.room?.participants.find((one) => one.identity === whom);
    if (whom !== undefined && !other) return;
    if (person.swallow(other?.id)) world.await("receiptWindowMs");
  },
  "mute-other": (world, { who, whom, source }) =>
    moderate(world, who, whom, [source], (participant) => ({ kind: "mute", participant, source })),
  "allow-other": (world, { who, whom, source }) =>
    moderate(world, who, whom, [source], (participant) => ({ kind: "allow", participant, source })),
  "remove-other": (world, { who, whom }) =>
    moderate(world, who, whom, [], (participant) => ({ kind: "remove", participant })),
  "role-other": (world, { who, whom, role }) =>
    moderate(world, who, whom, SOURCES, (participant) => ({ kind: "role", participant, role })),
  lock: (world, { who, locked }) => {
    const { participant } = personOf(world, who);
    if (participant?.membership === "joined") participant.moderate({ kind: "lock", locked });
  },
  "end-room": (world, { who }) => {
    const { participant } = personOf(world, who);
    if (participant?.membership === "joined") participant.moderate({ kind: "end" });
  },
  "expire-token": (world, { whom }) => void world.expired.set(whom, world.clock.wall()),
  "kill-server": (world, { how, downMs }) => {
    if (!world.isServing) return;
    const { people } = world;
    if (how === "silent" && world.isServing) for (const person of people) waitForSilence(world, person);
    killServer(world, how);
    serveAgain(world, downMs);
  },
  "drain-server": (world, { downMs }) => {
    const { server } = world;
    if (!world.isServing || server.hub.status().draining) return;
    server.hub.drain("the server is restarted");
    after(world, DRAIN_MS, () => {
      if (server !== world.server) return;
      killServer(world, "loud");
      serveAgain(world, downMs);
    });
  },
  call: (world, { who, whom, audio, video }) => {
    const person = personOf(world, who);
    if (person.participant?.linkState !== "open") return;
    person.participant.call(whom, { audio, video });
    // It rings where nobody is heard of any more, too, until that page's lease is over.
    const silentForMs = world.clock.now() - (world.silentSince.get(whom) ?? Number.NEGATIVE_INFINITY);
    if (silentForMs < world.timers.leaseMs) world.await("leaseMs", -silentForMs);
  },
  hangup: (world, { who, whom }) => personOf(world, who).participant?.hangup(`call:${whom}`),
};

type Tampering = Extract<Action, { readonly do: "lose" | "hold" | "double" }>;

function tamper(
  world: World,
  { do: action, who, direction, probability, forMs }: Tampering,
  pass: (forward: () => void, lateMs: number) => void,
): void {
  const { clock } = world;
  const random = world.chance.fork(`tamper ${clock.now()}`);
  const { identity } = personOf(world, who);
  const { server } = world;
  server.fate = (passing, forward) => {
    const isMeant = passing.who.identity === identity && passing.direction === direction;
    if (!isMeant || !random.happens(probability)) return forward();
    if (action === "lose") waitForSignal(world, passing.message);
    pass(forward, clock.now() + random.between(1, HELD_MS));
  };
  after(world, forMs + HELD_MS, () => {});
  after(world, forMs, () => {
    server.fate = undefined;
  });
}

function killServer(world: World, how: "loud" | "silent"): void {
  for (const person of world.people) waitForForgottenGoodbye(world, person);
  world.killServer(how);
}

function serveAgain(world: World, downMs: number): void {
  after(world, downMs, () => {
    world.startServer();
    world.await("reconnectMaxMs");
    // Leases begin anew with a process that goes on from its disk.
    if (!world.store) return;
    const isSilent = renewSilences(world);
    if (isSilent || world.people.some((one) => one.page > 0 && !one.participant)) world.await("leaseMs");
  });
}

function leavePage(world: World, person: SimulatedPerson, how: "pagehide" | "crash", forGood: boolean): void {
  const { host, participant } = person;
  const frozen = world.pages.get(host)?.frozen ?? false;
  const isHeard = how === "pagehide" && !frozen && participant?.linkState === "open" && world.network.reaches(host);
  // A page that comes back takes its place, or is rung at; one that does not is waited for, whoever calls it meanwhile too.
  if (forGood && isHeard) waitForGoodbye(world, person);
  // Also outside of rooms: who is called and silent is unreachable when the lease is over.
  if (forGood && !isHeard) world.await("leaseMs");
  waitForLastLeave(world, person);
  // A crash says no word: its sockets are found dead later. Nor does a frozen page, which nobody asks.
  if (how === "crash" || frozen) {
    const silent = world.chance.fork(`crash ${host} ${world.clock.now()}`).happens(0.5);
    world.network.cut(host, silent ? "silent" : "loud");
    if (silent) world.await("linkLostMs");
  }
  if (isHeard) world.saidGoodbyeAt.set(person.identity, world.clock.now());
  else world.silentSince.set(person.identity, world.clock.now());
  if (!isHeard) waitForCalls(world, person);
  person.vanish(frozen ? "crash" : how);
  world.plane.vanish(host);
  world.pages.get(host)?.discard();
}

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

/** What was begun is undone after a while; quiet does not begin before. */
function after(world: World, ms: number, fn: () => void): void {
  world.busyUntilMs = Math.max(world.busyUntilMs, world.clock.now() + ms);
  world.clock.at(world.clock.now() + ms, fn);
}

function personOf(world: World, host: string): SimulatedPerson {
  const person = world.people.find((one) => one.host === host);
  if (!person) throw new Error(`bug: nobody is on ${host}`);
  return person;
}
