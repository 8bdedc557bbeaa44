import { type Participant, type ParticipantEvents, type SessionKey, sessionIdOf } from "@lodeline/participant";
import { DEFAULT_TIMERS, type Timers } from "@lodeline/protocol";
import { type Chance, chance } from "./chance.ts";
import { type DeadlineName, deadlineMs } from "./deadlines.ts";
import { DurableStore } from "./durable-store.ts";
import { FakeDevices } from "./fake-devices.ts";
import { SERVER_ENDPOINT } from "./fake-media-engine.ts";
import { MediaPlane } from "./media-plane.ts";
import { MUTATIONS, type Mutation } from "./mutations.ts";
import { Observer } from "./observer.ts";
import { PersonClock } from "./person-clock.ts";
import { LAST_WORDS, SimulatedNetwork } from "./simulated-network.ts";
import { SimulatedPerson } from "./simulated-person.ts";
import { SimulatedServer } from "./simulated-server.ts";
import { brief, summarize } from "./trace.ts";
import { VirtualClock } from "./virtual-clock.ts";
import type { PersonOptions, WorldOptions } from "./world-options.ts";

/**
 * A server, a network, a media plane and some people, all in one virtual time, watched by an observer that knows which
 * transitions are legal.
 */
export class World implements Disposable {
  readonly clock = new VirtualClock();
  readonly chance: Chance;
  readonly network: SimulatedNetwork;
  readonly plane: MediaPlane;
  /** The present process of the server; the last one, while it is down. */
  server: SimulatedServer;
  readonly people: SimulatedPerson[] = [];
  readonly timers: Timers;
  /** What must not happen, with the time at which it did. */
  readonly violations: string[] = [];
  readonly trace: string[] = [];
  /** Clocks of the pages that are frozen at times, by host. */
  readonly pages = new Map<string, PersonClock>();
  /** Replay steps by name: what was repaired, and nothing else. */
  readonly replays = new Map<string, number>();
  /** Until when something that was begun is still to be undone: a reload, an absence, a broken path. */
  busyUntilMs = 0;
  /** Waits that faults have set off and nobody can shorten, and until when. */
  readonly deadlines: { readonly name: DeadlineName; readonly untilMs: number }[] = [];
  /** Whether a server process runs. */
  isServing = true;
  /** Whether faults still happen. */
  isFaulty = true;
  /** By identity: tokens made until then, wall ms, have run out. */
  readonly expired = new Map<string, number>();
  /** When a page of somebody last vanished without a word, by identity. */
  readonly silentSince = new Map<string, number>();
  /** When a page of somebody last said goodbye, by identity. */
  readonly saidGoodbyeAt = new Map<string, number>();
  /** Hosts of pages that have left a room while their link was down, and have had none since. */
  readonly unheardLeaves = new Set<string>();
  /** How many copies of a call's question, or of its answer, vanished above the link, by session and negotiation. */
  readonly lostWords = new Map<string, number>();
  /** By host: places that pages held before a reload, or when a server with a disk died, and that they must have again. */
  readonly promisedPlaces = new Map<string, string>();
  /** Whether a process has died and left nothing behind. */
  hasForgotten = false;
  /** Until when the word that ends somebody's place may be on its way, ms. */
  placesInDoubtUntilMs = 0;
  /** The disk of the server, if it has one. */
  readonly store: DurableStore | undefined;
  #processes = 0;
  readonly #options: WorldOptions;
  readonly #observer: Observer;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.chance = chance(options.seed);
    this.timers = { ...DEFAULT_TIMERS, ...options.timers };
    const { clock } = this;
    const violation = (text: string) => this.violation(text);
    this.#observer = new Observer({
      violation,
      note: (who, what) => this.note(who, what),
      trace: options.trace ?? false,
      replays: this.replays,
      // While something is ill, a track that begins anew has its receipt window before anybody can say so; so has one whose
      // receiver was not heard of.
      pending: () => {
        if (!this.isFaulty && this.isAiling) this.await("receiptWindowMs");
      },
    });
    this.plane = new MediaPlane({
      clock,
      chance: this.chance.fork("plane"),
      violation,
      onState: (connection) => this.note(connection.endpoint, () => `${connection.id} ${connection.state}`),
    });
    this.store =
      options.storage &&
      new DurableStore({
        clock,
        chance: this.chance.fork("store"),
        ...options.storage,
        tamper: this.mutation && MUTATIONS[this.mutation].saves,
      });
    this.server = this.#makeServer();
    this.network = new SimulatedNetwork({
      clock,
      chance: this.chance.fork("network"),
      accept: (_host, socket) => (this.isServing ? this.server.accept(socket) : undefined),
      onDrop: (text) => {
        // The attempt has its time, and the next one the longest wait between two.
        if (GREETING.test(text)) {
          this.await("connectMs", this.timers.reconnectMaxMs);
          // Whoever greets in vain may be back after the grace of its goodbye.
          this.promisedPlaces.clear();
        }
        if (text === LAST_WORDS) this.await("leaseMs");
        // The gap ends its socket. A link that is ended over and over, as a crashing server would, waits before the next.
        this.await("reconnectMaxMs");
      },
      onFrame: options.trace ? (direction, host, text) => this.#noteFrame(direction, host, text) : undefined,
    });
    if (options.mutation) MUTATIONS[options.mutation].break(this);
  }

  /** At most so many in a room; undefined: the server's own limit. */
  get maxParticipants(): number | undefined {
    return this.#options.maxParticipants;
  }

  /** Something to break on purpose, if anything. */
  get mutation(): Mutation | undefined {
    return this.#options.mutation;
  }

  /** Makes a person on a host; the page is not open yet. */
  person(host: string, options: PersonOptions = {}): SimulatedPerson {
    const { plane, network, timers } = this;
    const { stepFailure = 0, answers, identity = host } = options;
    const own = this.chance.fork(host);
    const page = options.freezes ? new PersonClock(this.clock) : undefined;
    const clock = page ?? this.clock;
    const devices = new FakeDevices({
      clock,
      chance: own.fork("devices"),
      camera: options.camera ?? "ready",
      microphone: options.microphone ?? "ready",
      asking: (waitMs) => this.await("permission", waitMs),
    });
    const failing = own.fork("failing");
    const mutation = this.mutation && MUTATIONS[this.mutation];
    const person: SimulatedPerson = new SimulatedPerson({
      clock,
      run: page ? (fn) => page.run(fn) : (fn) => fn(),
      chance: own,
      plane,
      devices,
      timers,
      host,
      identity,
      token: `${identity}/${options.role ?? "speaker"}`,
      socket: { open: (handlers) => network.open(host, handlers) },
      slots: options.slots ?? 3,
      pollMs: options.pollMs ?? 400,
      captures: options.captures ?? true,
      stubborn: options.stubborn ?? mutation?.stubborn ?? false,
      event: (name, event) => {
        this.#observer.person(person, name, event);
        if (name === "incoming" && answers)
          this.#answer(person, (event as ParticipantEvents["incoming"]).call.key, answers);
      },
      violation: (text) => this.violation(text),
      fails: stepFailure > 0 ? () => this.isFaulty && failing.happens(stepFailure) : undefined,
      tamper: mutation?.tamper,
      counts: mutation?.counts,
    });
    if (mutation?.leaksDevices) devices.release = (_kind, _holder, done) => void clock.at(clock.now() + 1, done);
    this.people.push(person);
    if (page) this.pages.set(host, page);
    return person;
  }

  /** A wait that nobody can shorten begins now: quiet does not begin before it has passed. */
  await(name: DeadlineName, extraMs = 0): void {
    this.deadlines.push({ name, untilMs: this.clock.now() + extraMs + deadlineMs(name, this.timers) });
  }

  /** The server's process dies, at once and without a word; what it had saved is on its disk. */
  killServer(how: "loud" | "silent" = "loud"): void {
    if (!this.isServing) return;
    this.isServing = false;
    // A moderator's word may still be on its way, which takes a place after the restart.
    const inDoubt = this.server.hub.status().draining || this.clock.now() < this.placesInDoubtUntilMs;
    this.hasForgotten = !this.store;
    if (!this.store) this.promisedPlaces.clear();
    else if (!inDoubt) this.#promisePlaces();
    this.network.cutAll(how);
    this.store?.kill();
    this.server[Symbol.dispose]();
    this.plane.vanish(SERVER_ENDPOINT);
  }

  #promisePlaces(): void {
    for (const { host, participant, wanted } of this.people) {
      const isRunning = participant?.membership === "joined" && !this.pages.get(host)?.frozen;
      const place = isRunning && wanted ? participant.place : undefined;
      if (place) this.promisedPlaces.set(host, place.participant);
    }
  }

  /** A new process of the server begins with what the disk has. */
  startServer(): void {
    if (this.isServing) return;
    this.server = this.#makeServer();
    this.isServing = true;
    this.note("server", () => "serves");
  }

  /** Whether a track, a path or a forwarder is ill in a way that only a repair cures. */
  get isAiling(): boolean {
    return this.plane.ailing || this.server.media.ailing;
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
      else if (answers.with === "reject") participant?.reject(key);
      else if (answers.with === "busy") participant?.reject(key, "busy");
    });
  }

  #makeServer(): SimulatedServer {
    const { clock, plane, timers, store } = this;
    const { trace, topology, maxParticipants } = this.#options;
    const mutation = this.mutation && MUTATIONS[this.mutation];
    const first = this.#processes++ === 0;
    const server = new SimulatedServer({
      clock,
      chance: this.chance.fork(`server ${this.#processes}`),
      plane,
      timers: { ...timers, ...mutation?.serverTimers },
      topology,
      maxParticipants,
      store,
      restore: first ? undefined : store?.image(),
      expired: this.expired,
      onOperation: trace ? (op) => this.note("media", () => brief(op)) : undefined,
      onMedia: mutation?.admits,
      violation: (text) => this.violation(text),
    });
    this.#observer.server(server.hub);
    return server;
  }

  #noteFrame(direction: "to-server" | "to-client", host: string, text: string): void {
    this.note(host, () => `${direction === "to-server" ? "->" : "<-"} ${summarize(text)}`);
  }
}

/** The two frames whose loss nothing but a timeout tells. */
const GREETING = /^\{"kind":"(?:hello|welcome)"/;

/** The id of the session under a key, if one is under way. */
export function sessionUnder(participant: Participant | undefined, key: SessionKey): string | undefined {
  const view = participant?.session(key);
  return view && sessionIdOf(view.state);
}

function time(ms: number): string {
  return ms.toFixed(0).padStart(6);
}
