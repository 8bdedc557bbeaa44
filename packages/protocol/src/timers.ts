/**
 * Every wait of the control plane, by name. Ends are exact: nothing happens a millisecond before. All can be configured
 * for a server or a client; a `joined` message carries the ones that both sides must share.
 */
export interface Timers {
  /** Caller: how long to wait for `accept` or `reject`. Ends with `no-answer`. */
  readonly noAnswerMs: number;
  /** Callee: how long it rings. Longer than `noAnswerMs`, so that the caller's word decides. Ends with `ringing-timeout`. */
  readonly ringingMs: number;
  /** From the start of the negotiation to a connected transport. Ends with `setup-timeout`. */
  readonly negotiatingMs: number;
  /** How long teardown may take before what is left is dropped and named in the receipt. Ends with `teardown-timeout`. */
  readonly endingMs: number;
  /** How long an interrupted session may take to recover by ICE restarts. Ends with `connection-failed`. */
  readonly recoveryMs: number;
  /** Between two ICE restarts of one interruption. */
  readonly iceRestartMs: number;
  /** How long captured, sent, forwarded and received may lag behind intended before a track is `missing`. */
  readonly receiptWindowMs: number;
  /** A receiver sends a receipt at least this often; it carries the last event it saw. */
  readonly receiptHeartbeatMs: number;
  /** A participant not heard of for this long is `suspect`. */
  readonly suspectMs: number;
  /** A participant not heard of for this long is `gone`: removed from the room. */
  readonly leaseMs: number;
  /** A participant whose page said goodbye is `suspect` at once and `gone` after this long: time enough for a reload. */
  readonly byeGraceMs: number;
  /** A socket that has not said a valid hello by then is closed. */
  readonly helloTimeoutMs: number;
  /** An idle link sends a ping this often. */
  readonly heartbeatMs: number;
  /** A link that has heard nothing for this long is lost. */
  readonly linkLostMs: number;
  /** How long the server keeps a lost link's buffers for a resume. */
  readonly resumeWindowMs: number;
  /** Frames are acknowledged after this long at the latest. */
  readonly ackDelayMs: number;
  /** First wait before a reconnect; doubles, with jitter. */
  readonly reconnectFirstMs: number;
  /** Longest wait before a reconnect. */
  readonly reconnectMaxMs: number;
  /** One attempt to open a socket and get a welcome. */
  readonly connectMs: number;
  /** How long a command waits for its `ok` or `error`. */
  readonly commandMs: number;
}

/** The values that hold where nobody configured others. */
export const DEFAULT_TIMERS: Timers = {
  noAnswerMs: 30_000,
  ringingMs: 45_000,
  negotiatingMs: 15_000,
  endingMs: 3_000,
  recoveryMs: 15_000,
  iceRestartMs: 3_000,
  receiptWindowMs: 2_000,
  receiptHeartbeatMs: 1_000,
  suspectMs: 5_000,
  leaseMs: 15_000,
  byeGraceMs: 4_000,
  helloTimeoutMs: 5_000,
  heartbeatMs: 2_000,
  linkLostMs: 5_000,
  resumeWindowMs: 30_000,
  ackDelayMs: 100,
  reconnectFirstMs: 100,
  reconnectMaxMs: 3_000,
  connectMs: 4_000,
  commandMs: 10_000,
};
