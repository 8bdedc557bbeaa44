/** What the receiver of an error may sensibly do next. */
export type Retry =
  /** Nothing: the same request will fail again. */
  | "never"
  /** Try again later, with growing waits. */
  | "backoff"
  /** Negotiate anew, then try again. */
  | "renegotiate"
  /** Ask the person: another device, a permission, a new link. */
  | "ask-person";

/**
 * Every error code that crosses a package or the network. A code, once released, is never renamed or given another
 * meaning. `docs/errors.md` is generated from this table and checked against it.
 */
export const ERROR_CODES = {
  "protocol/malformed": { retry: "never", summary: "The message is not valid JSON or does not fit its schema." },
  "protocol/too-large": { retry: "never", summary: "The message, or a part of it, is larger than the limit." },
  "protocol/unknown-type": { retry: "never", summary: "No message of this type exists in this protocol version." },
  "protocol/out-of-turn": { retry: "never", summary: "The message is valid but not at this point." },
  "protocol/version": { retry: "never", summary: "The other side speaks no protocol version in common." },
  "protocol/rate-limited": { retry: "backoff", summary: "More messages than the limit allows." },
  "protocol/sequence-gap": { retry: "backoff", summary: "A numbered frame is missing; the link resumes." },
  "link/hello-timeout": { retry: "backoff", summary: "The socket did not say hello in time." },
  "link/lost": { retry: "backoff", summary: "The link heard nothing for the whole heartbeat window." },
  "link/resume-impossible": {
    retry: "backoff",
    summary: "The link cannot be resumed; state is sent whole on a new one.",
  },
  "link/replaced": { retry: "never", summary: "The same link was resumed on another socket." },
  "link/slow-consumer": { retry: "backoff", summary: "The receiver does not read fast enough." },
  "link/closed": { retry: "never", summary: "The link was closed on purpose." },
  "auth/token-missing": { retry: "ask-person", summary: "The hello carries no token." },
  "auth/token-malformed": { retry: "ask-person", summary: "The token is not a JWT that this server can read." },
  "auth/token-expired": { retry: "ask-person", summary: "The token has expired." },
  "auth/token-foreign": { retry: "ask-person", summary: "The token was not signed for this server." },
  "auth/room-denied": { retry: "ask-person", summary: "The token does not allow this room." },
  "auth/forbidden": { retry: "never", summary: "The role or grant does not allow this." },
  "auth/origin": { retry: "never", summary: "The page's origin is not on the allow-list." },
  "room/full": { retry: "backoff", summary: "The room is at its participant limit." },
  "room/locked": { retry: "ask-person", summary: "A moderator locked the room." },
  "room/ended": { retry: "never", summary: "A moderator ended the room for all." },
  "room/exists": { retry: "never", summary: "A room of this name is there already; it keeps its settings." },
  "room/unknown": { retry: "never", summary: "No room of this name is open." },
  "room/not-member": { retry: "never", summary: "The sender is not in the room." },
  "room/already-member": { retry: "never", summary: "The sender is in a room already; leave it first." },
  "room/unknown-participant": { retry: "never", summary: "No such participant in the room." },
  "room/unknown-publication": { retry: "never", summary: "No such publication in the room." },
  "room/stale-revision": { retry: "never", summary: "A newer revision of this state is known already." },
  "room/topology": { retry: "never", summary: "The room has the other topology." },
  "room/removed": { retry: "ask-person", summary: "A moderator removed the participant." },
  "room/replaced": { retry: "never", summary: "The same participant joined again elsewhere and took the place." },
  "room/lease-expired": { retry: "backoff", summary: "The participant was not heard of for the whole lease." },
  "room/bad-rejoin": { retry: "backoff", summary: "The rejoin token does not fit a present participant; join as new." },
  "session/not-initiator": { retry: "never", summary: "Only the assigned initiator may offer in this negotiation." },
  "session/unknown": { retry: "never", summary: "No such session, or its epoch has passed." },
  "session/setup-timeout": { retry: "backoff", summary: "The negotiation did not lead to a connection in time." },
  "session/connection-failed": { retry: "backoff", summary: "ICE or DTLS failed and could not be restarted." },
  "session/plan-failed": {
    retry: "backoff",
    summary: "A step of the start or stop plan failed; what was done was undone.",
  },
  "session/not-active": { retry: "never", summary: "The session is not Active, so there is no live media yet." },
  "call/unreachable": { retry: "backoff", summary: "The person called is not connected." },
  "call/self": { retry: "never", summary: "A person cannot call their own identity." },
  "sdp/unusable": { retry: "never", summary: "The description cannot be used; the detail names the line." },
  "candidate/refused": { retry: "never", summary: "The candidate is malformed or belongs to another negotiation." },
  "candidate/too-many": { retry: "never", summary: "More candidates than one negotiation may carry." },
  "media/closed": { retry: "never", summary: "The transport, publication or forwarder is closed." },
  "media/unknown-section": {
    retry: "renegotiate",
    summary: "No such section (mid) was negotiated, or it has another kind.",
  },
  "media/no-slot": { retry: "renegotiate", summary: "The receiver has no free receive slot of this kind." },
  "media/engine-lost": {
    retry: "backoff",
    summary: "The media worker or process that held this is gone.",
  },
  "media/engine-busy": { retry: "backoff", summary: "More is asked of the media engine than it answers." },
  "media/bind-failed": { retry: "backoff", summary: "No socket could be opened for media." },
  "device/denied": { retry: "ask-person", summary: "The person or the browser's settings refused the device." },
  "device/missing": { retry: "ask-person", summary: "No such device is connected." },
  "device/busy": { retry: "ask-person", summary: "Another program holds the device." },
  "device/ended": { retry: "ask-person", summary: "The device stopped: unplugged, or permission was withdrawn." },
  "device/unsupported": { retry: "never", summary: "This browser, page or platform offers no such capture." },
  "data/not-open": { retry: "renegotiate", summary: "The data channel is not open." },
  "data/too-many": { retry: "never", summary: "The connection is at its limit of data channels." },
  "data/queue-full": { retry: "backoff", summary: "The data channel's queue is at its limit." },
  "http/not-found": { retry: "never", summary: "There is nothing at this path." },
  "encryption/unsupported": { retry: "never", summary: "This browser cannot encrypt frames, or not this codec." },
  "encryption/missing-key": {
    retry: "ask-person",
    summary: "The frame was encrypted with a key that is not known here.",
  },
  "encryption/malformed": { retry: "never", summary: "The encrypted frame is cut off or no SFrame at all." },
  "encryption/exhausted": {
    retry: "never",
    summary: "As much was encrypted with this key as is safe: a new one is needed.",
  },
  "encryption/not-readable": {
    retry: "never",
    summary: "The server cannot take part in what is encrypted end to end.",
  },
  "server/draining": { retry: "backoff", summary: "The server is shutting down." },
  "server/internal": { retry: "backoff", summary: "A fault in the server; it is logged there." },
  "storage/locked": { retry: "backoff", summary: "Another server uses the data directory." },
  "storage/unreadable": { retry: "never", summary: "The kept state is damaged, or no server of this kind wrote it." },
  "storage/version": {
    retry: "never",
    summary: "The kept state was written by another version that this one cannot read.",
  },
  "storage/unwritable": { retry: "never", summary: "The data directory cannot be made or written." },
  "storage/full": {
    retry: "backoff",
    summary: "The kept state has no room to grow; nothing more is kept.",
  },
  "config/no-key": { retry: "never", summary: "The server needs a signing key." },
  "config/invalid": { retry: "never", summary: "An option or a setting is not valid." },
  aborted: { retry: "never", summary: "The caller's AbortSignal ended it." },
  timeout: { retry: "backoff", summary: "A named deadline passed." },
} as const satisfies Record<string, { readonly retry: Retry; readonly summary: string }>;

/** One of Lodeline's error codes. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Whether a string is one of Lodeline's error codes, for text that came from outside. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERROR_CODES, text);
}
