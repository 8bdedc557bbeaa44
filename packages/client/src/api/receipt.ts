import type { EndReason } from "@lodeline/protocol";
import type { PlanStep, StepOutcome } from "@lodeline/session";

/** What became of everything a room or call owned. `clean` is the one thing to look at; the rest says why not. */
export interface TeardownReceipt {
  /** Why it ended. */
  readonly reason: EndReason;
  /** From the wish to end until everything was released. */
  readonly durationMs: number;
  /** True when every track is `ended`, every channel and connection `closed`, and no timer or listener is left. */
  readonly clean: boolean;
  /** Every capture track that was ever opened. */
  readonly tracks: readonly {
    readonly source: string;
    readonly id: string;
    readonly readyState: MediaStreamTrackState;
  }[];
  /** Every data channel. */
  readonly channels: readonly { readonly label: string; readonly readyState: RTCDataChannelState }[];
  /** Every peer connection, by session. */
  readonly connections: readonly { readonly session: string; readonly state: RTCPeerConnectionState }[];
  /** Timers still armed. */
  readonly timers: number;
  /** The steps of the stop plans, in the order they were done. */
  readonly steps: readonly TeardownStep[];
  /** What was not released within the ending deadline; empty when clean. */
  readonly left: readonly string[];
}

/** One step of a stop plan. */
export interface TeardownStep {
  readonly session: string;
  readonly step: PlanStep;
  readonly outcome: StepOutcome;
  readonly durationMs: number;
}
