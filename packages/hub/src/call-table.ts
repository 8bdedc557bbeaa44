import type { EndReason } from "@lodeline/protocol";
import type { Call } from "./call-record.ts";
import type { HubEvents } from "./hub-types.ts";
import type { LinkHost } from "./link-host.ts";

/** What a {@link CallTable} tells. */
export interface CallTableOptions {
  event(event: HubEvents["call"]): void;
  /** A call may be another than before, and may have to be kept. */
  touched(session: string): void;
}

/** So many calls that are over are remembered: one said again is late by seconds. */
const MOST_ENDED = 1_024;

/** The calls between identities that ring or were answered, and how the last ones ended. */
export class CallTable implements Iterable<Call> {
  readonly #options: CallTableOptions;
  readonly #calls = new Map<string, Call>();
  /** How the last calls ended, oldest first. */
  readonly #ended = new Map<string, EndReason>();

  constructor(options: CallTableOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#calls.size;
  }

  get(session: string): Call | undefined {
    return this.#calls.get(session);
  }

  has(session: string): boolean {
    return this.#calls.has(session);
  }

  /** Every call, oldest first; one that ends while they are read is not among them. */
  [Symbol.iterator](): IterableIterator<Call> {
    return this.#calls.values();
  }

  add(call: Call): void {
    this.#calls.set(call.session, call);
  }

  /** How a call has ended; `undefined` where none is remembered. */
  endOf(session: string): EndReason | undefined {
    return this.#ended.get(session);
  }

  /** How many calls this link makes. */
  countOf(caller: LinkHost): number {
    return [...this].filter((call) => call.caller === caller).length;
  }

  /** The call that the one called is making to the caller at this very moment. */
  mirrorOf({ from, to, caller }: Call): Call | undefined {
    for (const other of this) {
      if (other.from === to && other.to === from && !other.callee && other.ringing.has(caller)) return other;
    }
    return undefined;
  }

  /** A call is over: forgets it and tells so. */
  over(call: Call, reason: EndReason): void {
    this.forget(call, reason);
    this.tell(call, "ended", reason);
  }

  /** Drops a call of which nothing more is told. */
  forget(call: Call, reason: EndReason): void {
    call.unheard?.cancel();
    this.#calls.delete(call.session);
    this.#options.touched(call.session);
    this.remember(call.session, reason);
  }

  /** Notes how a call has ended, one that never began here too: it is answered with that when it is said again. */
  remember(session: string, reason: EndReason): void {
    this.#ended.set(session, reason);
    for (const [oldest] of this.#ended) if (this.#ended.size > MOST_ENDED) this.#ended.delete(oldest);
  }

  tell({ session, from, to }: Call, what: HubEvents["call"]["what"], reason?: string): void {
    this.#options.event({ session, from, to, what, reason });
  }
}
