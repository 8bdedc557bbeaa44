import type { MonoMs, WallMs } from "@lodeline/base";
import type {
  Encryption,
  Fact,
  HeldBack,
  LayerChoice,
  NumberedEvent,
  Pair,
  ReceiveSection,
  ReplayStep,
  Role,
  RoomSnapshot,
  SendSection,
  ServerMessage,
  Signal,
  Slots,
  Source,
  SourceState,
  Standing,
  Unreadable,
  View,
} from "@lodeline/protocol";
import type { EncodingState } from "./encodings.ts";
import type { Hop } from "./ladder.ts";
import type { TransportState } from "./room-input.ts";

/** All that a room knows: plain data, never changed in place. */
export interface RoomState {
  /** What every member sees; the fold of all events. */
  readonly snapshot: RoomSnapshot;
  /** Number of the last event. */
  readonly seq: number;
  /** The last events, oldest first, with the time they were told. */
  readonly tail: readonly TailEvent[];
  /** By participant id: what only the authority knows. Same keys as `snapshot.participants`. */
  readonly places: Readonly<Record<string, Place>>;
  /** Mesh: by {@link pairKey}. */
  readonly pairs: Readonly<Record<string, PairRecord>>;
  /** Counts the pair sessions ever assigned, so that no two have one id. */
  readonly pairSerial: number;
  /** By identity: what moderators decided of a person. Outlives its place: leaving and coming back undoes nothing. */
  readonly verdicts: Readonly<Record<string, Verdict>>;
  /** `fresh` until the first join; `closed` for good after the `closed` effect. */
  readonly phase: "fresh" | "open" | "closed";
  /** The earliest of all deadlines. */
  readonly due: MonoMs | undefined;
}

/** An event and when it was told. */
export interface TailEvent {
  readonly event: NumberedEvent;
  readonly toldAt: MonoMs;
}

/** What moderators decided of one person, for as long as the room lives. */
export interface Verdict {
  /** May not come back. */
  readonly removed: boolean;
  /** Its role, where a moderator has changed it. */
  readonly role: Role | undefined;
  /** Sources that a moderator muted and nobody has freed. */
  readonly muted: Readonly<Partial<Record<Source, ModeratorMute>>>;
}

/** A moderator's mute of one source. */
export type ModeratorMute = Pick<SourceState, "mutedBy" | "mayUnmute">;

/** One participant's place in the room. */
export interface Place {
  readonly participant: string;
  readonly identity: string;
  readonly incarnation: number;
  readonly link: string;
  /** Since when the link is not heard of. */
  readonly linkLostAt: MonoMs | undefined;
  /** When its page said goodbye; only while the link is lost. */
  readonly byeAt: MonoMs | undefined;
  /** The most that a moderator may make of it. */
  readonly maxRole: Role;
  readonly rejoinToken: string;
  /** Earlier tokens, good until a receipt shows that the present one was heard of: the answer with it may be lost. */
  readonly earlierTokens: readonly string[];
  readonly joinCommand: string;
  /** The media sessions that its last join has kept; undefined when it was to keep none. */
  readonly kept: readonly string[] | undefined;
  readonly media: MediaSession;
  readonly slots: Slots;
  /** Whether something it should receive has no slot: then a change of rank may move others. */
  readonly slotsShort: boolean;
  readonly slotsToldAt: MonoMs;
  /** sfu: how its camera is encoded. Begins anew with each session. */
  readonly encoding: EncodingState;
  readonly ledgerRevision: number;
  readonly ledgerToldAt: MonoMs;
  /** When events were last told again. */
  readonly eventsToldAt: MonoMs;
  readonly viewRevision: number;
  /** By publication: only those that are not the default. */
  readonly views: Readonly<Record<string, View>>;
  /** What this participant publishes, by source: facts that all its subscriptions share. */
  readonly published: Readonly<Partial<Record<Source, Published>>>;
  /** What it should receive, by publication. */
  readonly rows: Readonly<Record<string, Row>>;
  readonly answers: readonly { readonly id: string; readonly message: ServerMessage }[];
  /** When a repair was last asked of this participant, by step and object, so that none is asked twice. */
  readonly repairs: Readonly<Record<string, MonoMs>>;
  /** The earliest deadline of its rows. */
  readonly rowsDue: MonoMs | undefined;
}

