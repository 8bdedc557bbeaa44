export { type ErrorCode, LodelineError } from "@lodeline/base";
export type { CallRow } from "@lodeline/participant";
export {
  type EndReason,
  type LeaveReason,
  type LedgerRow,
  type Moderation,
  type Presence,
  type Role,
  SERVER_PEER_IDENTITY,
  type Source,
  type Standing,
  type Topology,
} from "@lodeline/protocol";
export type {
  ActiveCall,
  Call,
  CallEvents,
  CallOptions,
  CallState,
} from "./api/call-api.ts";
export type { ClientEvents, ClientOptions, LinkState, LodelineClient, PlaceStorage } from "./api/client-api.ts";
export type { Decryption, EncryptionOptions, KeyProvider, RoomEncryption } from "./api/encryption-api.ts";
export type {
  DeviceChoice,
  DeviceProblem,
  DeviceWish,
  LocalSource,
  LocalState,
  ScreenOptions,
  ScreenSource,
  ShownSize,
  TrackTruth,
  TrackWords,
} from "./api/media-api.ts";
export type { TeardownReceipt, TeardownStep } from "./api/receipt.ts";
export type {
  ActivePath,
  JoinOptions,
  PlanStep,
  RemoteParticipant,
  Room,
  RoomConnection,
  RoomEvents,
  ScalabilityMode,
  SelfParticipant,
} from "./api/room-api.ts";
export { createClient } from "./client.ts";
export { type DeviceInfo, type Devices, listDevices, watchDevices } from "./devices/list.ts";
export { openPreview, type Preview, type PreviewOptions } from "./devices/preview.ts";
export { explainDevice } from "./devices/problems.ts";
export { type AttachOptions, attachAudio, attachVideo } from "./view/attach.ts";
