export {
  type CallOptions,
  type JoinOptions,
  type Observation,
  Participant,
  type ParticipantOptions,
} from "./participant.ts";
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
  SocketHandle,
  SocketHandlers,
  SocketPort,
} from "./ports.ts";
