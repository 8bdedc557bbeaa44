import { LodelineError } from "@lodeline/base";
import { deferred } from "../deferred.ts";
import type { Member } from "./member.ts";
import type { PlacedTransport } from "./pool-table.ts";

/** Transports that wait for a place at a time; each is given up by its request's deadline. */
const WAITING_LIMIT = 5_000;

interface Waiting {
  readonly given: Promise<Member>;
  resolve(member: Member): void;
  reject(error: LodelineError): void;
}

/** Transports that wait for a worker to come up. What is asked of them meanwhile waits with them, in order. */
export class WaitingRoom {
  readonly #waiting = new Map<PlacedTransport, Waiting>();

  get size(): number {
    return this.#waiting.size;
  }

  /** @throws LodelineError `media/engine-busy` when too many wait already. */
  enter(transport: PlacedTransport): Promise<Member> {
    if (this.#waiting.size >= WAITING_LIMIT) throw new LodelineError("media/engine-busy");
    const { promise: given, resolve, reject } = deferred<Member>();
    // Whoever asks next may have been told by a deadline already.
    given.catch(() => {});
    this.#waiting.set(transport, { given, resolve, reject });
    return given;
  }

  /** The place of a transport that waits. */
  placeOf(transport: PlacedTransport): Promise<Member> | undefined {
    return this.#waiting.get(transport)?.given;
  }

  /** There may be places: `give` says which, in the order of arrival; those that get none wait on. */
  admit(give: (transport: PlacedTransport) => Member | undefined): void {
    for (const [transport, { resolve }] of this.#waiting) {
      const member = give(transport);
      if (!member) return;
      this.#waiting.delete(transport);
      resolve(member);
    }
  }

  /** A transport is given up. */
  leave(transport: PlacedTransport, error: LodelineError): void {
    this.#waiting.get(transport)?.reject(error);
    this.#waiting.delete(transport);
  }

  /** Nobody gets a place any more. */
  empty(error: LodelineError): void {
    for (const transport of [...this.#waiting.keys()]) this.leave(transport, error);
  }
}
