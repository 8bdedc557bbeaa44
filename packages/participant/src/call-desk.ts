import { createId, type Random } from "@lodeline/base";
import type { ClientMessage, EndReason, Signal } from "@lodeline/protocol";
import type { SessionEvent } from "@lodeline/session";
import type { ParticipantEvents } from "./participant-events.ts";
import type { SessionKey } from "./ports.ts";
import { callPublications, type Reception } from "./reception.ts";
import { type SessionLine, type SessionTable, viewOf } from "./session-table.ts";

/** What a call has. */
export interface CallOptions {
  readonly audio: boolean;
  readonly video: boolean;
}

/** What {@link CallDesk} needs. */
export interface CallDeskOptions {
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
export class CallDesk {
  readonly #options: CallDeskOptions;
  /** Whose calls are expected to be heard or seen: line by publication. */
  readonly #publications = new Map<string, SessionLine>();

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
      if (event.ready) this.#expect(line);
    } else if (event.kind === "stateChanged" && (event.state === "Ending" || event.state === "Ended")) {
      this.#forget(line);
    }
  }

  /** Whether a publication is a call's, and then: asks its session to repair itself. */
  requestReplay(publication: string, why: string): boolean {
    const line = this.#publications.get(publication);
    if (!line) return false;
    const { state } = line.running;
    // The first request asks for new descriptions, later ones for another path as well.
    const iceRestart = state.kind === "Active" && state.negotiation.epoch > 1;
    line.running.feed({ kind: "renegotiate", why, iceRestart });
    return true;
  }

  #line(key: SessionKey): SessionLine | undefined {
    const line = this.#options.table.get(key);
    return line?.use === "call" ? line : undefined;
  }

  #expect(line: SessionLine): void {
    for (const { publication, kind } of callPublications(line.remote, line.audio, line.video)) {
      this.#publications.set(publication, line);
      this.#options.reception.expect(publication, kind);
    }
  }

  #forget(line: SessionLine): void {
    for (const [publication, of] of [...this.#publications]) {
      if (of !== line) continue;
      this.#publications.delete(publication);
      this.#options.reception.forget(publication);
    }
  }

  #makeRoom(): void {
    const { table } = this.#options;
    const idle = table.lines().filter((line) => line.use === "call" && line.running.state.kind === "Idle");
    for (const line of idle.slice(0, Math.max(0, idle.length - IDLE_LINES + 1))) table.drop(line.key);
  }
}
