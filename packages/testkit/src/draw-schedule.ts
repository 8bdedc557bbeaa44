import { SERVER_PEER_IDENTITY, type Source, type Topology } from "@lodeline/protocol";
import type { Chance } from "./chance.ts";
import type { Action, Schedule } from "./schedule.ts";
import { CLEAN_NETWORK, type NetworkFaults } from "./simulated-network.ts";
import type { PersonOptions } from "./world-options.ts";

/** The people of schedules: the first two to eight of them take part. The first is the moderator. */
export const PEOPLE: readonly string[] = ["anna", "bert", "cleo", "dora", "emil", "fred", "gina", "hugo"];

/** A second tab of somebody, for calls. */
const SECOND_TAB = "-2";

/** Draws the schedule of a seed. */
export function scheduleOf(seed: number, random: Chance): Schedule {
  const kind = random.weighted([
    [45, "sfu"],
    [35, "mesh"],
    [20, "call"],
  ] as const);
  const names = PEOPLE.slice(0, countOf(random));
  const calm = random.happens(0.1);
  const lastsMs = random.between(1000, 5000);
  const tabs = kind === "call" && random.happens(0.25) ? [`${names[1]}${SECOND_TAB}`] : [];
  const hosts = [...names, ...tabs];
  const actions = hosts.map((who) => ({
    atMs: random.between(0, 800),
    action: { do: "open", who, enters: kind !== "call", asks: asked(random, kind) } as Action,
  }));
  const many = calm ? random.between(1, 2) : random.between(2, 7);
  const scene: Scene = { names, hosts };
  for (let i = 0; i < many; i++) {
    const draw = kind === "call" && random.happens(0.7) ? callAction : kind === "call" ? faultAction : roomAction;
    actions.push({ atMs: random.between(50, lastsMs), action: draw(random, scene) });
  }
  actions.sort((a, b) => a.atMs - b.atMs);
  dropSecondIlls(actions);
  const frozen = new Set(actions.map(({ action }) => (action.do === "freeze" ? action.who : undefined)));
  const people = hosts.map((host, index) => ({ host, options: personOf(random, host, index, frozen.has(host)) }));
  const restarts = actions.some(({ action }) => action.do === "kill-server" || action.do === "drain-server");
  const full = names.length > 2 && kind !== "call" && random.happens(0.03);
  return {
    seed,
    kind,
    topology: kind === "mesh" ? "mesh" : "sfu",
    people,
    actions,
    healAtMs: lastsMs,
    ...(random.happens(0.1) ? { timers: { resumeWindowMs: 1_500 } } : {}),
    ...(full ? { maxParticipants: names.length - 1 } : {}),
    // Where the server never dies a disk only costs time.
    ...(random.happens(restarts ? 0.8 : 0.04) ? { storage: { commitMs: random.pick([0, 5, 30, 150]) } } : {}),
  };
}

/**
 * At most one thing is ill in a way that only a step of a replay cures: two ills of one track are cured one after the
 * other, and the promise is about one.
 */
function dropSecondIlls(actions: { readonly action: Action }[]): void {
  const ills = actions.filter(({ action }) => ILLS.has(action.do));
  for (const ill of ills.slice(1)) actions.splice(actions.indexOf(ill), 1);
}

const ILLS: ReadonlySet<Action["do"]> = new Set(["afflict", "afflict-forwarder", "swallow"]);

/** Who is there to draw from. */
interface Scene {
  readonly names: readonly string[];
  /** The names, and further tabs of some. */
  readonly hosts: readonly string[];
}

/** Mostly few, because what goes wrong among eight mostly goes wrong among three, at a tenth of the cost. */
function countOf(random: Chance): number {
  return random.weighted([
    [58, 2],
    [28, 3],
    [9, 4],
    [2, 5],
    [1.5, 6],
    [0.8, 7],
    [0.7, 8],
  ] as const);
}

function personOf(random: Chance, host: string, index: number, freezes: boolean): PersonOptions {
  const mood = () =>
    random.weighted([
      [88, "ready"],
      [6, "slow"],
      [6, "denied"],
    ] as const);
  return {
    ...(host.endsWith(SECOND_TAB) ? { identity: host.slice(0, -SECOND_TAB.length) } : {}),
    ...(freezes ? { freezes } : {}),
    role: index === 0 ? "moderator" : random.happens(0.1) ? "viewer" : "speaker",
    camera: mood(),
    microphone: mood(),
    slots: random.weighted([
      [70, 3],
      [30, 1],
    ]),
    pollMs: random.pick([300, 400, 500]),
    captures: random.happens(0.5),
    ...(random.happens(0.05) ? { stubborn: true } : {}),
    stepFailure: random.happens(0.08) ? 0.02 : 0,
    answers: {
      with: random.weighted([
        [74, "accept"],
        [14, "reject"],
        [6, "busy"],
        [6, "nothing"],
      ] as const),
      afterMs: random.between(0, 1500),
    },
  };
}

/** Most ask for the topology of the schedule, some for none, a few for the other: the first who comes decides. */
function asked(random: Chance, kind: Schedule["kind"]): Topology | undefined {
  const own = kind === "mesh" ? "mesh" : "sfu";
  const other = kind === "mesh" ? "sfu" : "mesh";
  return random.weighted<Topology | undefined>([
    [85, own],
    [10, undefined],
    [5, other],
  ]);
}

type Draw = (random: Chance, scene: Scene) => Action;

const roomAction: Draw = (random, scene) =>
  random.weighted<Draw>([
    [26, sourceAction],
    [11, moderateAction],
    [5, showAction],
    [4, callAction],
    [8, (r, { hosts }) => ({ do: "exit", who: r.pick(hosts), awayMs: r.between(50, 2500) })],
    [8, ailmentAction],
    [48, faultAction],
  ])(random, scene);

