import type { LodelineError } from "@lodeline/base";
import type { Candidate, EndReason, Offer, Signal, Timers } from "@lodeline/protocol";
import type { PlanStep, SessionRole } from "./plans.ts";
import type { EndedBy, Owned, StepOutcome, TeardownReceipt } from "./receipt.ts";
import type { SessionState } from "./session-state.ts";

/** What one `PeerSession` is made for. */
export interface SessionOptions {
  /** Who this end is: an identity in a call, a participant in a pair, a participant or `sfu` there. */
  readonly localId: string;
  /** Who the other end is. Every signal fed in comes from it. */
  readonly remoteId: string;
  /** `call`: begun with `call:init`; `pair` and `sfu`: begun by `assign`, without ringing. */
  readonly use: "call" | "pair" | "sfu";
  /** The waits. Used here: noAnswer, ringing, negotiating, ending, recovery, iceRestart. */
  readonly timers: Timers;
  /** Whether the session has a data channel. Without it steps 6 of both plans are skipped. */
  readonly dataChannel: boolean;
  /**
   * Whether the session opens and releases capture devices itself. False where they belong to someone else (a room's
   * participant, a server): the capture steps are skipped. Default true.
   */
  readonly captures?: boolean | undefined;
}

/** What a step of a plan reports when it is done. */
export interface StepValue {
  /** What the step opened or gave back. Feeds the teardown receipt. */
  readonly owned?: readonly Owned[] | undefined;
}

/** W3C RTCPeerConnectionState. */
export type ConnectionState = "new" | "connecting" | "connected" | "disconnected" | "failed" | "closed";

/** Which plan a step belongs to. `undo` takes a step of the start plan back. */
export type PlanName = "start" | "stop" | "undo";

/**
 * What a `PeerSession` is told. Whatever comes from the world (steps, descriptions, transport, data) names the session
 * it belongs to, so that a result which arrives after its session's end touches no later one.
 */
export type SessionInput =
  /** Call the remote. Only where `use` is `call`. While it rings from there, the same as `accept`. */
  | {
      readonly kind: "call";
      /** A new session id, made by the caller (`createId(random, "s")`). */
      readonly session: string;
      readonly audio: boolean;
      readonly video: boolean;
      readonly name: string;
    }
  /** Begin a session whose offerer is known. While another runs, that one ends with `replaced` first. */
  | { readonly kind: "assign"; readonly session: string; readonly role: SessionRole }
  | { readonly kind: "accept" }
  | { readonly kind: "reject"; readonly reason: EndReason }
  /**
   * End whatever there is: a ringing call is rejected, an outgoing one withdrawn. With `page-closed` every step of the
   * teardown is started at once, in order, since nothing can be awaited there.
   */
  | { readonly kind: "end"; readonly reason: EndReason }
  /** From the remote. `seq` 0 is exempt from the check for doubles: an offer in `join` and an answer in `joined` have none. */
  | { readonly kind: "signal"; readonly signal: Signal }
  | {
      readonly kind: "step-done";
      readonly session: string;
      readonly plan: PlanName;
      readonly step: PlanStep;
      readonly value?: StepValue | undefined;
    }
  /**
   * A step failed and has cleaned up after itself. `fatal` false (a refused camera): the plan goes on without it.
   * Fatal or not is heeded in the start plan alone; a teardown always goes on.
   */
  | {
      readonly kind: "step-failed";
      readonly session: string;
      readonly plan: PlanName;
      readonly step: PlanStep;
      readonly error: LodelineError;
      readonly fatal: boolean;
    }
  /** Answers `create-offer`: the offer is made and set as the local description. */
  | { readonly kind: "offer-created"; readonly session: string; readonly epoch: number; readonly offer: Offer }
  /** Answers `apply-offer`: offer set, answer made and set. */
  | { readonly kind: "answer-created"; readonly session: string; readonly epoch: number; readonly sdp: string }
  /** Answers `apply-answer`. */
  | { readonly kind: "answer-applied"; readonly session: string; readonly epoch: number }
  /** Answers any of the three with a failure. */
  | {
      readonly kind: "description-failed";
      readonly session: string;
      readonly epoch: number;
      readonly error: LodelineError;
    }
  /** A candidate of this end was gathered, in this epoch. It is sent to the remote. */
  | {
      readonly kind: "local-candidate";
      readonly session: string;
      readonly epoch: number;
      readonly candidate: Candidate;
    }
  /** An `add-candidate` failed. Told to the remote, changes nothing else. */
  | {
      readonly kind: "candidate-failed";
      readonly session: string;
      readonly epoch: number;
      readonly error: LodelineError;
    }
  | { readonly kind: "transport"; readonly session: string; readonly connection: ConnectionState }
  | { readonly kind: "data"; readonly session: string; readonly open: boolean }
  /** Negotiate anew: the offerer offers, the answerer asks for it. `why` goes into the record. */
  | { readonly kind: "renegotiate"; readonly why: string; readonly iceRestart: boolean }
  /** Say something of the call's ledger to the other end. Nothing happens without a connection. */
  | { readonly kind: "tell"; readonly body: LedgerBody };

