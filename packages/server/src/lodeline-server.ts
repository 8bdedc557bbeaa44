import type { ActiveFault, MessageTrace } from "@lodeline/chaos";
import type { Hub } from "@lodeline/hub";
import type { Engine } from "@lodeline/workers";
import type { TokenGrant } from "./auth/grant.ts";

/** What a server holds at a moment: health checks, operators and leak tests read it. */
export interface ServerStatus {
  /** `draining` from the moment `close` is called. */
  readonly state: "ready" | "draining" | "closed";
  /** Whether what is said is kept; `failing`: not at present, see the log. Absent without storage. */
  readonly storage?: "ok" | "failing" | undefined;
  /** Since the server listens. */
  readonly uptimeMs: number;
  /** Open WebSockets, with and without a hello. */
  readonly sockets: number;
  /** Links, attached or waiting to be resumed. */
  readonly links: number;
  readonly rooms: number;
  readonly participants: number;
  /** Media transports that are open. */
  readonly transports: number;
}

/** How a server is closed. */
export interface CloseOptions {
  readonly timeoutMs?: number | undefined;
  /**
   * Ends the process and not what it keeps: nobody is told, and everybody goes on with the next server on the same data
   * directory. Without storage there is nothing to go on with, and everybody is told. Default false.
   */
  readonly keep?: boolean | undefined;
  readonly onProgress?: ((what: string) => void) | undefined;
}

/** What `close` came to. */
export interface CloseReport {
  /** Ms from the call to the end. */
  readonly durationMs: number;
  /** What did not end within the time it was given, in words; empty when everything did. */
  readonly hung: readonly string[];
}

/** Breaks things on purpose, for tests of repair and for `/v1/faults`. */
export interface Faults {
  /**
   * Starts a fault written in the language of `@lodeline/chaos`, such as `msg:lose,to=client,type=joined,who=ada`.
   *
   * @returns Its id.
   * @throws LodelineError `config/invalid` when it is not written well or cannot be done here.
   */
  start(spec: string): string;
  /** Ends a fault. @returns Whether it was still there. */
  stop(id: string): boolean;
  stopAll(): void;
  /** What was started and is not over. */
  readonly active: readonly ActiveFault[];
  /** What a fault has done, also after its end. */
  counters(id: string): Readonly<Record<string, number>> | undefined;
  /** Every message of every link, both ways, with its number and what became of it. */
  readonly trace: MessageTrace;
}

/** A running server. Closing it, or disposing of it, ends everything it started. */
export interface LodelineServer extends AsyncDisposable {
  /** Where the page and the API are, without a slash at the end: `http://127.0.0.1:7880`. */
  readonly url: string;
  /** Where links are opened: `ws://127.0.0.1:7880/v1/link`. */
  readonly linkUrl: string;
  /** The server's brain, for tests and measurements. Owned by the server: never dispose of it. */
  readonly hub: Hub;
  /** Its media, for tests and measurements. Owned by the server: never close it. */
  readonly media: Engine;
  /** Fault injection, where the options allow it. */
  readonly faults: Faults | undefined;
  status(): ServerStatus;
  /**
   * Signs a join token with the first key.
   *
   * @returns The JWT.
   */
  createToken(grant: TokenGrant): Promise<string>;
  /**
   * Stops accepting, tells everyone (`server/draining`), closes links and media. A second call gives the first one's result.
   *
   * @param options.timeoutMs - What has not ended by then is dropped and named in the report. Default 3,000.
   * @param options.onProgress - Told what is waited for next, in words: a watchdog names it when the wait has no end.
   */
  close(options?: CloseOptions): Promise<CloseReport>;
}
