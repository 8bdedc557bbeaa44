import { SERVER_PEER_IDENTITY, type Source, type Topology } from "@lodeline/protocol";
import type { Chance } from "./chance.ts";
import { CLEAN_NETWORK, type NetworkFaults } from "./simulated-network.ts";
import type { Intent } from "./simulated-person-options.ts";
import type { PersonOptions } from "./world.ts";

/** Something that happens to a run at one moment. */
export type Action =
  | { readonly do: "open"; readonly who: string; readonly enters: boolean; readonly asks: Topology | undefined }
  | { readonly do: "cut"; readonly who: string; readonly how: "loud" | "silent" }
  | { readonly do: "offline"; readonly who: string; readonly forMs: number }
  | { readonly do: "weather"; readonly faults: NetworkFaults }
  /** The media path of a host breaks. */
  | { readonly do: "path"; readonly who: string; readonly forMs: number }
  | { readonly do: "reload"; readonly who: string; readonly how: "pagehide" | "crash"; readonly awayMs: number }
  | { readonly do: "exit"; readonly who: string; readonly awayMs: number }
  | { readonly do: "source"; readonly who: string; readonly source: Source; readonly intent: Intent }
  /** Messages to a client are lost above the link, this long, with this probability. */
  | { readonly do: "lose"; readonly who: string; readonly probability: number; readonly forMs: number }
  | { readonly do: "afflict"; readonly who: string; readonly source: Source; readonly ailment: "republish" }
  | {
      readonly do: "afflict-forwarder";
      readonly nth: number;
      readonly ailment: "key-frame" | "reset-forwarder" | "renegotiate";
    }
  /** A black hole on all paths of a host, which ICE does not notice. */
  | { readonly do: "swallow"; readonly who: string }
  | { readonly do: "mute-other"; readonly who: string; readonly whom: string; readonly source: Source }
  | { readonly do: "allow-other"; readonly who: string; readonly whom: string; readonly source: Source }
  | { readonly do: "remove-other"; readonly who: string; readonly whom: string }
  | { readonly do: "role-other"; readonly who: string; readonly whom: string; readonly role: "viewer" | "speaker" }
  | {
      readonly do: "call";
      readonly who: string;
      readonly whom: string;
      readonly audio: boolean;
      readonly video: boolean;
    }
  | { readonly do: "hangup"; readonly who: string; readonly whom: string };

/** A whole run: who takes part, and what happens when. A function of its seed. */
export interface Schedule {
  readonly seed: number;
  readonly kind: "sfu" | "mesh" | "call";
  readonly topology: Topology;
  readonly people: readonly { readonly identity: string; readonly options: PersonOptions }[];
  /** In order of time. */
  readonly actions: readonly { readonly atMs: number; readonly action: Action }[];
  /** When faults stop: the network is clean, everybody online, and nothing more happens. */
  readonly healAtMs: number;
}

/** The people of schedules: the first two to four of them take part. The first is the moderator. */
export const PEOPLE: readonly string[] = ["anna", "bert", "cleo", "dora"];

/** Makes the schedule of a seed. */
export function scheduleOf(seed: number, random: Chance): Schedule {
  const kind = random.weighted([
    [45, "sfu"],
    [35, "mesh"],
    [20, "call"],
  ] as const);
  const count = random.weighted([
    [60, 2],
    [28, 3],
    [12, 4],
  ] as const);
  const names = PEOPLE.slice(0, count);
  const calm = random.happens(0.1);
  const people = names.map((identity, index) => ({ identity, options: personOf(random, index) }));
  const lastsMs = random.between(1000, 5000);
  const actions = names.map((who) => ({
    atMs: random.between(0, 800),
    action: { do: "open", who, enters: kind !== "call", asks: asked(random, kind) } as Action,
  }));
  const many = calm ? random.between(1, 2) : random.between(2, 7);
  for (let i = 0; i < many; i++) {
    const draw = kind === "call" && random.happens(0.7) ? callAction : kind === "call" ? faultAction : roomAction;
    actions.push({ atMs: random.between(50, lastsMs), action: draw(random, names) });
  }
  actions.sort((a, b) => a.atMs - b.atMs);
  return { seed, kind, topology: kind === "mesh" ? "mesh" : "sfu", people, actions, healAtMs: lastsMs };
}

