import type { ServerPeerPort } from "@lodeline/hub";
import type { SessionEffect, SessionInput } from "@lodeline/session";
import type { EnginePart, SectionPart, TransportPart } from "./engine-port.ts";
import { TransportSession } from "./transport-session.ts";

/** Sends back what comes in on a transport. Made once for each call, closed with it. */
export interface Loopback {
  close(): void;
}

/** What {@link LoopbackPeerPort} needs of the server around it. */
export interface LoopbackPeerPortOptions {
  readonly engine: EnginePart;
  /** Starts the loopback on the sections of an answer. */
  loopBack(transport: TransportPart, sections: readonly SectionPart[]): Loopback;
}

/** The peer that lives on the server, for the hub: it answers every call with the caller's own sound, picture and data. */
export class LoopbackPeerPort implements ServerPeerPort {
  readonly #options: LoopbackPeerPortOptions;
  readonly #calls = new Map<string, TransportSession>();

  constructor(options: LoopbackPeerPortOptions) {
    this.#options = options;
  }

  /** Calls that hold a transport. */
  get transportCount(): number {
    let count = 0;
    for (const call of this.#calls.values()) if (call.transport) count++;
    return count;
  }

  open(session: string, feed: (input: SessionInput) => void): void {
    const { engine, loopBack } = this.#options;
    let loopback: Loopback | undefined;
    const call = new TransportSession({
      id: session,
      engine,
      feed,
      answered: (transport, sections) => {
        // A later offer may have brought sections that the running loopback does not know.
        loopback?.close();
        loopback = loopBack(transport, sections);
      },
      ending: () => {
        loopback?.close();
        loopback = undefined;
      },
    });
    this.#calls.set(session, call);
  }

  perform(session: string, effect: SessionEffect): void {
    this.#calls.get(session)?.perform(effect);
  }

  close(session: string): void {
    void this.#end(session);
  }

  /** Ends every call; done when all their sockets are closed. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#calls.keys()].map((session) => this.#end(session)));
  }

  async #end(session: string): Promise<void> {
    const call = this.#calls.get(session);
    if (!call) return;
    try {
      await call.close();
    } finally {
      this.#calls.delete(session);
    }
  }
}
