import type { ErrorCode, MonoMs } from "@lodeline/base";
import type {
  ClientMessage,
  Encryption,
  IceServer,
  LedgerRow,
  Moderation,
  Offer,
  Pair,
  PairReceipt,
  PublishedReceipt,
  ReceivedReceipt,
  ReplayStep,
  RoomSnapshot,
  ServerMessage,
  Slots,
  Source,
  SourceState,
  Timers,
  Topology,
  TrackKind,
  View,
} from "@lodeline/protocol";

/** What a participant wants of one of its sources. */
export type Intent = SourceState["intent"];

/** What a participant wants of each of its sources. */
export type Intents = Readonly<Record<Source, Intent>>;

/** The first offer of an sfu session, sent within the join. */
export interface JoinOffer {
  readonly session: string;
  readonly offer: Offer;
}

/** Options of `createMember`. */
export interface MemberOptions {
  readonly timers: Timers;
  /** Begins every command id of this member; must differ from any other client's and from this one's before a reload. */
  readonly commandPrefix: string;
  /** An unanswered command is sent again after this long, under the same id, then each time after twice as long. Default 400. */
  readonly commandRetryMs?: number | undefined;
}

/** A request for a place, kept to ask again. */
export interface JoinRequest {
  readonly room: string;
  readonly name: string;
  /** Wanted if the room is new. */
  readonly topology: Topology | undefined;
  readonly intents: Intents;
  readonly offer: JoinOffer | undefined;
  /** An earlier place, kept over a reload. */
  readonly rejoin: { readonly participant: string; readonly token: string } | undefined;
  /** Over a new link: the media sessions that work here. Then `offer` is that of the session before, and is not sent. */
  readonly keeps?: readonly string[] | undefined;
}

/** A publication that should be received here. */
export interface Expected {
  readonly track: TrackKind;
  readonly term: string;
  /** It needs a slot, but nothing of it comes: the room keeps it back. */
  readonly held: boolean;
}

/** The member's copy of the room, and its own part in it. */
export interface Mirror {
  readonly participant: string;
  readonly incarnation: number;
  readonly rejoinToken: string;
  readonly iceServers: readonly IceServer[];
  /** Last event applied. */
  readonly seq: number;
  readonly room: RoomSnapshot;
  /** By subscription. */
  readonly ledger: Readonly<Record<string, LedgerRow>>;
  readonly ledgerRevision: number;
  readonly slots: Slots;
  /**
   * Publications of others that should be received here now, by id. `term` names the session that carries it: a new one
   * is a new expectation, and what was received before does not count for it.
   */
  readonly expected: Readonly<Record<string, Expected>>;
  /** Receive sections of the present sfu session, for `need-slots`. */
  readonly receives: { readonly audio: number; readonly video: number };
  /** The most slots that were ever asked for by `need-slots` in this session. */
  readonly needed: { readonly audio: number; readonly video: number };
}

/** A command that waits for its answer. */
export interface PendingCommand {
  readonly id: string;
  readonly message: Extract<ClientMessage, { id: string }>;
  /** When it was last sent; undefined while it waits for an open link or a place. */
  readonly sentAt: MonoMs | undefined;
  readonly expiresAt: MonoMs | undefined;
}

/** What was observed last and what the server was told of it. */
export interface Observed {
  readonly published: readonly PublishedReceipt[];
  /** By publication. */
  readonly received: Readonly<Record<string, ReceivedReceipt>>;
  /** Rows whose `received` the server does not know yet. */
  readonly untold: readonly string[];
  /** Mesh: the transports of the pairs, and what the server was told of them last. */
  readonly pairs: readonly PairReceipt[];
  readonly pairsTold: readonly PairReceipt[];
  /** How many receipts were sent since the last whole one. */
  readonly sinceWhole: number;
  /** How many receipts still come sooner than the heartbeat, because there was news. */
  readonly confirms: number;
  readonly nextAt: MonoMs | undefined;
  /** When the room was last asked for what is missing. */
  readonly askedAt: MonoMs | undefined;
}

/** Where a member stands. */
export type MemberPhase =
  /** In no room. */
  | { readonly kind: "out" }
  /** Asked for a place. `awaitingOffer`: waits for a fresh offer first (sfu). `mirror`: the place it held before. */
  | {
      readonly kind: "joining";
      readonly command: string;
      readonly request: JoinRequest;
      readonly awaitingOffer: boolean;
      readonly mirror: Mirror | undefined;
    }
  | { readonly kind: "in"; readonly request: JoinRequest; readonly mirror: Mirror }
  /** Said `leave`, waits for the answer. */
  | { readonly kind: "leaving"; readonly request: JoinRequest; readonly mirror: Mirror }
  /** The room let it go. A new `join` is needed. */
  | { readonly kind: "removed"; readonly code: string; readonly reason: string };

/** The whole state of a member: plain data, never changed in place. */
export interface MemberState {
  readonly phase: MemberPhase;
  readonly linkOpen: boolean;
  /** What this participant wants of its sources, ahead of the server's answer. */
  readonly intents: Intents;
  /** How everything it sends is encrypted end to end; undefined: not at all. */
  readonly encryption: Encryption | undefined;
  /** Revision of the last `media-state` sent. */
  readonly sentRevision: number;
  readonly commands: readonly PendingCommand[];
  readonly commandPrefix: string;
  readonly commandSerial: number;
  readonly viewRevision: number;
  readonly views: readonly View[];
  readonly observed: Observed;
}

