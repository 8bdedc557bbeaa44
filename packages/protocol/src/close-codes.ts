/**
 * WebSocket close codes a Lodeline server uses, and what the client does about each. 4000-4999 are an application's own
 * (RFC 6455 section 7.4.2).
 */
export const CLOSE_CODES = {
  /** Closed on purpose: `bye` was said. Do not reconnect. */
  normal: 1000,
  /** The server drains or the page leaves. Reconnect with backoff. */
  goingAway: 1001,
  /** A frame above the limit. Do not repeat it. */
  tooLarge: 1009,
  /** The reader was too slow. Reconnect. */
  slowConsumer: 1013,
  /** Not JSON, or not the protocol. Do not reconnect: it is a bug of the client. */
  malformed: 4400,
  /** Token missing, malformed, expired or foreign. Ask for another. */
  unauthorized: 4401,
  /** Origin or grant refused. */
  forbidden: 4403,
  /** No hello in time. Reconnect. */
  helloTimeout: 4408,
  /** The same link was resumed on another socket. Do not reconnect from this one. */
  replaced: 4409,
  /** A frame is missing or out of place. Reconnect at once and resume: nothing is lost. */
  sequenceGap: 4410,
  /** Nothing was heard for the whole heartbeat window. Reconnect and resume. */
  linkLost: 4411,
  /** No protocol version in common. */
  version: 4426,
  /** Far more messages than allowed. Reconnect with backoff. */
  rateLimited: 4429,
  /** A fault in the server. Reconnect with backoff. */
  internal: 4500,
} as const;

/** The name of a close code. */
export type CloseReason = keyof typeof CLOSE_CODES;
