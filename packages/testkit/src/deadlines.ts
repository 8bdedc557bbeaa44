import type { Timers } from "@lodeline/protocol";

/**
 * The waits that nobody can shorten, because somebody is silent and may speak again, or because a person is being asked.
 * Quiet begins when the last of those that a schedule has set off has passed; each is counted from the fault itself.
 */
export type DeadlineName =
  /** Somebody is asked for a device, and takes its time. */
  | "permission"
  /** A wire that died in silence is suspect when a ping has had no answer, and a second socket takes its place. */
  | "suspectWireMs"
  /** The page at the end of a wire that died in silence is gone as well: the server alone finds out, by the heartbeat. */
  | "linkLostMs"
  /** A page that went away without a word, or was frozen for longer, loses its place. */
  | "leaseMs"
  /** A page that said goodbye and does not come back loses its place. */
  | "byeGraceMs"
  /** The other end of a call vanished without a word: its transport is seen dead, and has its time to recover. */
  | "recoveryMs"
  /** A path that swallows everything while ICE believes in it: media is missed by the receipt window. */
  | "receiptWindowMs"
  /** A word of a call vanished above the link: what waits for its answer is said again, after 1, 3, 7 and 15 s. */
  | "saidAgainMs"
  /** Every copy of a call's first word, or of its answer, vanished above the link: nobody rings. */
  | "noAnswerMs"
  /** Every copy of another word of a call vanished so, or one that is said once: it does not come about. */
  | "negotiatingMs"
  /** A socket that died while its machine slept is found dead by the probe of the waking page. */
  | "wakeProbeMs"
  /** A greeting vanished: the attempt to connect has its time. No WebSocket loses a frame, but a broken proxy may. */
  | "connectMs"
  /** Who could not reach the server for a while tries again at growing intervals, and nothing tells it when. */
  | "reconnectMaxMs";

/** Browsers show `disconnected` after a few seconds at most. */
const DISCONNECTED_WITHIN_MS = 2_500;

/** The link's own constant: how long a ping may wait for its answer before a second socket is tried. */
const SUSPECT_MS = 1_000;

/** The link's own constant: how long a waking page waits for a sign of life. */
const WAKE_PROBE_MS = 1_500;

/** The session's own constant: the longest wait between two copies of what waits for its answer. */
const SAID_AGAIN_MS = 8_000;

/** How long each may take from its fault on, ms. */
export function deadlineMs(name: DeadlineName, timers: Timers): number {
  switch (name) {
    case "permission":
      return 0;
    case "suspectWireMs":
      return timers.heartbeatMs + SUSPECT_MS;
    case "wakeProbeMs":
      return WAKE_PROBE_MS;
    case "saidAgainMs":
      return SAID_AGAIN_MS;
    case "recoveryMs":
      return DISCONNECTED_WITHIN_MS + timers.recoveryMs;
    default:
      return timers[name];
  }
}
