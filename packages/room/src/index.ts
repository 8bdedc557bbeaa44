export { applyEvent } from "./apply-event.ts";
export {
  DEFAULT_REPLAY_WAIT_MS,
  type Hop,
  LONE_LADDERS,
  RECEIVER_STATE_OF,
  REPLAY_LADDERS,
  type ReceiverState,
  STANDING_EDGES,
} from "./ladder.ts";
export { ledgerOf } from "./ledger.ts";
export { NO_SOURCES } from "./media-state.ts";
export { createMember, MEMBER_EDGES, ownSources } from "./member.ts";
export { nextCommandId } from "./member-commands.ts";
export { intentsOf, sourcesOf } from "./member-turn.ts";
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
export { restoreRoom } from "./restore-room.ts";
export { createRoom, type RoomOptions } from "./room.ts";
export type { MediaOp, RoomEffect, UnbindCode } from "./room-effect.ts";
export type { JoinInput, RoomInput, RoomMessage, TransportState } from "./room-input.ts";
export { type RoomChanges, type RoomDrop, type RoomRecord, roomChanges, roomDrops } from "./room-records.ts";
export {
  type MediaSession,
  type ModeratorMute,
  type PairRecord,
  type Place,
  type Published,
  pairKey,
  type Replay,
  type RoomState,
  type Row,
  type TailEvent,
  type Verdict,
} from "./room-state.ts";
export { constantTimeEqual } from "./secret.ts";
export { defaultRoomSettings, type RoomLeases, type RoomSettings } from "./settings.ts";
export { assignSlots, type SlotCandidate, sameSlots } from "./slot-table.ts";
