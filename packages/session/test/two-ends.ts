import { LodelineError, type Random, seededRandom, unit } from "@lodeline/base";
import { DEFAULT_TIMERS, type Signal } from "@lodeline/protocol";
import {
  createPeerSession,
  isLegal,
  labelOf,
  type Owned,
  type PlanStep,
  type SessionEffect,
  type SessionEvent,
  type SessionInput,
  type SessionOptions,
  type SessionState,
} from "@lodeline/session";

/** How hostile one run is. Shares are 0 to 1. */
export interface Weather {
  readonly lost: number;
  readonly doubled: number;
  /** Longest delay of a signal, ms; each has its own, so they overtake each other. */
  readonly delayMs: number;
  /** Whether signals keep their order, as over a link. */
  readonly ordered: boolean;
  readonly stepFails: number;
  readonly deviceRefused: number;
  readonly descriptionFails: number;
  readonly cuts: number;
}

export const CALM: Weather = {
  lost: 0,
  doubled: 0,
  delayMs: 40,
  ordered: true,
  stepFails: 0,
  deviceRefused: 0,
  descriptionFails: 0,
  cuts: 0,
};

/** What an end was seen to do. */
export interface Seen {
  readonly events: SessionEvent[];
  /** The states it left behind, with the time. */
  readonly path: { readonly kind: SessionState["kind"]; readonly atMs: number }[];
  readonly sent: Signal[];
}

type Name = "ann" | "bob";

interface Connection {
  alive: boolean;
  epoch: number;
  connected: boolean;
}

const OPENS: Partial<Record<PlanStep, Owned["kind"]>> = {
  "create-connection": "connection",
  "open-devices": "device",
  "create-source": "source",
  "create-stream": "stream",
  "add-tracks": "track",
  "open-channel": "channel",
};

/** What a stop step gives back. */
const CLOSES: Partial<Record<PlanStep, Owned>> = {
  "disable-tracks": { kind: "track", id: "0", state: "ended" },
  "wait-source-stopped": { kind: "source", id: "0", state: "stopped" },
  "release-device": { kind: "device", id: "0", state: "released" },
  "drop-stream": { kind: "stream", id: "0", state: "dropped" },
  "close-channel": { kind: "channel", id: "0", state: "closed" },
  "close-connection": { kind: "connection", id: "0", state: "closed" },
};

const FINAL: Readonly<Record<Owned["kind"], string>> = {
  track: "ended",
  device: "released",
  source: "stopped",
  stream: "dropped",
  channel: "closed",
  connection: "closed",
  timer: "cleared",
  socket: "closed",
};

const FIRST: Readonly<Record<Owned["kind"], string>> = {
  track: "live",
  device: "held",
  source: "capturing",
  stream: "held",
  channel: "open",
  connection: "new",
  timer: "armed",
  socket: "open",
};

/** Two machines, a signal channel between them and a small world at each end, all in virtual time and seeded. */
export class TwoEnds {
  readonly seen: Readonly<Record<Name, Seen>> = {
    ann: { events: [], path: [], sent: [] },
    bob: { events: [], path: [], sent: [] },
  };
  /** What is open at each end, as `session/kind`. */
  readonly open: Readonly<Record<Name, Set<string>>> = { ann: new Set(), bob: new Set() };
  readonly illegal: string[] = [];
  readonly offers = new Map<string, Set<unknown>>();
  readonly states: Record<Name, SessionState>;
  now = 0;
  readonly #machines;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #queue: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];
  readonly #armed: Record<Name, number | undefined> = { ann: undefined, bob: undefined };
  readonly #connections = new Map<string, Connection>();
  readonly #lastArrival: Record<Name, number> = { ann: 0, bob: 0 };
  #order = 0;

  constructor(seed: number, weather: Weather, options: Partial<SessionOptions> = {}) {
    this.#random = seededRandom(seed);
    this.#weather = weather;
    const shared = { use: "call", timers: DEFAULT_TIMERS, dataChannel: true, ...options } as const;
    this.#machines = {
      ann: createPeerSession({ ...shared, localId: "ann", remoteId: "bob" }),
      bob: createPeerSession({ ...shared, localId: "bob", remoteId: "ann" }),
    };
    this.states = { ann: this.#machines.ann.initial, bob: this.#machines.bob.initial };
  }

