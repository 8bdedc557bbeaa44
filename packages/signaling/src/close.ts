import { type ErrorCode, isErrorCode, LodelineError } from "@lodeline/base";
import { CLOSE_CODES } from "@lodeline/protocol";

/** The close code that goes with an error; where none is named, the server is at fault. */
const CLOSE_CODE_OF: Partial<Record<ErrorCode, number>> = {
  "protocol/malformed": CLOSE_CODES.malformed,
  "protocol/unknown-type": CLOSE_CODES.malformed,
  "protocol/too-large": CLOSE_CODES.tooLarge,
  "protocol/version": CLOSE_CODES.version,
  "protocol/rate-limited": CLOSE_CODES.rateLimited,
  "protocol/sequence-gap": CLOSE_CODES.sequenceGap,
  "protocol/out-of-turn": CLOSE_CODES.sequenceGap,
  "link/hello-timeout": CLOSE_CODES.helloTimeout,
  "link/lost": CLOSE_CODES.linkLost,
  "link/replaced": CLOSE_CODES.replaced,
  "link/slow-consumer": CLOSE_CODES.slowConsumer,
  "link/resume-impossible": CLOSE_CODES.slowConsumer,
  "link/closed": CLOSE_CODES.normal,
  "auth/token-missing": CLOSE_CODES.unauthorized,
  "auth/token-malformed": CLOSE_CODES.unauthorized,
  "auth/token-expired": CLOSE_CODES.unauthorized,
  "auth/token-foreign": CLOSE_CODES.unauthorized,
  "auth/origin": CLOSE_CODES.forbidden,
  "auth/forbidden": CLOSE_CODES.forbidden,
  "auth/room-denied": CLOSE_CODES.forbidden,
  "server/draining": CLOSE_CODES.goingAway,
};

/** The WebSocket close code for an error that ends a socket: one of CLOSE_CODES. */
export function closeCodeOf(code: ErrorCode): number {
  return CLOSE_CODE_OF[code] ?? CLOSE_CODES.internal;
}

/** What a client does about a closed socket. */
export type CloseReaction =
  /** Reconnect and resume. */
  | "resume"
  /** Reconnect, but start anew: what is unacknowledged must not be said again. */
  | "renew"
  /** Do not reconnect. */
  | "stop";

/** What a client does about a close code. Codes it does not know, such as 1006, are accidents of the network. */
export function reactionTo(code: number): CloseReaction {
  switch (code) {
    case CLOSE_CODES.tooLarge:
      return "renew";
    case CLOSE_CODES.normal:
    case CLOSE_CODES.malformed:
    case CLOSE_CODES.unauthorized:
    case CLOSE_CODES.forbidden:
    case CLOSE_CODES.replaced:
    case CLOSE_CODES.version:
      return "stop";
    default:
      return "resume";
  }
}

/**
 * The error that a close stands for, where no `fatal` frame has said it better.
 *
 * @param reason - Of the close, RFC 6455 section 7.1.6: a server says the error's code there, which is more than the
 * close code tells. Anything that does not belong to the close code is ignored.
 */
export function errorOfClose(code: number, reason = ""): LodelineError {
  if (isErrorCode(reason) && CLOSE_CODE_OF[reason] === code) return new LodelineError(reason);
  const known = CODE_OF_CLOSE[code];
  return new LodelineError(known ?? "link/lost", known ? {} : { detail: `The socket was closed (${code}).` });
}

const CODE_OF_CLOSE: Readonly<Record<number, ErrorCode>> = {
  [CLOSE_CODES.normal]: "link/closed",
  [CLOSE_CODES.goingAway]: "server/draining",
  [CLOSE_CODES.tooLarge]: "protocol/too-large",
  [CLOSE_CODES.slowConsumer]: "link/slow-consumer",
  [CLOSE_CODES.malformed]: "protocol/malformed",
  [CLOSE_CODES.unauthorized]: "auth/token-malformed",
  [CLOSE_CODES.forbidden]: "auth/forbidden",
  [CLOSE_CODES.helloTimeout]: "link/hello-timeout",
  [CLOSE_CODES.replaced]: "link/replaced",
  [CLOSE_CODES.sequenceGap]: "protocol/sequence-gap",
  [CLOSE_CODES.version]: "protocol/version",
  [CLOSE_CODES.rateLimited]: "protocol/rate-limited",
  [CLOSE_CODES.internal]: "server/internal",
};

/** A browser may close with 1000 and 3000 to 4999 only (WebSocket standard, close()). */
export function closableCode(code: number): number {
  return code === 1000 || code >= 3000 ? code : CLOSE_CODES.internal;
}
