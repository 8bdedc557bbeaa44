import type { LodelineError } from "@lodeline/base";
import type { ClientMessage, IceServer, Role, ServerMessage, Source } from "@lodeline/protocol";
import type { MediaOp, RoomInput } from "@lodeline/room";
import type { SessionEffect, SessionInput } from "@lodeline/session";

/** What a token allows. */
export interface Grants {
  /** The only room that may be joined; absent: any. */
  readonly room?: string | undefined;
  /** Whether rooms may be joined at all. */
  readonly join: boolean;
  /** Whether other identities may be called. */
  readonly call: boolean;
  /** The role in the rooms it joins. */
  readonly role: Role;
  /** The most a moderator may make of it there. Default: `role`. */
  readonly maxRole?: Role | undefined;
  /** The only sources that may be published; absent: all that the role allows. */
  readonly publishSources?: readonly Source[] | undefined;
}

/** Who is at the other end, from its token. */
export interface Authorization {
  /** Never from a message, never SERVER_PEER_IDENTITY. */
  readonly identity: string;
  /** A name for people: the token's, or the hello's where the server is open. */
  readonly name: string;
  readonly grants: Grants;
}

/** What a hello brings to prove who it is. */
export interface AuthorizationRequest {
  readonly token: string | undefined;
  readonly name: string;
}

/** Checks tokens. Performed by the server with its keys, by the simulation at once. */
export interface AuthorizationPort {
  /**
   * Checks one hello, once per socket that says one.
   *
   * @param done - Called once, now or later, with who it is or with why not (an `auth/` code). A hello that resumes a
   * link by its secret goes on even when its token has expired meanwhile.
   */
  authorize(request: AuthorizationRequest, done: (result: Authorization | LodelineError) => void): void;
}

/** The sending half of a socket, made by the gateway (WebSocket) or by the simulation. */
export interface HubSocket {
  /** Sends one text message, or drops it when the socket is closed already. Must not call back into the hub at once. */
  send(text: string): void;
  /** Closes with one of CLOSE_CODES. `HubConnection.closed` may or may not follow; both are harmless. */
  close(code: number, reason: string): void;
}

/** The receiving half, given by `Hub.connect`: the gateway feeds what the socket says. */
export interface HubConnection {
  /** One text message arrived. The first has to be a hello, within `helloTimeoutMs`. */
  text(text: string): void;
  /** The gateway itself refuses what came (too large a frame, a binary one, a slow reader): said to the client, closed. */
  refuse(error: LodelineError): void;
  /** The socket is closed, by whomever. */
  closed(code: number): void;
}

/** One sfu session between a participant and the server's media engine. */
export interface MediaKey {
  readonly room: string;
  readonly participant: string;
  /** Unique over the server's life: tables may be keyed by it alone. */
  readonly session: string;
}

/**
 * The media engine as the hub sees it: implemented by the server on `media`, by the simulation as a fake. Nothing here
 * returns anything: every result comes back by `feed` or by `Hub.mediaFacts`, now or later.
 */
export interface MediaPort {
  /**
   * A session begins: effects for it follow.
   *
   * @param feed - Takes this session's inputs: `answer-created`, `description-failed`, `transport`, `data`, `step-done`,
   * `step-failed`. Does nothing once `close` was called.
   */
  open(key: MediaKey, feed: (input: SessionInput) => void): void;
  /**
   * Performs one effect of the session: `run`, `undo`, `apply-offer` (answer it), `add-candidate`. The hub itself performs
   * `send` and `emit`; `create-offer` and `apply-answer` never come, since the client is always the offerer.
   */
  perform(key: MediaKey, effect: SessionEffect): void;
  /** The session is over and its stop plan done: free whatever is left. */
  close(key: MediaKey): void;
  /**
   * Performs an operation of the room on publications and subscriptions. Operations of one room come in order. After
   * `close-session` no operation names that session's sections any more; its transport is closed by its own stop plan.
   */
  operate(room: string, op: MediaOp): void;
}

/** The peer that lives on the server, as the hub sees it: performs a call's session on a loopback of the caller's media. */
export interface ServerPeerPort {
  /** A call to the server peer begins; the hub's session accepts by itself. `feed` as in {@link MediaPort.open}. */
  open(session: string, feed: (input: SessionInput) => void): void;
  /** Performs one effect of the session. */
  perform(session: string, effect: SessionEffect): void;
  /** The call is over: free whatever is left. */
  close(session: string): void;
}

/** Who is at the client's end of a link, for {@link HubPorts.intercept}. */
export interface Recipient {
  readonly link: string;
  readonly identity: string;
  /** Set while the link is in a room. */
  readonly room?: string | undefined;
  readonly participant?: string | undefined;
}

/** One message on its way over a link, for {@link HubPorts.intercept}. */
export type Passing = {
  /** The client, as it stands at this moment: in no room yet while its `join` is on the way. */
  readonly who: Recipient;
  /** Which message of this link in this direction it is, from 0. Messages held back for a `joined` count when they go. */
  readonly index: number;
} & (
  | { readonly direction: "to-client"; readonly message: ServerMessage }
  | { readonly direction: "to-server"; readonly message: ClientMessage }
);

/** All that the hub needs done. */
export interface HubPorts {
  readonly authorization: AuthorizationPort;
  /** Absent: no sfu rooms; joining one is refused with `room/topology`. */
  readonly media?: MediaPort | undefined;
  /** Absent: a call to the server peer is rejected as `unreachable`. */
  readonly serverPeer?: ServerPeerPort | undefined;
  /** The ICE servers a participant is told at its join, e.g. with credentials of its own. Default: none. */
  iceServers?(identity: string): readonly IceServer[];
  /**
   * Fault injection, in tests and development: called for every message of every link, both ways, above the link, so that
   * one which is not forwarded is truly lost: the link has delivered it, or never heard of it. Absent: all pass.
   *
   * @param forward - Lets the message pass: at once, later (others overtake it), twice, or never. Does nothing once the
   * link has ended.
   */
  intercept?(passing: Passing, forward: () => void): void;
}

/** What the media engine sees of one room; only what changed need be given, unknown ids are ignored. */
export type MediaFacts = Omit<Extract<RoomInput, { readonly kind: "media-facts" }>, "kind">;
