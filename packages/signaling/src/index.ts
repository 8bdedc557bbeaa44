export type {
  Attachment,
  ClientLinkOptions,
  ClientLinkOutput,
  ClientLinkState,
  LinkCredentials,
  LinkTimers,
  ServerLinkOptions,
  ServerLinkOutput,
  ServerLinkState,
} from "./link-types.ts";
export type { Signaller, SignallerEvents } from "./signaller.ts";
