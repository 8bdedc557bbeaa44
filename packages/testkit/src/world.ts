import { type Hub, MemoryStore, type MemoryStoreOptions } from "@lodeline/hub";
import { type Participant, type ParticipantEvents, type SessionKey, sessionIdOf } from "@lodeline/participant";
import { DEFAULT_TIMERS, type Standing, type Timers, type Topology } from "@lodeline/protocol";
import { STANDING_EDGES } from "@lodeline/room";
import { SESSION_EDGES, type SessionEvent } from "@lodeline/session";
import { type Chance, chance } from "./chance.ts";
import { type DeviceMood, FakeDevices } from "./fake-devices.ts";
import { SERVER_ENDPOINT } from "./fake-media-engine.ts";
import { MediaPlane } from "./media-plane.ts";
import { MUTATIONS, type Mutation } from "./mutations.ts";
import { SimulatedNetwork } from "./simulated-network.ts";
import { SimulatedPerson } from "./simulated-person.ts";
import { SimulatedServer } from "./simulated-server.ts";
import { summarize } from "./trace.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** What a {@link World} is made with. */
export interface WorldOptions {
  readonly seed: number;
  readonly topology: Topology;
  /** Default: `DEFAULT_TIMERS`. */
  readonly timers?: Partial<Timers> | undefined;
  /** Whether to keep a trace. It costs more than the run itself. Default false. */
  readonly trace?: boolean | undefined;
  /** How what the server keeps for its next process is kept; absent: nothing is. */
  readonly keeps?: MemoryStoreOptions | undefined;
  /** Something to break on purpose. */
  readonly mutation?: Mutation | undefined;
}

/** How to make a person. */
export interface PersonOptions {
  readonly role?: "speaker" | "moderator" | "viewer" | undefined;
  readonly camera?: DeviceMood | undefined;
  readonly microphone?: DeviceMood | undefined;
  /** Receive slots of each kind in the first offer. Default 3. */
  readonly slots?: number | undefined;
  /** How often media is looked at, ms. Default 400. */
  readonly pollMs?: number | undefined;
  /** Whether sessions of a room run the capture steps of their plans. Default true, as the browser SDK has it. */
  readonly captures?: boolean | undefined;
  /** Probability that a step of a plan fails. Default 0. */
  readonly stepFailure?: number | undefined;
  /** What a call that comes in is answered with, and after how long. Default: nothing. */
  readonly answers?: { readonly with: "accept" | "reject"; readonly afterMs: number } | undefined;
}

/**
 * A server, a network, a media plane and some people, all in one virtual time, watched by an observer that knows which
 * transitions are legal.
 */
export class World implements Disposable {
  readonly clock = new VirtualClock();
  readonly chance: Chance;
  readonly network: SimulatedNetwork;
  readonly plane: MediaPlane;
  readonly server: SimulatedServer;
  readonly people: SimulatedPerson[] = [];
  readonly timers: Timers;
  /** What must not happen, with the time at which it did. */
  readonly violations: string[] = [];
  readonly trace: string[] = [];
  /** Replay steps by name: what was repaired, and nothing else. */
  readonly replays = new Map<string, number>();
  /** Until when something that was begun is still to be undone: a reload, an absence, a broken path. */
  busyUntilMs = 0;
  readonly #options: WorldOptions;
  readonly #standings = new Map<string, Standing>();

  constructor(options: WorldOptions) {
    this.#options = options;
    this.chance = chance(options.seed);
    this.timers = { ...DEFAULT_TIMERS, ...options.timers };
    const { clock } = this;
    const violation = (text: string) => this.violation(text);
    this.plane = new MediaPlane({
      clock,
      chance: this.chance.fork("plane"),
      violation,
      onState: (connection) => this.note(connection.endpoint, () => `${connection.id} ${connection.state}`),
    });
    this.server = new SimulatedServer({
      clock,
      chance: this.chance.fork("server"),
      plane: this.plane,
      timers: this.timers,
      topology: options.topology,
      onOperation: options.trace ? (op) => this.note("media", () => brief(op)) : undefined,
      onHub: (hub) => this.#watchHub(hub),
      store: options.keeps ? () => new MemoryStore(options.keeps) : undefined,
      violation,
    });
    this.network = new SimulatedNetwork({
      clock,
      chance: this.chance.fork("network"),
      accept: (_host, socket) => this.server.accept(socket),
      onFrame: options.trace ? (direction, host, text) => this.#noteFrame(direction, host, text) : undefined,
    });
    if (options.mutation) MUTATIONS[options.mutation].break(this);
  }

  /** Something to break on purpose, if anything. */
  get mutation(): Mutation | undefined {
    return this.#options.mutation;
  }

