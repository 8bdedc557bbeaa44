import type { MonoMs } from "@lodeline/base";
import type { Candidate, EndReason, Offer, Signal } from "@lodeline/protocol";
import type { PlanStep, SessionRole, StartStep } from "./plans.ts";
import type { EndedBy, Owned, TeardownReceipt, TeardownStep } from "./receipt.ts";
import type { Said } from "./say-again.ts";
import type { ConnectionState, SessionInput } from "./session-io.ts";

/** What outlives a session: enough to keep the late words of an earlier one out of a later one. */
export interface SessionMemory {
  /** Sessions that are over, newest last, at most 16. */
  readonly past: readonly { readonly session: string; readonly reason: EndReason }[];
  /** Signals of sessions that have not begun here, oldest first. */
  readonly held: readonly { readonly signal: Signal; readonly atMs: MonoMs }[];
  /** What to begin when the present session is over. */
  readonly next: Extract<SessionInput, { kind: "call" | "assign" }> | undefined;
}

/** Which numbers of the other end were seen. */
export interface ReceivedNumbers {
  /** Every number up to this one counts as seen. */
  readonly upTo: number;
  /** Numbers seen above it, ascending. */
  readonly beyond: readonly number[];
}

/** Remote candidates by negotiation. */
export interface CandidateQueue {
  /** The epoch whose remote description is in place; 0 before the first. */
  readonly open: number;
  /** The first epoch whose candidates still hold: raised by an ICE restart. */
  readonly generation: number;
  /** The ICE user name fragments of the remote description in place; empty where it names none. */
  readonly ufrags: readonly string[];
  /** How many candidates of `open` and later epochs came, by epoch. */
  readonly counts: Readonly<Record<number, number>>;
  /** Candidates whose description is not in place yet, in order of arrival. */
  readonly waiting: readonly { readonly epoch: number; readonly candidate: Candidate }[];
}

/** Where the exchange of descriptions stands. */
export interface Negotiation {
  /** The last epoch offered (offerer) or taken up (answerer); 0 before the first. */
  readonly epoch: number;
  /** Offerer: creating, offered, applying. Answerer: answering. */
  readonly phase: "stable" | "creating" | "offered" | "applying" | "answering";
  readonly iceRestart: boolean;
  /** When the present negotiation began. */
  readonly sinceMs: MonoMs;
  /** Negotiations in a row that came to nothing. */
  readonly failures: number;
  /** Asked for and not begun: at the earliest at `atMs`, once stable. */
  readonly wanted: { readonly why: string; readonly iceRestart: boolean; readonly atMs: MonoMs } | undefined;
  /** When the last ICE restart began or was asked for. */
  readonly restartedMs: MonoMs | undefined;
  /** The ICE user name fragments of the remote description that is being applied. */
  readonly ufrags: readonly string[];
  /** Offerer: the offer that is out, while its answer may have been lost. Answerer: the answer to the present epoch. */
  readonly said: Said | undefined;
  /** Answerer: the newest offer that waits for its turn. */
  readonly offer: { readonly epoch: number; readonly offer: Offer } | undefined;
}

/** How far the start plan is. */
export interface StartProgress {
  /** Index of the present step in the twelve of the role; 12 when all are over. */
  readonly at: number;
  readonly sinceMs: MonoMs;
  /** The steps the world has performed, in order: what an unwinding takes back. */
  readonly done: readonly StartStep[];
  readonly owned: readonly Owned[];
}

/** What every state has that has a session. */
export interface Live {
  readonly memory: SessionMemory;
  readonly session: string;
  readonly role: SessionRole;
  /** The last number this end gave a signal of this session. */
  readonly sent: number;
  readonly received: ReceivedNumbers;
  readonly candidates: CandidateQueue;
  readonly negotiation: Negotiation;
}

/** What `Negotiating` and `Active` share. */
interface Connecting extends Live {
  readonly start: StartProgress;
  readonly connection: ConnectionState;
  /** Whether the data channel is open. */
  readonly data: boolean;
}

/** No session. */
export interface IdleState {
  readonly kind: "Idle";
  readonly memory: SessionMemory;
}

/** `call:init` is sent; the remote has not answered. */
export interface OutgoingInitState extends Live {
  readonly kind: "OutgoingInit";
  readonly deadlineMs: MonoMs;
  /** Its `call:init`. */
  readonly init: Said | undefined;
}

/** The remote calls; nobody here has decided. */
export interface IncomingInitState extends Live {
  readonly kind: "IncomingInit";
  readonly name: string;
  readonly audio: boolean;
  readonly video: boolean;
  readonly deadlineMs: MonoMs;
  /** When it is said next that it still rings here. */
  readonly sayMs: MonoMs;
}

/** The start plan runs: connection, devices, descriptions, candidates. No media yet. */
export interface NegotiatingState extends Connecting {
  readonly kind: "Negotiating";
  readonly deadlineMs: MonoMs;
}

/** An interruption of an active session. */
export interface Interruption {
  readonly sinceMs: MonoMs;
  /** Recovered by then, or ended with `connection-failed`. */
  readonly deadlineMs: MonoMs;
  /** When ICE is restarted (offerer) or a restart asked for (answerer) once more. */
  readonly retryMs: MonoMs;
}

/** The transport is connected (or is being recovered): media may flow. */
export interface ActiveState extends Connecting {
  readonly kind: "Active";
  readonly interrupted: Interruption | undefined;
  /** Whether step 12 is done. */
  readonly media: boolean;
}

/** Teardown runs. */
export interface EndingState {
  readonly kind: "Ending";
  readonly memory: SessionMemory;
  readonly session: string;
  readonly reason: EndReason;
  readonly by: EndedBy;
  /** `stop` after a complete start, `undo` of the done steps otherwise. */
  readonly plan: "stop" | "undo";
  readonly sinceMs: MonoMs;
  readonly deadlineMs: MonoMs;
  /** Steps not begun, in order. */
  readonly todo: readonly PlanStep[];
  /** Steps begun and not answered. More than one only when all were started at once. */
  readonly running: readonly { readonly step: PlanStep; readonly sinceMs: MonoMs }[];
  /** A start step that was running when the end came: its result is awaited, and taken back when it succeeds. */
  readonly pending: { readonly step: StartStep; readonly sinceMs: MonoMs } | undefined;
  /** Start every step at once. */
  readonly hurried: boolean;
  readonly steps: readonly TeardownStep[];
  readonly owned: readonly Owned[];
}

/** Over. Becomes `Idle` at the next tick, which is due at once. */
export interface EndedState {
  readonly kind: "Ended";
  readonly memory: SessionMemory;
  readonly session: string;
  readonly reason: EndReason;
  readonly by: EndedBy;
  readonly receipt: TeardownReceipt;
  readonly sinceMs: MonoMs;
}

/** The states in which there is, or is to be, a connection. */
export type ConnectingState = NegotiatingState | ActiveState;

/** The states in which the two ends talk about a session. */
export type LiveState = OutgoingInitState | IncomingInitState | ConnectingState;

/** The state of a `PeerSession`. */
export type SessionState =
  | IdleState
  | OutgoingInitState
  | IncomingInitState
  | NegotiatingState
  | ActiveState
  | EndingState
  | EndedState;
