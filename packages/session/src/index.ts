export {
  type AbortSource,
  ActiveGate,
  type ActiveGateOptions,
  type ActiveScope,
  type ActiveStart,
} from "./active-gate.ts";
export { DataOutbox, type DataPolicy, type DataSent } from "./data-outbox.ts";
export {
  isLegal,
  labelOf,
  SESSION_EDGES,
  type SessionEdges,
  type SessionInputLabel,
  type SessionStateKind,
} from "./edges.ts";
export type { MediaBridge } from "./media-bridge.ts";
export { edgesToMermaid } from "./mermaid.ts";
export { createPeerSession } from "./peer-session.ts";
export {
  ANSWER_STEPS,
  CAPTURE_STEPS,
  CHANNEL_STEPS,
  type PlanStep,
  RUN_STEPS,
  type SessionRole,
  START_STEPS,
  STOP_STEPS,
  type StartStep,
  type StopStep,
  startSteps,
} from "./plans.ts";
export {
  type EndedBy,
  FINAL_STATES,
  isGivenBack,
  type Owned,
  type StepOutcome,
  type TeardownReceipt,
  type TeardownStep,
} from "./receipt.ts";
export { createReconciler, standingOf } from "./reconciler.ts";
export type {
  ReceiverState,
  ReconcilerEffect,
  ReconcilerInput,
  ReconcilerOptions,
  ReconcilerRow,
  ReconcilerState,
} from "./reconciler-types.ts";
export type {
  ConnectionState,
  LedgerBody,
  PlanName,
  SessionEffect,
  SessionEvent,
  SessionInput,
  SessionOptions,
  StepValue,
} from "./session-io.ts";
export type {
  ActiveState,
  CandidateQueue,
  EndedState,
  EndingState,
  IdleState,
  IncomingInitState,
  Interruption,
  NegotiatingState,
  Negotiation,
  OutgoingInitState,
  ReceivedNumbers,
  SessionMemory,
  SessionState,
  StartProgress,
} from "./session-state.ts";
