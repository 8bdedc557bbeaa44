export type { CallEnd, CallView } from "./call-record.ts";
export { Hub } from "./hub.ts";
export type { HubEvents, HubOptions, HubStatus, RoomObserver, SessionObserver, StepTold } from "./hub-types.ts";
export { MemoryStore, type MemoryStoreOptions } from "./memory-store.ts";
export type {
  Authorization,
  AuthorizationPort,
  AuthorizationRequest,
  Grants,
  HubConnection,
  HubPorts,
  HubSocket,
  MediaFacts,
  MediaKey,
  MediaPort,
  Passing,
  Recipient,
  ServerPeerPort,
} from "./ports.ts";
export type { RoomDefinition } from "./room-definition.ts";
export type { RoomView } from "./room-view.ts";
export {
  type HubChanges,
  type HubImage,
  type HubStore,
  IMAGE_VERSION,
  type StoreDrop,
  type StoreKind,
  type StoreRecord,
} from "./store.ts";
