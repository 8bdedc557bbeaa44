import type { Source } from "@lodeline/protocol";
import type { SessionEffect, SessionInput } from "@lodeline/session";

/** What a socket tells its participant. After `closed` nothing more comes of this socket. */
export interface SocketHandlers {
  /** The socket is open and can be written to. Called at most once. */
  opened(): void;
  /** A text frame arrived, whole. */
  text(text: string): void;
  /**
   * The socket is closed, or could not be opened. Called exactly once.
   *
   * @param code - As RFC 6455 section 7.4.
   * @param reason - What the server said to it, where it said anything.
   */
  closed(code: number, reason?: string): void;
}

/** A socket being opened or open. Owned by the participant that asked for it. */
export interface SocketHandle {
  /** Sends a text frame. Before `opened` and after `closed` it does nothing. */
  send(text: string): void;
  /** Closes the socket; `handlers.closed` may still follow and is ignored. */
  close(code: number, reason: string): void;
}

/** Opens sockets to the server. The client's is a WebSocket, the simulation's a lossy pair in virtual time. */
export interface SocketPort {
  /** Begins to open one. Must not call a handler before it has returned. */
  open(handlers: SocketHandlers): SocketHandle;
}

/** What a session is for. */
export type SessionUse = "sfu" | "pair" | "call";

/**
 * Names one remote's sessions for as long as it is the same remote: `sfu`, `pair:<participant>` or `call:<identity>`.
 * Session ids change under it (a repair, two people who call each other at once), the key does not.
 */
export type SessionKey = "sfu" | `pair:${string}` | `call:${string}`;

/** What is to be connected: one driver for each session, so a key that gets a new session gets a new driver. */
export interface PeerSpec {
  readonly key: SessionKey;
  /** The session whose effects the driver gets. */
  readonly session: string;
  readonly use: SessionUse;
  /** Who is at the other end: `sfu`, a participant id, or an identity. */
  readonly remote: string;
  /** Of a call: whether it has audio and video. In rooms both are true: the sources decide. */
  readonly audio: boolean;
  readonly video: boolean;
}

/** The effects of a session that touch the world; `send` and `emit` are the participant's own affair. */
export type PeerEffect = Exclude<SessionEffect, { readonly kind: "send" | "emit" }>;

/**
 * Performs one session's effects on a real or a simulated peer connection. Every effect that has a result is answered
 * by an input given to the `feed` of {@link PeerPort.open}: now, later, or never (a deadline of the session decides).
 */
export interface PeerDriver {
  /** Performs one effect. Throws for nothing that a device or a peer may cause: that is fed back as `step-failed`. */
  perform(effect: PeerEffect): void;
  /** The repair step `republish`: takes this source's track off its section and puts it on again, capture included. */
  republish(source: Source): void;
  /** sfu: make receive slots until there are this many in all; a renegotiation follows by itself. */
  growSlots(audio: number, video: number): void;
  /** The session is over. Whatever is still held is dropped now, also what a late permission brings. */
  close(): void;
}

/** Makes peer connections. */
export interface PeerPort {
  /**
   * Makes a driver, at the first effect of a session. Must not call `feed` before it has returned. The participant owns
   * the driver and closes it when the session is over; what is fed after that is ignored.
   */
  open(spec: PeerSpec, feed: (input: SessionInput) => void): PeerDriver;
}

/** The two ways in which a participant touches the world. */
export interface ParticipantPorts {
  readonly socket: SocketPort;
  readonly peers: PeerPort;
}
