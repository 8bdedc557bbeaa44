import type { LogLevel, ServerOptions } from "@lodeline/server";

/** What a server thread is to start: plain data, so that it can cross to the thread. */
export interface ServerRequest {
  readonly options: Omit<ServerOptions, "logger" | "kill">;
  readonly logLevel: LogLevel;
  /** Faults that are started with it, as they are written. */
  readonly faults?: readonly string[] | undefined;
}

/** What the main thread says to the server thread. */
export type ToServer = {
  readonly kind: "close";
  readonly timeoutMs: number;
  /** Nobody is told: another process goes on with the same data. */
  readonly keep: boolean;
};

/** What the server thread says to the main thread. */
export type FromServer =
  | { readonly kind: "ready"; readonly url: string }
  | { readonly kind: "refused"; readonly code: string; readonly detail: string }
  /** The fault `server:kill`: end this thread without a word, and start another after so long. */
  | { readonly kind: "kill"; readonly downMs: number }
  /** What `close` waits for at present, in words: the watchdog names it. */
  | { readonly kind: "closing"; readonly what: string }
  | { readonly kind: "closed"; readonly durationMs: number; readonly hung: readonly string[] };
