import type { ErrorCode, LodelineError, Random } from "@lodeline/base";
import type { ClientMessage, ServerMessage, Timers } from "@lodeline/protocol";

/**
 * How a client's link is doing. `connecting` is the way to the first welcome, `interrupted` the way to any later one.
 * `closed` is final until the owner opens it again.
 */
export type ClientLinkState = "idle" | "connecting" | "open" | "interrupted" | "closed";

/**
 * How a server's side of a link is doing. `waiting`: made, but no socket yet; `interrupted`: the socket is gone and the
 * resume window runs; `expired`: it ran out, or resuming became impossible; `closed`: on purpose, by either end.
 */
export type ServerLinkState = "waiting" | "open" | "interrupted" | "expired" | "closed";

/** Who the client says it is: read at each hello, so that a renewed token is used as soon as it is there. */
export interface LinkCredentials {
  /** A JWT; not needed where the server is open. */
  readonly token?: string | undefined;
  /** The name for an open server, which has no token to read one from. */
  readonly name: string;
}

/** The waits a link observes. */
export type LinkTimers = Pick<
  Timers,
  "heartbeatMs" | "linkLostMs" | "resumeWindowMs" | "ackDelayMs" | "reconnectFirstMs" | "reconnectMaxMs" | "connectMs"
>;

/** What a client's link is handed. */
export interface ClientLinkOptions {
  /** The client's own; from the first welcome on the server's heartbeat and lost times hold. */
  readonly timers: LinkTimers;
  /** For the jitter of reconnects and for the opening secret; cryptographic outside tests. */
  readonly random: Random;
  /** Read at each hello. */
  credentials(): LinkCredentials;
  /** Whether the owner can hold two sockets at once. Default false: none is ever opened beside another. */
  readonly spare?: boolean | undefined;
}

/** What a client's link wants done or has to tell. Performed in order. */
export type ClientLinkOutput =
  /** Open a socket. From now on nothing of an earlier one may be fed. */
  | { readonly kind: "open-socket" }
  /** Send this text on the open socket. */
  | { readonly kind: "text"; readonly text: string }
  /** Close the socket; nothing of it may be fed any more, not even that it closed. */
  | { readonly kind: "close-socket"; readonly code: number; readonly reason: string }
  /** Open a second socket beside the first, which may be dead. What it says is fed by `spareOpened` and so on. */
  | { readonly kind: "open-spare" }
  /** Send this text on the second socket. */
  | { readonly kind: "spare-text"; readonly text: string }
  /** Close the second socket; nothing of it may be fed any more. */
  | { readonly kind: "drop-spare" }
  /** The second socket is the socket from now on, fed as such. Nothing of the first may be fed any more. */
  | { readonly kind: "adopt-spare" }
  /** A message of the server: each once and in order. */
  | { readonly kind: "message"; readonly message: ServerMessage }
  /** A numbered message of the server could not be read; it is skipped, later ones still come. */
  | { readonly kind: "rejected"; readonly error: LodelineError }
  /** The state changed, and why: absent where all is well. `retryInMs` while a reconnect is waited for. */
  | {
      readonly kind: "state";
      readonly state: ClientLinkState;
      readonly previous: ClientLinkState;
      readonly reason?: ErrorCode | undefined;
      readonly retryInMs?: number | undefined;
    }
  /**
   * A new link although an earlier one existed: `lost` messages of ours were never acknowledged and are dropped, and
   * whatever the server sent meanwhile is gone. Comes before any message of the new link.
   */
  | { readonly kind: "renewed"; readonly lost: number }
  /** The server refused the link for good; the state is `closed`. The code says what may help. */
  | { readonly kind: "refused"; readonly error: LodelineError };

/** What a server's side of a link is handed. */
export interface ServerLinkOptions {
  /** Its name, unguessable. */
  readonly id: string;
  /** Whom the token named. Told in the welcome. */
  readonly identity: string;
  readonly timers: Pick<Timers, "heartbeatMs" | "linkLostMs" | "resumeWindowMs" | "ackDelayMs">;
  /** For the resume secrets; cryptographic outside tests. */
  readonly random: Random;
  /** Messages a second and at once; by default those of LIMITS. `null` for none (bench). */
  readonly rate?: { readonly perSecond: number; readonly burst: number } | null | undefined;
  /**
   * A one-way function of a secret. Given, the link knows its secrets as digests alone, and so does whoever keeps its
   * {@link ServerLinkImage}. Absent: as they are.
   */
  readonly digest?: ((secret: string) => string) | undefined;
}

/** What of a server's side of a link has to be kept, so that another process can go on with it. Plain data. */
export interface ServerLinkImage {
  /** Which socket was the last; 0 when there never was one. */
  readonly epoch: number;
  /** What resumes it, as the digest makes it. */
  readonly secret: string;
  /** What resumes it as well, until the client has shown that it knows the newer one; empty for none. */
  readonly earlierSecret: string;
  /** The last number received in order. */
  readonly received: number;
  /** The last number that the client has acknowledged. */
  readonly acknowledged: number;
  /** The messages after it, in order, each as JSON. */
  readonly messages: readonly string[];
}

/** What a hello's owner knows when it attaches a socket. */
export interface Attachment {
  /** The protocol version both speak. */
  readonly version: number;
  /** The last frame the client received in order, from its hello; 0 on a new link. */
  readonly received: number;
  /**
   * The secret that the hello presented: that of its resume, else its opening. It stays good until the client has shown
   * that it got the new one, or a welcome lost on the way would lose the link.
   */
  readonly secret?: string | undefined;
}

/** What a server's side of a link wants done or has to tell. Performed in order. */
export type ServerLinkOutput =
  /** Send this text on the attached socket. */
  | { readonly kind: "text"; readonly text: string }
  /** Close the attached socket; nothing of it may be fed any more. */
  | { readonly kind: "close-socket"; readonly code: number; readonly reason: string }
  /** A message of the client: each once and in order. */
  | { readonly kind: "message"; readonly message: ClientMessage }
  /** A bad message: already answered with an `error` message; for the log. */
  | { readonly kind: "rejected"; readonly error: LodelineError }
  /** The state changed. After `expired` and `closed` nothing more comes. */
  | { readonly kind: "state"; readonly state: ServerLinkState; readonly reason?: ErrorCode | undefined };
