import { type Clock, drive, type Running } from "@lodeline/base";
import { SERVER_PEER_IDENTITY, type Signal, type Timers } from "@lodeline/protocol";
import {
  createPeerSession,
  type SessionEffect,
  type SessionEvent,
  type SessionInput,
  type SessionState,
} from "@lodeline/session";
import type { SessionObserver } from "./hub-types.ts";
import type { LinkHost } from "./link-host.ts";
import type { ServerPeerPort } from "./ports.ts";

/** What {@link ServerPeerCalls} needs of the hub. */
export interface ServerPeerCallsOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly port: ServerPeerPort;
  readonly observe?: SessionObserver | undefined;
  /** To the caller, from the server peer. */
  send(caller: LinkHost, signal: Signal): void;
  event(event: SessionEvent): void;
  /** A call is over, its media torn down. */
  over(session: string): void;
}

interface ServerCall {
  readonly caller: LinkHost;
  readonly running: Running<SessionState, SessionInput>;
}

/** The calls to the peer that lives on the server: one session each, which accepts by itself. */
export class ServerPeerCalls {
  readonly #options: ServerPeerCallsOptions;
  readonly #calls = new Map<string, ServerCall>();

  constructor(options: ServerPeerCallsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#calls.size;
  }

  has(session: string): boolean {
    return this.#calls.has(session);
  }

  sessions(): readonly string[] {
    return [...this.#calls.keys()];
  }

  /** Who makes a call; `undefined` when there is no such call. */
  callerOf(session: string): LinkHost | undefined {
    return this.#calls.get(session)?.caller;
  }

  /** How many calls this link has with the server peer. */
  countOf(caller: LinkHost): number {
    let count = 0;
    for (const call of this.#calls.values()) if (call.caller === caller) count += 1;
    return count;
  }

  /** Begins a call with its `call:init`. */
  begin(caller: LinkHost, signal: Signal): void {
    const { clock, timers, port, observe } = this.#options;
    const { session } = signal;
    const machine = createPeerSession({
      localId: SERVER_PEER_IDENTITY,
      remoteId: caller.identity,
      use: "call",
      timers,
      dataChannel: true,
      captures: false,
    });
    const running = drive(machine, {
      clock,
      perform: (effect: SessionEffect, feed) => this.#perform(session, caller, effect, feed),
      observe: observe && ((previous, input, next) => observe(session, previous, input, next)),
    });
    this.#calls.set(session, { caller, running });
    port.open(session, (input) => this.#calls.get(session)?.running.feed(input));
    running.feed({ kind: "signal", signal });
  }

  /** Something the caller says in a running call. One that another link says is dropped. */
  signal(caller: LinkHost, signal: Signal): void {
    const call = this.#calls.get(signal.session);
    if (call?.caller === caller) call.running.feed({ kind: "signal", signal });
  }

  /** Ends every call of one link, or all. */
  end(caller: LinkHost | undefined, reason: Extract<SessionInput, { kind: "end" }>["reason"]): void {
    for (const call of [...this.#calls.values()]) {
      if (caller === undefined || call.caller === caller) call.running.feed({ kind: "end", reason });
    }
  }

  /** Disarms every timer; for a hub that is dropped. */
  dispose(): void {
    for (const { running } of this.#calls.values()) running[Symbol.dispose]();
    this.#calls.clear();
  }

  #perform(session: string, caller: LinkHost, effect: SessionEffect, feed: (input: SessionInput) => void): void {
    if (effect.kind === "send") return this.#options.send(caller, effect.signal);
    if (effect.kind !== "emit") return this.#options.port.perform(session, effect);
    const { event } = effect;
    this.#options.event(event);
    if (event.kind === "incoming") feed({ kind: "accept" });
    if (event.kind === "ended" && event.session === session) this.#over(session);
  }

  #over(session: string): void {
    const call = this.#calls.get(session);
    if (!call) return;
    this.#calls.delete(session);
    this.#options.port.close(session);
    call.running[Symbol.dispose]();
    this.#options.over(session);
  }
}
