export type { CallOptions } from "./call-desk.ts";
export { Participant, type ParticipantOptions } from "./participant.ts";
export type {
  LinkStateName,
  Membership,
  ParticipantEvents,
  RoomPlace,
  SessionView,
  StandingWords,
} from "./participant-events.ts";
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
export type { JoinOptions } from "./room-seat.ts";
export { sessionIdOf } from "./session-table.ts";