  /** A number from 0 to `below`, exclusive. */
  chance(below: number): number {
    return unit(this.#random) * below;
  }

  at(at: number, run: () => void): void {
    push(this.#queue, { at, order: this.#order++, run });
  }

  /** Runs until virtual `until`, or until nothing is left. */
  runUntil(until: number): void {
    for (let next = this.#queue[0]; next && next.at <= until; next = this.#queue[0]) {
      pop(this.#queue);
      this.now = Math.max(this.now, next.at);
      next.run();
    }
    this.now = until;
  }

  feed(name: Name, input: SessionInput | { readonly kind: "tick" }): void {
    const machine = this.#machines[name];
    const previous = this.states[name];
    const { state, effects } = machine.step(previous, input, this.now);
    this.states[name] = state;
    if (!isLegal(previous.kind, labelOf(input), state.kind)) {
      this.illegal.push(`${name}: ${previous.kind} -${labelOf(input)}-> ${state.kind}`);
    }
    if (previous.kind !== state.kind) this.seen[name].path.push({ kind: state.kind, atMs: this.now });
    this.#arm(name);
    for (const effect of effects) this.#perform(name, effect);
  }

  #arm(name: Name): void {
    const due = this.#machines[name].deadline(this.states[name]);
    if (due === this.#armed[name]) return;
    this.#armed[name] = due;
    if (due === undefined) return;
    this.at(Math.max(due, this.now), () => {
      if (this.#armed[name] !== due) return;
      this.#armed[name] = undefined;
      this.feed(name, { kind: "tick" });
    });
  }

  #later(name: Name, maxMs: number, input: SessionInput): void {
    this.at(this.now + this.chance(maxMs), () => this.feed(name, input));
  }

  #perform(name: Name, effect: SessionEffect): void {
    switch (effect.kind) {
      case "send":
        return this.#send(name, effect.signal);
      case "emit":
        this.seen[name].events.push(effect.event);
        return;
      case "run":
        return this.#run(name, effect.session, effect.plan, effect.step);
      case "undo":
        return this.#undo(name, effect.session, effect.step);
      case "create-offer":
      case "apply-offer":
      case "apply-answer":
        return this.#describe(name, effect);
      case "add-candidate":
        if (this.#connection(name, effect.session).epoch < effect.epoch) {
          this.illegal.push(`${name}: candidate of ${effect.epoch} added before its description`);
        }
    }
  }

  #send(name: Name, signal: Signal): void {
    this.seen[name].sent.push(signal);
    if (signal.body.kind === "offer") {
      const key = `${signal.session}/${signal.epoch}`;
      // One that is said again is the same offer.
      this.offers.set(key, (this.offers.get(key) ?? new Set()).add(signal.body.offer));
    }
    const to = other(name);
    const { lost, doubled, delayMs, ordered } = this.#weather;
    const times = this.chance(1) < lost ? 0 : this.chance(1) < doubled ? 2 : 1;
    for (let i = 0; i < times; i++) {
      let at = this.now + this.chance(delayMs);
      if (ordered) at = Math.max(at, this.#lastArrival[to]);
      this.#lastArrival[to] = Math.max(this.#lastArrival[to], at);
      this.at(at, () => this.feed(to, { kind: "signal", signal }));
    }
  }

  #run(name: Name, session: string, plan: "start" | "stop", step: PlanStep): void {
    if (step === "enable-tracks" && this.states[name].kind !== "Active") {
      this.illegal.push(`${name}: tracks enabled in ${this.states[name].kind}`);
    }
    const device = step === "open-devices";
    const fails = plan === "start" && this.chance(1) < (device ? this.#weather.deviceRefused : this.#weather.stepFails);
    // A permission prompt takes a person's time, now and then longer than any deadline.
    const delayMs = device && this.chance(1) < 0.1 ? 20_000 : 30;
    this.at(this.now + this.chance(delayMs), () => {
      if (fails) {
        const error = new LodelineError(device ? "device/denied" : "session/plan-failed");
        return this.feed(name, { kind: "step-failed", session, plan, step, error, fatal: !device });
      }
      const value = plan === "start" ? this.#opens(name, session, step) : this.#closes(name, session, CLOSES[step]);
      this.feed(name, { kind: "step-done", session, plan, step, value });
    });
  }

  #undo(name: Name, session: string, step: PlanStep): void {
    const kind = OPENS[step];
    this.at(this.now + this.chance(20), () => {
      const thing = kind && ({ kind, id: "0", state: FINAL[kind] } as Owned);
      const value = this.#closes(name, session, thing);
      this.feed(name, { kind: "step-done", session, plan: "undo", step, value });
    });
  }

  #opens(name: Name, session: string, step: PlanStep) {
    const kind = OPENS[step];
    if (!kind) return undefined;
    this.open[name].add(`${session}/${kind}`);
    if (kind === "connection") this.#connection(name, session).alive = true;
    return { owned: [{ kind, id: "0", state: FIRST[kind] } as Owned] };
  }

