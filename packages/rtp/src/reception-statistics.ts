import type { MonoMs } from "@lodeline/base";
import type { ReportBlock } from "./rtcp.ts";

/** What is known of one incoming stream for its receiver reports. RFC 3550 sections 6.4.1, A.3 and A.8. */
export class ReceptionStatistics {
  readonly #clockRate: number;
  #firstSequence: number | undefined;
  #newestSequence = 0;
  #received = 0;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #transit: number | undefined;
  #jitter = 0;
  #senderReport = 0;
  #senderReportAtMs: MonoMs | undefined;

  /** @param clockRate - Ticks per second of the payload. */
  constructor(clockRate: number) {
    this.#clockRate = clockRate;
  }

  /** Packets received, duplicates not counted. */
  get received(): number {
    return this.#received;
  }

  /** Packets that should have come and did not, so far. */
  get lost(): number {
    return this.#firstSequence === undefined ? 0 : this.#newestSequence - this.#firstSequence + 1 - this.#received;
  }

  /**
   * Interarrival jitter, smoothed by 1/16 for each packet. RFC 3550 section 6.4.1.
   *
   * @returns Ticks of the payload's clock; 0 until two packets have arrived.
   */
  get jitter(): number {
    return this.#jitter;
  }

  /**
   * A packet arrived.
   *
   * @param sequence - Extended sequence number.
   * @param timestamp - RTP timestamp.
   */
  handle(sequence: number, timestamp: number, now: MonoMs): void {
    this.#received++;
    if (this.#firstSequence === undefined) {
      this.#firstSequence = sequence;
      this.#newestSequence = sequence;
    }
    if (sequence > this.#newestSequence) this.#newestSequence = sequence;
    if (sequence < this.#firstSequence) this.#firstSequence = sequence;
    const transit = ((now * this.#clockRate) / 1000 - timestamp) % 2 ** 32;
    if (this.#transit !== undefined) {
      // The difference is taken on the 32-bit circle, since the timestamp wraps.
      const difference = Math.abs(Math.round(transit - this.#transit) | 0);
      this.#jitter += (difference - this.#jitter) / 16;
    }
    this.#transit = transit;
  }

  /** A sender report arrived: its middle 32 bits of NTP time come back in the next report. RFC 3550 section 6.4.1. */
  handleSenderReport(ntpSeconds: number, ntpFraction: number, now: MonoMs): void {
    this.#senderReport = (((ntpSeconds & 0xffff) << 16) | (ntpFraction >>> 16)) >>> 0;
    this.#senderReportAtMs = now;
  }

  /** The block for a receiver report; the share lost is counted from the block before. RFC 3550 section A.3. */
  report(ssrc: number, now: MonoMs): ReportBlock {
    const expected = this.#firstSequence === undefined ? 0 : this.#newestSequence - this.#firstSequence + 1;
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.#received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.#received;
    const fractionLost =
      expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow));
    return {
      ssrc,
      fractionLost,
      cumulativeLost: Math.max(-0x800000, Math.min(0x7fffff, expected - this.#received)),
      highestSequence: this.#newestSequence >>> 0,
      jitter: Math.floor(this.#jitter),
      lastSenderReport: this.#senderReport,
      delaySinceLastSenderReport:
        this.#senderReportAtMs === undefined ? 0 : Math.round(((now - this.#senderReportAtMs) * 65_536) / 1000),
    };
  }
}
