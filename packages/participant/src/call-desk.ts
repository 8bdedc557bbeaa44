import { type Clock, createId, type Random } from "@lodeline/base";
import type { CallSent, ClientMessage, EndReason, Signal, Standing, Timers } from "@lodeline/protocol";
import type { SessionEvent } from "@lodeline/session";
import { CallTruth } from "./call-truth.ts";
import type { ParticipantEvents } from "./participant-events.ts";
import type { SessionKey } from "./ports.ts";
import type { Reception } from "./reception.ts";
import { type SessionLine, type SessionTable, viewOf } from "./session-table.ts";

/** What a call has. */
export interface CallOptions {
  readonly audio: boolean;
  readonly video: boolean;
}

/** What {@link CallDesk} needs. */
export interface CallDeskOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly name: string;
  readonly table: SessionTable;
  readonly reception: Reception;
  send(message: ClientMessage): void;
  emit<Name extends keyof ParticipantEvents>(name: Name, event: ParticipantEvents[Name]): void;
}

/** While the state is one of these, a call is under way. */
const UNDER_WAY: ReadonlySet<string> = new Set(["OutgoingInit", "IncomingInit", "Negotiating", "Active"]);

/** Idle lines are kept, because they know which late words belong to earlier calls. This many. */
const IDLE_LINES = 16;

/** Calls between identities, without a room: one line for each other identity. */
export class CallDesk implements Disposable {
  readonly #options: CallDeskOptions;
  /** What is known of the media of each call that has any. */
  readonly #truths = new Map<SessionKey, CallTruth>();

  constructor(options: CallDeskOptions) {
    this.#options = options;
  }

  call(identity: string, localId: string, options: CallOptions): SessionKey {
    const { table, random, name } = this.#options;
    this.#makeRoom();
    const line = table.line("call", identity, localId);
    // What a call has is said by the one who begins it. While one is under way this is no beginning: a ringing one is
    // accepted by it, any other stays as it is.
    if (!UNDER_WAY.has(line.running.state.kind)) Object.assign(line, { direction: "outgoing", ...options });
    line.running.feed({ kind: "call", session: createId(random, "s"), name, ...options });
    return line.key;
  }

  accept(key: SessionKey): void {
    this.#line(key)?.running.feed({ kind: "accept" });
  }

  reject(key: SessionKey, reason: EndReason): void {
    this.#line(key)?.running.feed({ kind: "reject", reason });
  }

  hangup(key: SessionKey, reason: EndReason): void {
    this.#line(key)?.running.feed({ kind: "end", reason });
  }

  /** Ends every call there is. */
  endAll(reason: EndReason): void {
    for (const line of this.#options.table.lines()) {
      if (line.use === "call") line.running.feed({ kind: "end", reason });
    }
  }

  /** A session wants to say something to its remote. */
  signal(line: SessionLine, signal: Signal): void {
    this.#options.send({ type: "signal", scope: "call", to: line.remote, signal });
  }

  /** A remote says something. */
  heard(from: string, localId: string, signal: Signal): void {
    const { table } = this.#options;
    const known = table.get(`call:${from}`);
    // Only a call opens a line: anything else from someone unknown belongs to a call that is long over.
    if (!known && signal.body.kind !== "call:init") return;
    if (!known) this.#makeRoom();
    const line = known ?? table.line("call", from, localId);
    if (signal.body.kind === "call:init") line.offered = { session: signal.session, ...signal.body };
    line.running.feed({ kind: "signal", signal });
  }

  sessionEvent(line: SessionLine, event: SessionEvent): void {
    if (event.kind === "incoming" || event.kind === "merged") {
      // Both called at once: the call that lives on is the lower identity's, with what that one wanted.
      if (line.offered?.session === event.session) {
        const { name, audio, video } = line.offered;
        Object.assign(line, { direction: "incoming", name, audio, video });
      }
    }
    if (event.kind === "incoming") {
      this.#options.emit("incoming", { call: viewOf(line) });
    } else if (event.kind === "media") {
      if (event.ready) this.#truthOf(line).begin();
    } else if (event.kind === "told") {
      this.#truthOf(line).feed({ kind: "told", body: event.body });
    } else if (event.kind === "interrupted" || event.kind === "recovered") {
      this.#truths.get(line.key)?.feed({ kind: "interrupted", interrupted: event.kind === "interrupted" });
    } else if (event.kind === "stateChanged" && (event.state === "Ending" || event.state === "Ended")) {
      this.#truths.get(line.key)?.[Symbol.dispose]();
      this.#truths.delete(line.key);
    }
  }

  /** What this end sends in a call, by what the edge sees and its person wants. */
  sends(key: SessionKey, sends: readonly CallSent[]): void {
    this.#truths.get(key)?.feed({ kind: "sends", sends });
  }

  /** What is known of the media of a call; undefined where there is none. */
  truth(key: SessionKey): CallTruth | undefined {
    return this.#truths.get(key);
  }

  /** Whether a publication is heard or seen. @returns Whether it is a call's, which then sees to it itself. */
  standing(publication: string, standing: Standing | undefined): boolean {
    for (const truth of this.#truths.values()) if (truth.standing(publication, standing)) return true;
    return false;
  }

  #line(key: SessionKey): SessionLine | undefined {
    const line = this.#options.table.get(key);
    return line?.use === "call" ? line : undefined;
  }

  #truthOf(line: SessionLine): CallTruth {
    const known = this.#truths.get(line.key);
    if (known) return known;
    const { clock, timers, reception, emit } = this.#options;
    const changed = () => emit("changed", { what: "call" });
    const made = new CallTruth({ clock, timers, reception, line, changed });
    this.#truths.set(line.key, made);
    return made;
  }

  [Symbol.dispose](): void {
    for (const truth of this.#truths.values()) truth[Symbol.dispose]();
    this.#truths.clear();
  }

  #makeRoom(): void {
    const { table } = this.#options;
    const idle = table.lines().filter((line) => line.use === "call" && line.running.state.kind === "Idle");
    for (const line of idle.slice(0, Math.max(0, idle.length - IDLE_LINES + 1))) table.drop(line.key);
  }
}