  #closes(name: Name, session: string, thing: Owned | undefined) {
    if (!thing) return undefined;
    this.open[name].delete(`${session}/${thing.kind}`);
    if (thing.kind === "connection") this.#hangUp(name, session);
    return { owned: [thing] };
  }

  #connection(name: Name, session: string): Connection {
    const key = `${name}/${session}`;
    const found = this.#connections.get(key) ?? { alive: false, epoch: 0, connected: false };
    this.#connections.set(key, found);
    return found;
  }

  #describe(name: Name, effect: Extract<SessionEffect, { kind: "create-offer" | "apply-offer" | "apply-answer" }>) {
    const { session, epoch } = effect;
    this.at(this.now + this.chance(30), () => {
      if (this.chance(1) < this.#weather.descriptionFails) {
        const error = new LodelineError("sdp/unusable", { field: "sdp:3" });
        return this.feed(name, { kind: "description-failed", session, epoch, error });
      }
      const sdp = `v=0\r\na=ice-ufrag:${name}${epoch}\r\n`;
      if (effect.kind === "create-offer") {
        this.feed(name, { kind: "offer-created", session, epoch, offer: { sdp, sends: [], receives: [] } });
      } else {
        this.#connection(name, session).epoch = epoch;
        this.feed(
          name,
          effect.kind === "apply-offer"
            ? { kind: "answer-created", session, epoch, sdp }
            : { kind: "answer-applied", session, epoch },
        );
        this.#connect(session);
      }
      if (effect.kind !== "apply-answer") this.#gather(name, session, epoch);
    });
  }

  #gather(name: Name, session: string, epoch: number): void {
    for (let i = 0; i < 3; i++) {
      const candidate = {
        candidate: `candidate:${i}`,
        sdpMid: "0",
        sdpMLineIndex: 0,
        usernameFragment: `${name}${epoch}`,
      };
      this.#later(name, 60, { kind: "local-candidate", session, epoch, candidate });
    }
  }

  /** ICE and DTLS come up where both ends have settled the same epoch; they may be cut later. */
  #connect(session: string): void {
    const ann = this.#connection("ann", session);
    const bob = this.#connection("bob", session);
    if (!ann.alive || !bob.alive || ann.epoch !== bob.epoch || ann.connected) return;
    this.at(this.now + this.chance(50), () => {
      if (!ann.alive || !bob.alive || ann.epoch !== bob.epoch) return;
      this.#transport(session, "connected");
      if (this.chance(1) >= this.#weather.cuts) return;
      this.at(this.now + this.chance(20_000), () => {
        if (ann.alive && bob.alive && ann.connected) this.#transport(session, "disconnected");
      });
    });
  }

  #transport(session: string, connection: "connected" | "disconnected"): void {
    for (const name of ["ann", "bob"] as const) {
      const mine = this.#connection(name, session);
      if (!mine.alive) continue;
      mine.connected = connection === "connected";
      this.#later(name, 20, { kind: "transport", session, connection });
    }
  }

  #hangUp(name: Name, session: string): void {
    const mine = this.#connection(name, session);
    mine.alive = false;
    mine.connected = false;
    const theirs = this.#connection(other(name), session);
    if (!theirs.connected) return;
    theirs.connected = false;
    this.#later(other(name), 5000, { kind: "transport", session, connection: "disconnected" });
  }
}

export function other(name: Name): Name {
  return name === "ann" ? "bob" : "ann";
}

interface Entry {
  readonly at: number;
  readonly order: number;
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push<T extends Entry>(heap: T[], entry: T): void {
  let at = heap.push(entry) - 1;
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up] as T;
    if (!before(entry, parent)) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = entry;
}

function pop<T extends Entry>(heap: T[]): void {
  const last = heap.pop() as T;
  if (heap.length === 0) return;
  let at = 0;
  for (let child = 1; child < heap.length; child = 2 * at + 1) {
    if (child + 1 < heap.length && before(heap[child + 1] as T, heap[child] as T)) child += 1;
    if (!before(heap[child] as T, last)) break;
    heap[at] = heap[child] as T;
    at = child;
  }
  heap[at] = last;
}
