import { type Logger, toLodelineError } from "@lodeline/base";
import type { ServerPeerPort } from "@lodeline/hub";
import type { SessionEffect, SessionInput } from "@lodeline/session";
import type { Engine, EngineEvent } from "@lodeline/workers";
import { TransportSession } from "./transport-session.ts";

/** What {@link LoopbackPeerPort} needs of the server around it. */
export interface LoopbackPeerPortOptions {
  readonly engine: Engine;
  readonly logger: Logger;
}

/** The peer that lives on the server, for the hub: it answers every call with the caller's own sound, picture and data. */
export class LoopbackPeerPort implements ServerPeerPort {
  readonly #options: LoopbackPeerPortOptions;
  readonly #calls = new Map<string, TransportSession>();

  constructor(options: LoopbackPeerPortOptions) {
    this.#options = options;
  }

  /** Calls that hold a transport, or are closing one. */
  get transportCount(): number {
    return this.#calls.size;
  }

  open(session: string, feed: (input: SessionInput) => void): void {
    const { engine } = this.#options;
    const call = new TransportSession({
      id: session,
      room: session,
      engine,
      feed,
      // Every answer: a later offer may have brought sections that the running loopback does not know.
      answered: () => this.#loopBack(session),
      // The loopback ends with its transport.
      ending: () => {},
    });
    this.#calls.set(session, call);
  }

  perform(session: string, effect: SessionEffect): void {
    this.#calls.get(session)?.perform(effect);
  }

  /** The engine tells something of a transport; those of others are ignored. */
  heard(event: Extract<EngineEvent, { kind: "transport-state" | "channel" }>): void {
    this.#calls.get(event.transport)?.heard(event);
  }

  close(session: string): void {
    void this.#end(session).catch(() => {});
  }

  /** Ends every call; done when all their sockets are closed. */
  async closeAll(): Promise<void> {
    await Promise.all([...this.#calls.keys()].map((session) => this.#end(session)));
  }

  #loopBack(session: string): void {
    const { engine, logger } = this.#options;
    engine.ask({ kind: "loop-back", transport: session }).catch((thrown: unknown) => {
      const { code, detail } = toLodelineError(thrown);
      logger.warn("loopback failed", { session, code, reason: detail });
    });
  }

  async #end(session: string): Promise<void> {
    const call = this.#calls.get(session);
    if (!call) return;
    try {
      await call.close();
    } finally {
      if (this.#calls.get(session) === call) this.#calls.delete(session);
    }
  }
}
