import { type Clock, drive, type Running } from "@lodeline/base";
import { type Offer, parsePublicationId, type Signal, type Timers } from "@lodeline/protocol";
import {
  createPeerSession,
  type SessionEffect,
  type SessionEvent,
  type SessionInput,
  type SessionState,
} from "@lodeline/session";
import type { SessionView } from "./participant-events.ts";
import type { PeerDriver, PeerEffect, PeerPort, SessionKey, SessionUse } from "./ports.ts";

/** Whom a {@link SessionTable} tells. */
export interface SessionTableListener {
  /** A session begins to touch the world: it has new sections. */
  opened(line: SessionLine): void;
  /** An offer, of either end, says what is sent on which section. */
  offered(line: SessionLine, sends: Offer["sends"]): void;
  /** Send this to the remote of `line`. */
  signal(line: SessionLine, signal: Signal): void;
  event(line: SessionLine, event: SessionEvent): void;
  /** The transport of a session has changed. */
  transport(line: SessionLine): void;
}

/** What a {@link SessionTable} needs. */
export interface SessionTableOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly dataChannel: boolean;
  /** Which uses open and release devices within their own plans. */
  readonly captures: Readonly<Record<SessionUse, boolean>>;
  readonly peers: PeerPort;
  readonly listener: SessionTableListener;
}

/** One remote and the machine that keeps its sessions, one after another. */
export interface SessionLine {
  readonly key: SessionKey;
  readonly use: SessionUse;
  readonly remote: string;
  readonly running: Running<SessionState, SessionInput>;
  /** The driver of each session that is not over; at most two while one gives way to the next. */
  readonly drivers: Map<string, PeerDriver>;
  /** Sessions that are over and whose driver still owes the answer of a step. */
  readonly owing: Set<string>;
  /** Of a call: what it has, who began it, and the caller's name. */
  audio: boolean;
  video: boolean;
  direction: "outgoing" | "incoming" | undefined;
  name: string | undefined;
  /** What the last `call:init` of the remote said. */
  offered:
    | { readonly session: string; readonly name: string; readonly audio: boolean; readonly video: boolean }
    | undefined;
}

/** All sessions of one participant: makes machines, runs them, gives each session its driver, and closes both. */
export class SessionTable implements Disposable {
  readonly #options: SessionTableOptions;
  readonly #lines = new Map<SessionKey, SessionLine>();

  constructor(options: SessionTableOptions) {
    this.#options = options;
  }

  get(key: SessionKey): SessionLine | undefined {
    return this.#lines.get(key);
  }

  /** Every line there is, also those that are idle. */
  lines(): SessionLine[] {
    return [...this.#lines.values()];
  }

  /** Whether a session of any line is under way. */
  get busy(): boolean {
    for (const line of this.#lines.values()) if (line.running.state.kind !== "Idle") return true;
    return false;
  }

  /** The line to a remote, made when there is none. */
  line(use: SessionUse, remote: string, localId: string): SessionLine {
    const key = keyOf(use, remote);
    const known = this.#lines.get(key);
    if (known) return known;
    const { clock, timers, dataChannel, captures } = this.#options;
    const machine = createPeerSession({ localId, remoteId: remote, use, timers, dataChannel, captures: captures[use] });
    const running = drive(machine, { clock, perform: (effect) => this.#perform(line, effect) });
    const line: SessionLine = {
      key,
      use,
      remote,
      running,
      drivers: new Map(),
      owing: new Set(),
      audio: true,
      video: true,
      direction: undefined,
      name: undefined,
      offered: undefined,
    };
    this.#lines.set(key, line);
    return line;
  }

  /** Drops a line now: its machine stops where it is, its drivers are closed. */
  drop(key: SessionKey): void {
    const line = this.#lines.get(key);
    if (!line) return;
    this.#lines.delete(key);
    line.running[Symbol.dispose]();
    for (const driver of line.drivers.values()) driver.close();
    line.drivers.clear();
  }

  /** Drops every line of a use that has no session any more. */
  dropIdle(use: SessionUse): void {
    for (const line of this.lines()) if (line.use === use && line.running.state.kind === "Idle") this.drop(line.key);
  }

  [Symbol.dispose](): void {
    for (const line of this.lines()) this.drop(line.key);
  }

  #perform(line: SessionLine, effect: SessionEffect): void {
    const { listener } = this.#options;
    if (effect.kind === "send") {
      const { body } = effect.signal;
      if (body.kind === "offer") listener.offered(line, body.offer.sends);
      listener.signal(line, effect.signal);
    } else if (effect.kind === "emit") {
      this.#emit(line, effect.event);
    } else {
      if (effect.kind === "apply-offer") listener.offered(line, effect.offer.sends);
      this.#driver(line, effect).perform(effect);
    }
  }

  #emit(line: SessionLine, event: SessionEvent): void {
    if (event.kind === "ended") {
      // A step that had not answered in time may still do so, and is taken back then: its driver is kept until it has.
      if (owesSteps(event)) line.owing.add(event.session);
      else this.#closeDriver(line, event.session);
    }
    if (event.kind === "released-late") this.#closeDriver(line, event.session);
    this.#options.listener.event(line, event);
  }

  #driver(line: SessionLine, effect: PeerEffect): PeerDriver {
    const { session } = effect;
    const known = line.drivers.get(session);
    if (known) return known;
    const { key, use, remote, audio, video } = line;
    const driver: PeerDriver = this.#options.peers.open({ key, session, use, remote, audio, video }, (input) => {
      if (line.drivers.get(session) !== driver) return;
      line.running.feed(input);
      if (input.kind === "transport") this.#options.listener.transport(line);
      // A late failure has opened nothing that would have to be taken back: it was the answer that was owed.
      if (input.kind === "step-failed" && line.owing.has(session)) this.#closeDriver(line, session);
    });
    line.drivers.set(session, driver);
    this.#options.listener.opened(line);
    return driver;
  }

  #closeDriver(line: SessionLine, session: string): void {
    const driver = line.drivers.get(session);
    line.drivers.delete(session);
    line.owing.delete(session);
    driver?.close();
  }
}

/** The key of the line to a remote. */
export function keyOf(use: SessionUse, remote: string): SessionKey {
  return use === "sfu" ? "sfu" : `${use}:${remote}`;
}

/** The id of the session a state is about; undefined when idle. */
export function sessionIdOf(state: SessionState): string | undefined {
  return state.kind === "Idle" ? undefined : state.session;
}

/** Whether a publication belongs to a call: its owner is an identity, not a participant of the room. */
export function isOfCall(table: SessionTable, publication: string): boolean {
  const owner = parsePublicationId(publication)?.participant;
  return owner !== undefined && table.get(`call:${owner}`) !== undefined;
}

/** A line as the app sees it. */
export function viewOf(line: SessionLine): SessionView {
  const { key, use, remote, name, direction, audio, video } = line;
  return { key, use, remote, name, direction, audio, video, state: line.running.state };
}

/** Whether a step had not answered at the end: named in `left` by itself, where things are named `kind:id`. */
function owesSteps(event: Extract<SessionEvent, { kind: "ended" }>): boolean {
  return event.receipt.left.some((name) => !name.includes(":"));
}