/** sfu: the participant's connection to the server, as the room needs to know it. */
export interface MediaSession {
  readonly session: string | undefined;
  /** When the place, or its present session, began. */
  readonly since: MonoMs;
  readonly state: TransportState;
  /** When `state` last became `connected`; undefined before. */
  readonly upAt: MonoMs | undefined;
  readonly sends: readonly SendSection[];
  readonly receives: readonly ReceiveSection[];
  /** Names of the video codecs that it offered, in small letters. */
  readonly videoCodecs: readonly string[];
}

/** What is known of a publication at its sender. */
export interface Published {
  readonly captured: Fact;
  /** Packets leave the sender: by its own word, or because they arrive. */
  readonly sent: Fact;
  /** The sender's word. */
  readonly saysSent: boolean;
  /** sfu: whether packets arrive at the server; undefined until the media plane has said so. */
  readonly arriving: boolean | undefined;
  /** sfu: why nothing of it is forwarded to anybody; undefined when it is. */
  readonly held: HeldBack | undefined;
}

/** A subscription: one line of the ledger with what the authority needs to repair it. */
export interface Row {
  readonly subscription: string;
  readonly publication: string;
  readonly from: string;
  readonly to: string;
  readonly source: Source;
  readonly standing: Standing;
  /** Number of the event that made it intended. */
  readonly announced: number;
  /** When the present expectation began. */
  readonly since: MonoMs;
  readonly intended: Fact;
  readonly forwarded: Fact;
  readonly received: Fact;
  readonly encryption: Encryption | undefined;
  /** Why its receiver cannot read what comes, by its own word. */
  readonly unreadable: Unreadable | undefined;
  /** sfu, video: in which layer, and why. */
  readonly layer: LayerChoice | undefined;
  /** sfu: how it is forwarded now. */
  readonly attached: { readonly fromMid: string; readonly toMid: string } | null;
  readonly replay: Replay | null;
  readonly due: MonoMs | undefined;
}

/** A running repair of one row. */
export interface Replay {
  readonly hop: Hop;
  readonly step: ReplayStep;
  /** Steps taken in this replay, this one counted. */
  readonly attempt: number;
  readonly since: WallMs;
  readonly began: MonoMs;
  /** Rounds of the whole ladder that did not help. */
  readonly rounds: number;
  /** How often the ladder began anew because the facts moved to another hop. */
  readonly moves: number;
  readonly until: MonoMs;
  readonly resting: boolean;
  /** Whether the steps that somebody has to be asked for are taken for the second time, or were. */
  readonly again: boolean;
  /** Whether the step shares a request that was made before, for another row or another fault. */
  readonly merged: boolean;
}

/** Mesh: two members and their session. */
export interface PairRecord {
  readonly pair: Pair;
  readonly since: MonoMs;
  /** When the answer to its first offer passed. */
  readonly answeredAt: MonoMs | undefined;
  /** When media was first received over it, either way. */
  readonly establishedAt: MonoMs | undefined;
  /** By participant: the state of the transport at its end, by its own word. */
  readonly transports: Readonly<Record<string, TransportState>>;
  /** When an end first said that it is connected. */
  readonly upAt: MonoMs | undefined;
  /** Since when an end says that it is not any more; undefined while it holds. */
  readonly downAt: MonoMs | undefined;
  /** When it is to be renewed, after one end hung up. */
  readonly renewAt: MonoMs | undefined;
  /** When an offer without an answer is to be told again, and how often it was. */
  readonly tellAt: MonoMs | undefined;
  readonly tells: number;
  /** Renewals since the last answer. */
  readonly renewals: number;
  /** The signals of its first negotiation, to tell again what was lost; empty once media came through. */
  readonly signals: readonly { readonly from: string; readonly signal: Signal }[];
}

/** Names two members regardless of order. */
export function pairKey(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
