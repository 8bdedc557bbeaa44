export {
  DEFAULT_REPLAY_WAIT_MS,
  type Hop,
  RECEIVER_STATE_OF,
  REPLAY_LADDERS,
  type ReceiverState,
  STANDING_EDGES,
} from "./ladder.ts";
export type {
  Changed,
  Intent,
  Intents,
  JoinOffer,
  JoinRequest,
  MemberEffect,
  MemberInput,
  MemberOptions,
  MemberPhase,
  MemberState,
  Mirror,
  Observed,
  PendingCommand,
} from "./member-types.ts";
export type { MediaOp, RoomEffect, UnbindCode } from "./room-effect.ts";
export type { JoinInput, RoomInput, RoomMessage, TransportState } from "./room-input.ts";
export {
  type MediaSession,
  type PairRecord,
  type Place,
  type Published,
  pairKey,
  type Replay,
  type RoomState,
  type Row,
  type TailEvent,
} from "./room-state.ts";
export { defaultRoomSettings, type RoomSettings } from "./settings.ts";
