export type { CallOptions } from "./call-desk.ts";
export {
  type CallLedgerEffect,
  type CallLedgerInput,
  type CallLedgerState,
  createCallLedger,
} from "./call-ledger.ts";
export type { CallRow } from "./call-truth.ts";
export type { JoinOptions } from "./join-options.ts";
export { Participant } from "./participant.ts";
export type {
  LinkStateName,
  Membership,
  ParticipantEvents,
  RoomPlace,
  SessionView,
  StandingWords,
} from "./participant-events.ts";
export type { ParticipantOptions } from "./participant-options.ts";
export type {
  ParticipantPorts,
  PeerDriver,
  PeerEffect,
  PeerPort,
  PeerSpec,
  SessionKey,
  SessionUse,
  SocketHandle,
  SocketHandlers,
  SocketPort,
} from "./ports.ts";
export type { Observation } from "./reception.ts";
export { sessionIdOf } from "./session-table.ts";
