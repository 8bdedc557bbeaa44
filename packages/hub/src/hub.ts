import { Emitter, type Listenable, type ListenOptions } from "@lodeline/base";
import type { LedgerRow, RoomSnapshot } from "@lodeline/protocol";
import type { HubEvents, HubOptions, HubStatus } from "./hub-types.ts";
import type { HubConnection, HubSocket, MediaFacts } from "./ports.ts";

/** A room as the dashboard and the HTTP interface see it: plain data, the caller's own. */
export interface RoomView {
  readonly room: string;
  /** Number of the last event that `snapshot` contains. */
  readonly seq: number;
  readonly snapshot: RoomSnapshot;
  readonly ledger: readonly LedgerRow[];
}

/**
 * The server's whole brain: links, identities, rooms, calls, and the server's side of sessions. It opens nothing and
 * waits for nothing: sockets feed it by {@link Hub.connect}, media by its port's feed and {@link Hub.mediaFacts}.
 */
export class Hub implements Listenable<HubEvents>, Disposable {
  readonly #options: HubOptions;
  readonly #events: Emitter<HubEvents>;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#events = new Emitter<HubEvents>();
  }

  /** A socket was opened: it has `helloTimeoutMs` to say hello. The caller feeds what it says into the result. */
  connect(_socket: HubSocket): HubConnection {
    throw new Error(`not written yet${this.#options.clock.now()}`);
  }

  /** What the media engine sees of a room's publications and subscriptions. Only changes need to be fed. */
  mediaFacts(_room: string, _facts: MediaFacts): void {}

  /** Every room, smallest name first. */
  rooms(): readonly RoomView[] {
    return [];
  }

  /** One room, or `undefined`. */
  room(_room: string): RoomView | undefined {
    return undefined;
  }

  /** Lets nobody in any more, tells every participant and every link, closes all. Twice is once. */
  drain(_reason: string): void {}

  /** How many of each thing the hub holds. */
  status(): HubStatus {
    throw new Error("not written yet");
  }

  on<Name extends keyof HubEvents>(
    name: Name,
    listener: (event: HubEvents[Name]) => void,
    options?: ListenOptions,
  ): Disposable {
    return this.#events.on(name, listener, options);
  }

  /** Disarms every timer at once and forgets everything; `drain` first to end it politely. */
  [Symbol.dispose](): void {
    this.#events.clear();
  }
}