/** What two ends of a call say about their media; the session only carries it. */
export type LedgerBody = Extract<Signal["body"], { kind: "receipt" | "replay-request" }>;

/** What the world must do for a `PeerSession`. Results come back as inputs. */
export type SessionEffect =
  /** Send to the remote, in order. */
  | { readonly kind: "send"; readonly signal: Signal }
  /** Perform a step; answer with `step-done` or `step-failed`, once. */
  | { readonly kind: "run"; readonly session: string; readonly plan: "start" | "stop"; readonly step: PlanStep }
  /** Take a start step back; answer with `step-done` or `step-failed` of plan `undo`. Undoing twice does nothing. */
  | { readonly kind: "undo"; readonly session: string; readonly step: PlanStep }
  /** Make an offer and set it; answer with `offer-created` or `description-failed`. */
  | {
      readonly kind: "create-offer";
      readonly session: string;
      readonly epoch: number;
      readonly iceRestart: boolean;
    }
  /** Set the offer, make an answer, set it; answer with `answer-created` or `description-failed`. */
  | { readonly kind: "apply-offer"; readonly session: string; readonly epoch: number; readonly offer: Offer }
  /** Set the answer; answer with `answer-applied` or `description-failed`. */
  | { readonly kind: "apply-answer"; readonly session: string; readonly epoch: number; readonly sdp: string }
  /** Add a remote candidate. Its description is set already. */
  | {
      readonly kind: "add-candidate";
      readonly session: string;
      readonly epoch: number;
      readonly candidate: Candidate;
    }
  | { readonly kind: "emit"; readonly event: SessionEvent };

/** What a `PeerSession` tells its owner. Every event names its session. */
export type SessionEvent =
  | {
      readonly kind: "stateChanged";
      readonly session: string;
      readonly state: SessionState["kind"];
      readonly previous: SessionState["kind"];
      /** Why, in words of the input that caused it; the end reason on `Ending` and `Ended`. */
      readonly reason: string;
    }
  /** Somebody calls: answer with `accept` or `reject`. */
  | {
      readonly kind: "incoming";
      readonly session: string;
      readonly name: string;
      readonly audio: boolean;
      readonly video: boolean;
    }
  /** Both called each other: the session `from` lives on as `session`. */
  | { readonly kind: "merged"; readonly session: string; readonly from: string }
  /** A step is over. */
  | {
      readonly kind: "step";
      readonly session: string;
      readonly plan: PlanName;
      readonly step: PlanStep;
      readonly outcome: StepOutcome;
      readonly durationMs: number;
      readonly error?: LodelineError | undefined;
    }
  /** A negotiation is settled: both descriptions of this epoch are in place. */
  | {
      readonly kind: "negotiated";
      readonly session: string;
      readonly epoch: number;
      readonly iceRestart: boolean;
      readonly durationMs: number;
    }
  /** Media readiness: tracks are enabled on a connected transport. */
  | { readonly kind: "media"; readonly session: string; readonly ready: boolean }
  /** Data readiness: the data channel is open. Says nothing about media. */
  | { readonly kind: "data"; readonly session: string; readonly ready: boolean }
  | { readonly kind: "interrupted"; readonly session: string; readonly connection: ConnectionState }
  /** The other end of a call said something about its media. */
  | { readonly kind: "told"; readonly session: string; readonly body: LedgerBody }
  | { readonly kind: "recovered"; readonly session: string; readonly durationMs: number }
  | {
      readonly kind: "ended";
      readonly session: string;
      readonly reason: EndReason;
      readonly by: EndedBy;
      readonly receipt: TeardownReceipt;
    }
  /** A step answered after its session had ended: a late permission, a slow device. It was taken back. */
  | {
      readonly kind: "released-late";
      readonly session: string;
      readonly step: PlanStep;
      readonly owned: readonly Owned[];
    }
  /** Something was refused, here (`by` local: it was told to the remote where it came from there) or by the remote. */
  | {
      readonly kind: "refused";
      readonly session: string;
      readonly by: "local" | "remote";
      readonly error: LodelineError;
      readonly epoch: number;
    };
