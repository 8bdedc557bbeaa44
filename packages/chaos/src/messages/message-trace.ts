import type { MonoMs } from "@lodeline/base";

/** One message on its way over a link, above it; the hub's `Passing` is one. */
export interface PassingMessage {
  readonly who: {
    readonly link: string;
    readonly identity: string;
    readonly room?: string | undefined;
    readonly participant?: string | undefined;
  };
  /** Which message of this link in this direction it is, from 0. */
  readonly index: number;
  readonly direction: "to-client" | "to-server";
  readonly message: { readonly type: string };
}

/** What became of a message. */
export type Fate = "passed" | "lost" | "held" | "doubled";

/** One line of a {@link MessageTrace}. */
export interface TraceEntry {
  /** Numbers all lines of the trace, from 0. */
  readonly n: number;
  readonly at: MonoMs;
  readonly link: string;
  readonly identity: string;
  readonly participant: string | undefined;
  readonly direction: "to-client" | "to-server";
  /** Which message of its link in its direction it is, from 0. */
  readonly index: number;
  readonly type: string;
  /** What tells messages of a type apart: kinds of the events, the signal's body, the command's id. */
  readonly detail: string;
  readonly fate: Fate;
}

/** Enough for some minutes of a small room. */
const TRACE_LIMIT = 20_000;

/** What was said on every link, both ways, in order; the newest 20,000 lines of it. */
export class MessageTrace {
  #entries: TraceEntry[] = [];
  #next = 0;

  /** The number that the next line will have: what comes later is {@link MessageTrace.since} it. */
  get next(): number {
    return this.#next;
  }

  /** The lines from number `n` on, oldest first. */
  since(n = 0): readonly TraceEntry[] {
    return this.#entries.filter((entry) => entry.n >= n);
  }

  /** Adds a line. */
  note(passing: PassingMessage, fate: Fate, at: MonoMs): void {
    const { who, direction, index, message } = passing;
    const { link, identity, participant } = who;
    const detail = detailOf(message);
    const line = {
      n: this.#next++,
      at,
      link,
      identity,
      participant,
      direction,
      index,
      type: message.type,
      detail,
      fate,
    };
    this.#entries.push(line);
    if (this.#entries.length > 2 * TRACE_LIMIT) this.#entries = this.#entries.slice(-TRACE_LIMIT);
  }
}

/** What messages may carry that tells them apart. */
interface Telling {
  readonly id?: unknown;
  readonly code?: unknown;
  readonly events?: readonly { readonly seq: number; readonly event: { readonly kind: string } }[];
  readonly signal?: { readonly epoch: number; readonly body: { readonly kind: string } };
}

function detailOf(message: object): string {
  const { id, code, events, signal }: Telling = message;
  if (events) return events.map(({ seq, event }) => `${seq} ${event.kind}`).join(", ");
  if (signal) return `${signal.body.kind} epoch ${signal.epoch}`;
  return [id, code].filter((part) => typeof part === "string").join(" ");
}

/** The kinds of a `room-event` message; empty for any other. */
export function eventKindsOf(message: object): readonly string[] {
  const { events }: Telling = message;
  return events?.map(({ event }) => event.kind) ?? [];
}
