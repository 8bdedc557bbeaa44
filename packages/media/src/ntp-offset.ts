/** Lets the estimate rise slowly, so that a sender whose clock runs slow is followed: 0.1 ms for each report. */
const DRIFT_MS = 0.1;

/** Ms from 1900, where NTP begins, to 1970. RFC 5905 section 6. */
const NTP_EPOCH_MS = 2_208_988_800_000;

/**
 * The distance between the wall clock in a sender's reports and ours. The least seen, because delay on the way can
 * only add to it. One for each sender, so that all its streams move alike and stay in step with each other.
 */
export class NtpOffset {
  #offsetMs: number | undefined;

  /** Add this to a time of the sender's, in ms since 1900, to get ours. 0 before the first report. */
  get offsetMs(): number {
    return this.#offsetMs ?? 0;
  }

  /**
   * A report arrived.
   *
   * @param ntpMs - The sender's time, ms since 1900.
   * @param wallMs - Ours on arrival, ms since 1970.
   */
  observe(ntpMs: number, wallMs: number): void {
    const seen = wallMs + NTP_EPOCH_MS - ntpMs;
    this.#offsetMs = this.#offsetMs === undefined ? seen : Math.min(seen, this.#offsetMs + DRIFT_MS);
  }
}
