import type { MonoMs } from "@lodeline/base";
import type { Standing, Timers } from "@lodeline/protocol";

/** What a reconciler is made with. */
export interface ReconcilerOptions {
  /** Used: receiptWindow, and lease as the longest wait between two requests for the same publication. */
  readonly timers: Pick<Timers, "receiptWindowMs" | "leaseMs">;
}

/**
 * Where the receiver of one publication stands. `Connected`: no media seen yet; `LiveMedia`: media is decoded;
 * `ReplayRequested`: it should be and is not, and the server was asked.
 */
export type ReceiverState = "Connected" | "LiveMedia" | "ReplayRequested";

/** What a reconciler is told. */
export type ReconcilerInput =
  /** The room says this publication should be received, since `since`. Repeated: nothing changes. */
  | {
      readonly kind: "expect";
      readonly publication: string;
      readonly mediaKind: "audio" | "video";
      readonly since: MonoMs;
      /** The count at that moment. Left out: the first observation is the base, and proves nothing by itself. */
      readonly count?: number | undefined;
    }
  /** It should no longer be received. */
  | { readonly kind: "forget"; readonly publication: string }
  /**
   * Evidence: frames decoded or audio packets played so far, never falling. A lower count than before is a counter that
   * began anew (another slot, another connection) and becomes the new base.
   */
  | { readonly kind: "observed"; readonly publication: string; readonly count: number };

/** What a reconciler wants done. */
export type ReconcilerEffect =
  /** The standing changed. `off` once, when the publication is forgotten. */
  | { readonly kind: "standing"; readonly publication: string; readonly standing: Standing }
  /** Tell the server. Repeated with growing waits while it stays missing. */
  | { readonly kind: "request-replay"; readonly publication: string; readonly why: string };

/** One expected publication. */
export interface ReconcilerRow {
  readonly publication: string;
  readonly mediaKind: "audio" | "video";
  readonly receiver: ReceiverState;
  readonly standing: Standing;
  /** The last count; undefined before the first. */
  readonly count: number | undefined;
  /** When media was last seen to move; when it was first expected, before that. */
  readonly progressMs: MonoMs;
  /** When it counts as missing, or is asked for again. */
  readonly dueMs: MonoMs;
  /** Requests sent since media last moved. */
  readonly requests: number;
}

/** What a reconciler knows. */
export interface ReconcilerState {
  /** In order of first expectation. */
  readonly rows: readonly ReconcilerRow[];
}