/** What happens to a member. */
export type MemberInput =
  /** Ask for a place. In an sfu room with the offer, so that the answer comes with `joined`. */
  /**
   * `command`: the id to ask under, by default the next one. A page that keeps it over a reload, and asks under it again,
   * gets the place back even if it never heard the answer.
   */
  | ({ readonly kind: "join"; readonly command?: string | undefined } & Omit<
      JoinRequest,
      "offer" | "rejoin" | "topology" | "keeps"
    > & {
        readonly topology?: Topology | undefined;
        readonly encryption?: Encryption | undefined;
        readonly offer?: JoinOffer | undefined;
        readonly rejoin?: { readonly participant: string; readonly token: string } | undefined;
      })
  /** Whatever the server says on this link; what is not for the member (signals) is ignored. */
  | { readonly kind: "message"; readonly message: ServerMessage }
  /** Want something else of an own source. Shown at once, corrected by the server if it disagrees. */
  | { readonly kind: "set-source"; readonly source: Source; readonly intent: Intent }
  /** Its command gets the id that {@link nextCommandId} gives for the state before. */
  | { readonly kind: "moderate"; readonly action: Moderation }
  /** All that is shown, whole. */
  | { readonly kind: "view"; readonly views: readonly View[] }
  /** Facts from the edge: every own published source, and every publication observed. */
  | {
      readonly kind: "observed";
      readonly published: readonly PublishedReceipt[];
      readonly received: readonly ReceivedReceipt[];
      /** Mesh: the transport of each pair there is. */
      readonly pairs?: readonly PairReceipt[] | undefined;
    }
  /** The receiver's reconciler misses a publication: ask the authority now. */
  | { readonly kind: "request-replay"; readonly publication: string; readonly why: string }
  /** The link is open (again), or not. */
  | { readonly kind: "link"; readonly open: boolean }
  /** It is a new link, though there was one: the place is asked for again. `keeps`: the media sessions that work here. */
  | { readonly kind: "renewed"; readonly keeps?: readonly string[] | undefined }
  /** The fresh offer that `need-offer` asked for. */
  | { readonly kind: "offer"; readonly offer: JoinOffer }
  /** sfu: how many receive sections of each kind the session has after a later negotiation. */
  | { readonly kind: "receives"; readonly audio: number; readonly video: number }
  /** sfu: the media session ended for good: the place is taken again with a fresh offer. Others' are ignored. */
  | { readonly kind: "session-ended"; readonly session: string; readonly reason: string }
  | { readonly kind: "leave" };

/** What changed, for whoever shows it; the state itself is read from the machine. */
export type Changed = "phase" | "room" | "own" | "ledger" | "slots";

/** What the world must do after a member's step, in order. */
export type MemberEffect =
  | { readonly kind: "send"; readonly message: ClientMessage }
  | { readonly kind: "changed"; readonly what: readonly Changed[] }
  /** A place was given. Comes before `sfu-answer`, `pair`, `slots` and `expect` of it. */
  | {
      readonly kind: "joined";
      readonly participant: string;
      readonly incarnation: number;
      readonly rejoinToken: string;
      readonly rejoined: boolean;
      readonly room: RoomSnapshot;
      readonly iceServers: readonly IceServer[];
    }
  /**
   * The place is gone for good, though nobody has left: another is asked for at once, with the same wishes. `joined`
   * follows, or `command-done` and `removed` where it is refused. `participant`: who it was.
   */
  | { readonly kind: "place-lost"; readonly participant: string; readonly code: string; readonly reason: string }
  /** sfu: the answer to the offer of the join. */
  | { readonly kind: "sfu-answer"; readonly session: string; readonly sdp: string }
  /** Mesh: begin this session with `remote`, in this role. */
  | {
      readonly kind: "pair";
      readonly pair: Pair;
      readonly remote: string;
      readonly role: "offerer" | "answerer";
    }
  /** Mesh: that session is over: its pair was renewed, or one of the two is gone. */
  | {
      readonly kind: "pair-over";
      readonly remote: string;
      readonly session: string;
      readonly reason: "renewed" | "left" | "removed";
    }
  /** The slot table, whole. */
  | { readonly kind: "slots"; readonly table: Slots }
  /** sfu: more is live than there are receive slots: renegotiate with at least this many in all. */
  | { readonly kind: "need-slots"; readonly audio: number; readonly video: number }
  /**
   * A publication should be received from now on, or no longer. For the reconciler: what it counted so far is forgotten.
   * When another session carries it from now on, both are said, `forget` first.
   */
  | { readonly kind: "expect"; readonly publication: string; readonly track: TrackKind }
  | { readonly kind: "forget"; readonly publication: string }
  /** The room asks this participant to do a step of a replay. `new-session` in an sfu room comes as `need-offer`. */
  | {
      readonly kind: "repair";
      readonly step: ReplayStep;
      readonly publication: string;
      readonly subscription: string;
      readonly why: string;
    }
  /** A command was answered. `error` where it was refused or timed out. */
  | {
      readonly kind: "command-done";
      readonly id: string;
      readonly error?:
        | { readonly code: ErrorCode; readonly reason: string; readonly field?: string | undefined }
        | undefined;
    }
  /** Make a new sfu session and give its first offer by the input `offer`; the earlier session is over. */
  | { readonly kind: "need-offer"; readonly why: string }
  /** The place is gone; no further effects come for it. After an own `leave`, the code is `link/closed`. */
  | { readonly kind: "removed"; readonly code: string; readonly reason: string };
