import type { LodelineError } from "@lodeline/base";
import type { IceServer, LeaveReason, RoomSnapshot, Slots, Source, Standing } from "@lodeline/protocol";
import type { SessionEvent, SessionState } from "@lodeline/session";
import type { SessionKey, SessionUse } from "./ports.ts";

/** State of the link to the server. `interrupted`: it was open and is being resumed; media may well flow on. */
export type LinkStateName = "idle" | "connecting" | "open" | "interrupted" | "closed";

/** What a participant is to the room: nothing, on its way, in it, or out of it again. */
export type Membership = "outside" | "joining" | "joined" | "leaving";

/** What a tile says about one publication, in the words that people read. */
export type StandingWords =
  | "live"
  | "connecting"
  | "muted by them"
  | "muted by a moderator"
  | "speaking, not forwarded"
  | "paused: bandwidth"
  | "missing: asking again"
  | "encrypted: no key"
  | "encrypted: wrong key"
  | "never sent";

/** One session as the app sees it. */
export interface SessionView {
  readonly key: SessionKey;
  readonly use: SessionUse;
  /** `sfu`, a participant id, or an identity. */
  readonly remote: string;
  /** Of a call that came in: the name of who calls. */
  readonly name: string | undefined;
  /** Of a call: who began it, and what it has. */
  readonly direction: "outgoing" | "incoming" | undefined;
  readonly audio: boolean;
  readonly video: boolean;
  readonly state: SessionState;
}

/** The place in a room, as a reload needs it. The token is a secret: keep it where only this page reads it. */
export interface RoomPlace {
  readonly room: string;
  readonly participant: string;
  readonly token: string;
}

/** Everything a participant tells its app. A late listener reads the getters; nothing is told again. */
export interface ParticipantEvents {
  /** The link changed its state. `error` says why, where there is a reason. */
  link: { readonly state: LinkStateName; readonly error: LodelineError | undefined };
  /**
   * A join is sent. Keep `command` until `joined`, `join-failed` or `left`: see `JoinOptions.command`. Keep it also when
   * `join-failed` says `session/plan-failed`: that join was never sent, but an earlier one under the same command may be.
   */
  joining: { readonly room: string; readonly command: string };
  /** In the room, for the first time or again; store `place` for a reload. */
  joined: {
    readonly place: RoomPlace;
    readonly incarnation: number;
    readonly room: RoomSnapshot;
    readonly iceServers: readonly IceServer[];
    /** True when an earlier place was taken again. */
    readonly again: boolean;
  };
  /**
   * The place is gone, though this participant never left: it was away for longer than the room waits. Another is asked
   * for at once, with the same wishes for its sources; `joined` follows, or `join-failed` or `removed`.
   */
  "place-lost": { readonly room: string; readonly participant: string; readonly code: string; readonly reason: string };
  /** The join was refused. */
  "join-failed": { readonly error: LodelineError };
  /** Out of the room because this participant left. */
  left: { readonly room: string };
  /** Out of the room by another's will: a moderator, a lease, another tab. */
  removed: { readonly code: string; readonly reason: string };
  /** Another member has left, and why; told before the room changes. Not told where the room's state comes whole. */
  "peer-left": { readonly participant: string; readonly reason: LeaveReason };
  /** Something of the room changed: members, media states, ledger rows, slots. Read it anew. */
  changed: { readonly what: string };
  /** Which publication is in which receive slot of the sfu session. */
  slots: { readonly table: Slots };
  /** Whether one publication is heard or seen here. */
  standing: { readonly publication: string; readonly standing: Standing };
  /** A command was answered. `error` is undefined when it took effect. */
  command: { readonly id: string; readonly error: LodelineError | undefined };
  /** A source of this participant was muted or freed by a moderator, or set by itself and confirmed. */
  source: {
    readonly source: Source;
    readonly intent: "unpublished" | "live" | "muted";
    readonly mutedBy: string | null;
    /** Beside `mutedBy`: whether this participant may open it by itself. */
    readonly mayUnmute: boolean;
  };
  /** Somebody calls. Answer with `accept` or `reject`. */
  incoming: { readonly call: SessionView };
  /** A session changed: its state, a step of a plan, media or data readiness, an interruption, its end. */
  session: { readonly key: SessionKey; readonly session: string; readonly event: SessionEvent };
  /** The server refused the link for good, e.g. for its token: set another and connect again. */
  refused: { readonly error: LodelineError };
  /** Closed, and nothing is left. The last event there is. */
  closed: Readonly<Record<never, never>>;
  /** The server refused a message or a signal; nothing else is lost by it. */
  error: { readonly error: LodelineError };
}
