export { CLOSE_CODES, type CloseReason } from "./close-codes.ts";
export {
  type ClientFrame,
  clientFrame,
  type Fatal,
  fatal,
  type Hello,
  hello,
  type ServerFrame,
  serverFrame,
  type Welcome,
  welcome,
} from "./frames.ts";
export {
  type Fact,
  fact,
  type LedgerRow,
  ledgerRow,
  REPLAY_STEPS,
  type ReplayStep,
  replayStep,
  type Standing,
  standing,
} from "./ledger.ts";
export { LIMITS } from "./limits.ts";
export {
  type ClientMessage,
  clientMessage,
  type IceServer,
  iceServer,
  type Moderation,
  moderation,
  type PairReceipt,
  type PublishedReceipt,
  pairReceipt,
  publishedReceipt,
  type ReceivedReceipt,
  receivedReceipt,
  type ServerMessage,
  type Slot,
  type Slots,
  serverMessage,
  slot,
  slots,
  type View,
  view,
} from "./messages.ts";
export { parseClientFrame, parseServerFrame } from "./parse.ts";
export type { Parsed } from "./parsed.ts";
export {
  type Presence,
  presence,
  type Role,
  role,
  type Source,
  source,
  type Topology,
  type TrackKind,
  topology,
  trackKind,
} from "./primitives.ts";
export { parsePublicationId, publicationId, subscriptionId } from "./publication-id.ts";
export { readServerFrame } from "./read-server-frame.ts";
export {
  type LeaveReason,
  leaveReason,
  type MediaState,
  mediaState,
  type NumberedEvent,
  numberedEvent,
  type Pair,
  type ParticipantInfo,
  pair,
  participantInfo,
  type RoomEvent,
  type RoomSnapshot,
  roomEvent,
  roomSnapshot,
  type SourceState,
  type Sources,
  sourceState,
  sources,
} from "./room-state.ts";
export {
  type CallReceived,
  type CallSent,
  type Candidate,
  callReceived,
  callSent,
  candidate,
  type EndReason,
  endReason,
  type Offer,
  offer,
  type ReceiveSection,
  receiveSection,
  type SendSection,
  type Signal,
  type SignalBody,
  sendSection,
  signal,
  signalBody,
} from "./session-signal.ts";
export { kindOf, SOURCES } from "./sources.ts";
export { DEFAULT_TIMERS, type Timers } from "./timers.ts";
export { LINK_PATH, PROTOCOL_VERSION, SERVER_PEER_IDENTITY, SUBPROTOCOL } from "./version.ts";