const faultAction: Draw = (random, scene) =>
  random.weighted<Draw>([
    [18, (r, { hosts }) => ({ do: "cut", who: r.pick(hosts), how: r.happens(0.8) ? "loud" : "silent" })],
    [8, (r, { hosts }) => ({ do: "offline", who: r.pick(hosts), forMs: r.between(100, 4000) })],
    [16, weatherAction],
    [5, stallAction],
    [9, (r, { hosts }) => ({ do: "path", who: r.pick(hosts), forMs: r.between(100, 5000) })],
    [
      20,
      (r, { hosts }) => ({
        do: "reload",
        who: r.pick(hosts),
        how: r.pick(["pagehide", "crash"]),
        awayMs: r.between(30, 1200),
      }),
    ],
    [9, messageAction],
    [3, (r, { hosts }) => ({ do: "gone", who: r.pick(hosts), how: r.pick(["pagehide", "crash"]) })],
    [2, freezeAction],
    [9, serverAction],
    [1, (r, { names }) => ({ do: "expire-token", whom: r.pick(names) })],
  ])(random, scene);

const weatherAction: Draw = (random) => {
  const faults: NetworkFaults = {
    latencyMs: random.pick([1, 10, 40, 150]),
    jitterMs: random.pick([0, 5, 60]),
    drop: random.pick([0, 0, 0.02, 0.1]),
    duplicate: random.pick([0, 0, 0.02, 0.1]),
    reorder: random.pick([0, 0, 0.02, 0.1]),
  };
  return { do: "weather", faults: random.happens(0.2) ? CLEAN_NETWORK : faults };
};

const stallAction: Draw = (random, { hosts }) => ({
  do: "stall",
  who: random.pick(hosts),
  direction: random.pick(["to-server", "to-client", "both"] as const),
  forMs: random.between(100, random.happens(0.2) ? 7000 : 2500),
});

const messageAction: Draw = (random, { hosts }) => ({
  do: random.weighted([
    [6, "lose"],
    [2, "hold"],
    [2, "double"],
  ] as const),
  who: random.pick(hosts),
  direction: "to-client",
  probability: random.pick([0.1, 0.5, 1]),
  forMs: random.between(20, 600),
});

const freezeAction: Draw = (random, { hosts }) => ({
  do: "freeze",
  who: random.pick(hosts),
  forMs: random.pick([1000, 6000, 20_000]),
  asleep: random.happens(0.5),
  stops: random.happens(0.3),
});

const serverAction: Draw = (random) =>
  random.happens(0.85)
    ? { do: "kill-server", how: random.happens(0.9) ? "loud" : "silent", downMs: random.between(20, 2500) }
    : { do: "drain-server", downMs: random.between(20, 2500) };

const sourceAction: Draw = (random, { hosts }) => ({
  do: "source",
  who: random.pick(hosts),
  source: sourceOf(random),
  intent: random.weighted([
    [5, "live"],
    [2, "muted"],
    [2, "unpublished"],
  ] as const),
});

function sourceOf(random: Chance): Source {
  return random.weighted([
    [5, "microphone"],
    [5, "camera"],
    [2, "screen"],
    [1, "screen-audio"],
  ] as const);
}

const showAction: Draw = (random, { names }) => {
  const who = random.pick(names);
  const whom = random.pick(names.filter((name) => name !== who));
  return { do: "show", who, whom, source: sourceOf(random), visible: random.happens(0.4) };
};

const moderateAction: Draw = (random, { names }) => {
  const [who = "anna", ...others] = names;
  const whom = random.pick(others);
  const kind = random.weighted([
    [30, "mute-other"],
    [30, "allow-other"],
    [8, "remove-other"],
    [14, "role-other"],
    [12, "lock"],
    [3, "end-room"],
  ] as const);
  if (kind === "end-room") return { do: kind, who };
  if (kind === "lock") return { do: kind, who, locked: random.happens(0.6) };
  if (kind === "remove-other") return { do: kind, who, whom };
  if (kind === "role-other") {
    return { do: kind, who, whom, role: random.pick(["viewer", "speaker", "moderator"] as const) };
  }
  return { do: kind, who, whom, source: random.pick(["microphone", "camera"] as const) };
};

const ailmentAction: Draw = (random, scene) =>
  random.weighted<Draw>([
    [4, (r) => ({ do: "afflict-forwarder", nth: r.between(0, 5), ailment: r.pick(AILMENTS) })],
    [
      3,
      (r, { hosts }) => ({
        do: "afflict",
        who: r.pick(hosts),
        source: r.pick(["microphone", "camera"]),
        ailment: "republish",
      }),
    ],
    [1, (r, { hosts }) => ({ do: "swallow", who: r.pick(hosts) })],
    [1, (r, { hosts, names }) => ({ do: "swallow", who: r.pick(hosts), whom: r.pick(names) })],
  ])(random, scene);

const AILMENTS = ["key-frame", "reset-forwarder", "renegotiate"] as const;

const callAction: Draw = (random, { hosts, names }) => {
  const who = random.pick(hosts);
  const self = who.endsWith(SECOND_TAB) ? who.slice(0, -SECOND_TAB.length) : who;
  const others = [...names.filter((name) => name !== self), ...(random.happens(0.25) ? [SERVER_PEER_IDENTITY] : [])];
  const whom = random.pick(others);
  if (random.happens(0.4)) return { do: "hangup", who, whom };
  return { do: "call", who, whom, audio: true, video: random.happens(0.7) };
};
