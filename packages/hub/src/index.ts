export { Hub } from "./hub.ts";
export type { HubEvents, HubOptions, HubStatus, RoomObserver, SessionObserver, StepTold } from "./hub-types.ts";
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
  Recipient,
  ServerPeerPort,
} from "./ports.ts";
export type { RoomView } from "./room-view.ts";
