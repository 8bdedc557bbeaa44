export { Hub, type RoomView } from "./hub.ts";
export type { HubEvents, HubOptions, HubStatus } from "./hub-types.ts";
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