function personOf(random: Chance, index: number): PersonOptions {
  const mood = () =>
    random.weighted([
      [88, "ready"],
      [6, "slow"],
      [6, "denied"],
    ] as const);
  return {
    role: index === 0 ? "moderator" : random.happens(0.1) ? "viewer" : "speaker",
    camera: mood(),
    microphone: mood(),
    slots: random.weighted([
      [70, 3],
      [30, 1],
    ]),
    pollMs: random.pick([300, 400, 500]),
    captures: random.happens(0.5),
    stepFailure: random.happens(0.08) ? 0.02 : 0,
    answers: {
      with: random.weighted([
        [80, "accept"],
        [20, "reject"],
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

type Draw = (random: Chance, names: readonly string[]) => Action;

const roomAction: Draw = (random, names) =>
  random.weighted<Draw>([
    [30, sourceAction],
    [8, moderateAction],
    [4, callAction],
    [10, (r, of) => ({ do: "exit", who: r.pick(of), awayMs: r.between(50, 2500) })],
    [8, ailmentAction],
    [46, faultAction],
  ])(random, names);

const faultAction: Draw = (random, names) =>
  random.weighted<Draw>([
    [20, (r, of) => ({ do: "cut", who: r.pick(of), how: r.happens(0.7) ? "loud" : "silent" })],
    [8, (r, of) => ({ do: "offline", who: r.pick(of), forMs: r.between(100, 4000) })],
    [18, weatherAction],
    [10, (r, of) => ({ do: "path", who: r.pick(of), forMs: r.between(100, 5000) })],
    [
      22,
      (r, of) => ({ do: "reload", who: r.pick(of), how: r.pick(["pagehide", "crash"]), awayMs: r.between(30, 1200) }),
    ],
    [10, (r, of) => ({ do: "lose", who: r.pick(of), probability: r.pick([0.1, 0.5, 1]), forMs: r.between(20, 600) })],
  ])(random, names);

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

const sourceAction: Draw = (random, names) => ({
  do: "source",
  who: random.pick(names),
  source: random.weighted([
    [5, "microphone"],
    [5, "camera"],
    [2, "screen"],
    [1, "screen-audio"],
  ] as const),
  intent: random.weighted([
    [5, "live"],
    [2, "muted"],
    [2, "unpublished"],
  ] as const),
});

const moderateAction: Draw = (random, names) => {
  const [who = "anna", ...others] = names;
  const whom = random.pick(others);
  const kind = random.weighted([
    [3, "mute-other"],
    [3, "allow-other"],
    [1, "remove-other"],
    [1, "role-other"],
  ] as const);
  if (kind === "remove-other") return { do: kind, who, whom };
  if (kind === "role-other") return { do: kind, who, whom, role: random.pick(["viewer", "speaker"] as const) };
  return { do: kind, who, whom, source: random.pick(["microphone", "camera"] as const) };
};

const ailmentAction: Draw = (random, names) =>
  random.weighted<Draw>([
    [4, (r) => ({ do: "afflict-forwarder", nth: r.between(0, 5), ailment: r.pick(AILMENTS) })],
    [
      3,
      (r, of) => ({ do: "afflict", who: r.pick(of), source: r.pick(["microphone", "camera"]), ailment: "republish" }),
    ],
    [1, (r, of) => ({ do: "swallow", who: r.pick(of) })],
  ])(random, names);

const AILMENTS = ["key-frame", "reset-forwarder", "renegotiate"] as const;

const callAction: Draw = (random, names) => {
  const who = random.pick(names);
  const others = [...names.filter((name) => name !== who), ...(random.happens(0.25) ? [SERVER_PEER_IDENTITY] : [])];
  const whom = random.pick(others);
  if (random.happens(0.4)) return { do: "hangup", who, whom };
  return { do: "call", who, whom, audio: true, video: random.happens(0.7) };
};