  /** Makes a person; the page is not open yet. */
  person(identity: string, options: PersonOptions = {}): SimulatedPerson {
    const { clock, plane, network, timers } = this;
    const own = this.chance.fork(identity);
    const devices = new FakeDevices({
      clock,
      chance: own.fork("devices"),
      camera: options.camera ?? "ready",
      microphone: options.microphone ?? "ready",
    });
    const failing = own.fork("failing");
    const { stepFailure = 0, answers } = options;
    const mutation = this.mutation && MUTATIONS[this.mutation];
    const person: SimulatedPerson = new SimulatedPerson({
      clock,
      chance: own,
      plane,
      devices,
      timers,
      identity,
      token: `${identity}/${options.role ?? "speaker"}`,
      socket: { open: (handlers) => network.open(identity, handlers) },
      slots: options.slots ?? 3,
      pollMs: options.pollMs ?? 400,
      captures: options.captures ?? true,
      event: (name, event) => {
        this.#watch(person, name, event);
        if (name === "incoming" && answers)
          this.#answer(person, (event as ParticipantEvents["incoming"]).call.key, answers);
      },
      violation: (text) => this.violation(text),
      fails: stepFailure > 0 ? () => failing.happens(stepFailure) : undefined,
      tamper: mutation?.tamper,
      counts: mutation?.counts,
    });
    if (mutation?.leaksDevices) devices.release = (_kind, _holder, done) => void clock.at(clock.now() + 1, done);
    this.people.push(person);
    return person;
  }

  /** The server's process dies at once: its sockets break, its media is gone, what it had not kept is lost. */
  killServer(): void {
    this.note("server", () => "killed");
    this.server.kill();
    this.network.setServerDown(true);
    this.plane.vanish(SERVER_ENDPOINT);
  }

  /** Another process of the server begins, with what the last one has kept. */
  startServer(): void {
    this.network.setServerDown(false);
    this.server.restart();
    this.note("server", () => "started");
  }

  /** Notes what must not happen. */
  violation(text: string): void {
    this.violations.push(`${time(this.clock.now())} ${text}`);
    this.note("!", () => text);
  }

  /** Adds a line to the trace, if one is kept. */
  note(who: string, what: () => string): void {
    if (this.#options.trace) this.trace.push(`${time(this.clock.now())} ${who.padEnd(8)} ${what()}`);
  }

  [Symbol.dispose](): void {
    for (const person of this.people) person.vanish("crash");
    this.server[Symbol.dispose]();
  }

  #answer(person: SimulatedPerson, key: SessionKey, answers: NonNullable<PersonOptions["answers"]>): void {
    const { participant } = person;
    this.clock.at(this.clock.now() + answers.afterMs, () => {
      if (participant !== person.participant) return;
      if (answers.with === "accept") participant?.accept(key);
      else participant?.reject(key);
    });
  }

  #noteFrame(direction: "to-server" | "to-client", host: string, text: string): void {
    this.note(host, () => `${direction === "to-server" ? "->" : "<-"} ${summarize(text)}`);
  }

  #watch<Name extends keyof ParticipantEvents>(
    person: SimulatedPerson,
    name: Name,
    event: ParticipantEvents[Name],
  ): void {
    if (name === "session") {
      const { key, event: of } = event as ParticipantEvents["session"];
      this.#watchSession(`${person.identity} ${key}`, of);
    } else if (name === "standing") {
      const { publication, standing } = event as ParticipantEvents["standing"];
      this.#watchStanding(`${person.identity}.${person.page} ${publication}`, standing);
      this.note(person.identity, () => `standing ${publication} ${standing}`);
    } else if (name !== "slots") {
      this.note(person.identity, () => `${name} ${brief(event)}`);
    }
  }

  #watchSession(who: string, event: SessionEvent): void {
    if (event.kind === "stateChanged") {
      this.#checkEdge(who, event.previous, event.state);
      this.note(who, () => `${event.session} ${event.previous} -> ${event.state} (${event.reason})`);
    } else if (event.kind === "ended" && !event.receipt.clean) {
      this.note(who, () => `receipt not clean: ${event.receipt.left.join(" ")}`);
    } else if (event.kind !== "step") {
      this.note(who, () => brief(event));
    }
  }

  #checkEdge(who: string, previous: string, state: string): void {
    const edges: Partial<Record<string, readonly string[]>> =
      SESSION_EDGES[previous as keyof typeof SESSION_EDGES] ?? {};
    const legal = Object.values(edges).some((to) => to?.includes(state));
    if (!legal) this.violation(`illegal transition of ${who}: ${previous} -> ${state}`);
  }

  #watchStanding(row: string, standing: Standing): void {
    const before = this.#standings.get(row) ?? "off";
    this.#standings.set(row, standing);
    if (before !== standing && !STANDING_EDGES[before].includes(standing)) {
      this.violation(`illegal standing of ${row}: ${before} -> ${standing}`);
    }
  }

  #watchHub(hub: Hub): void {
    hub.on("session", (event) => this.#checkEdge(`server ${event.session}`, event.previous, event.state));
    hub.on("replay", ({ subscription, step, why }) => {
      this.replays.set(step, (this.replays.get(step) ?? 0) + 1);
      this.note("server", () => `replay ${step} for ${subscription}: ${why}`);
    });
    if (!this.#options.trace) return;
    for (const name of ["link", "joined", "left", "refused", "call", "room"] as const) {
      hub.on(name, (event) => this.note("server", () => `${name} ${brief(event)}`));
    }
    hub.on("session", (event) => this.note("server", () => `session ${brief(event)}`));
  }
}

/** The id of the session under a key, if one is under way. */
export function sessionUnder(participant: Participant | undefined, key: SessionKey): string | undefined {
  const view = participant?.session(key);
  return view && sessionIdOf(view.state);
}

function time(ms: number): string {
  return ms.toFixed(0).padStart(6);
}

function brief(value: unknown): string {
  return JSON.stringify(value, (key, inner) => (key === "room" && typeof inner === "object" ? "…" : inner)).slice(
    0,
    220,
  );
}
