export { backoffMs } from "./backoff.ts";
export { ClientLink } from "./client-link.ts";
export { type CloseReaction, closeCodeOf, errorOfClose, reactionTo } from "./close.ts";
export { errorMessage } from "./error-message.ts";
export { Fifo } from "./fifo.ts";
export { fatalText, type HelloRead, readHello } from "./hello.ts";
export type {
  Attachment,
  ClientLinkOptions,
  ClientLinkOutput,
  ClientLinkState,
  LinkCredentials,
  LinkTimers,
  ServerLinkImage,
  ServerLinkOptions,
  ServerLinkOutput,
  ServerLinkState,
} from "./link-types.ts";
export { secretsEqual } from "./secret.ts";
export { ServerLink } from "./server-link.ts";
export type { Signaller, SignallerEvents } from "./signaller.ts";
export { type Admission, type Rate, TokenBucket } from "./token-bucket.ts";
