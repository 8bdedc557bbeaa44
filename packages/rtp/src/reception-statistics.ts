import type { MonoMs } from "@lodeline/base";
import type { ReportBlock } from "./rtcp.ts";

/** Where the record of {@link ReceptionStatistics} has what. */
const FIELD = { received: 0, firstSequence: 1, newestSequence: 2, transit: 3, jitter: 4 } as const;

/** Numbers in the record of a {@link ReceptionStatistics}. */
export const RECEPTION_FIELDS = 5;

/**
 * What is known of one incoming stream for its receiver reports. RFC 3550 sections 6.4.1, A.3 and A.8. What changes with
 * every packet is in its record, so that what counts packets need not be this class.
 */
export class ReceptionStatistics {
  readonly #clockRate: number;
  readonly #record: Float64Array;
  #expectedBefore = 0;
  #receivedBefore = 0;
  #senderReport = 0;
  #senderReportAtMs: MonoMs | undefined;

  /**
   * @param clockRate - Ticks per second of the payload.
   * @param record - {@link RECEPTION_FIELDS} zeros; by default its own.
   */
  constructor(clockRate: number, record: Float64Array = new Float64Array(RECEPTION_FIELDS)) {
    this.#clockRate = clockRate;
    this.#record = record;
  }

  /** Packets received, duplicates not counted. */
  get received(): number {
    return this.#record[FIELD.received] as number;
  }

  /** Packets that should have come and did not, so far. */
  get lost(): number {
    return this.#expected - this.received;
  }

  /**
   * Interarrival jitter, smoothed by 1/16 for each packet. RFC 3550 section 6.4.1.
   *
   * @returns Ticks of the payload's clock; 0 until two packets have arrived.
   */
  get jitter(): number {
    return this.#record[FIELD.jitter] as number;
  }

  /** From the first to the newest packet, 0 before the first. */
  get #expected(): number {
    const { newestSequence, firstSequence } = FIELD;
    return this.received === 0
      ? 0
      : (this.#record[newestSequence] as number) - (this.#record[firstSequence] as number) + 1;
  }

  /**
   * A packet arrived.
   *
   * @param sequence - Extended sequence number.
   * @param timestamp - RTP timestamp.
   */
  handle(sequence: number, timestamp: number, now: MonoMs): void {
    const record = this.#record;
    const isFirst = record[FIELD.received] === 0;
    record[FIELD.received] = (record[FIELD.received] as number) + 1;
    if (isFirst || sequence > (record[FIELD.newestSequence] as number)) record[FIELD.newestSequence] = sequence;
    if (isFirst || sequence < (record[FIELD.firstSequence] as number)) record[FIELD.firstSequence] = sequence;
    const transit = ((now * this.#clockRate) / 1000 - timestamp) % 2 ** 32;
    if (!isFirst) {
      // The difference is taken on the 32-bit circle, since the timestamp wraps.
      const difference = Math.abs(Math.round(transit - (record[FIELD.transit] as number)) | 0);
      record[FIELD.jitter] = this.jitter + (difference - this.jitter) / 16;
    }
    record[FIELD.transit] = transit;
  }

  /** A sender report arrived: its middle 32 bits of NTP time come back in the next report. RFC 3550 section 6.4.1. */
  handleSenderReport(ntpSeconds: number, ntpFraction: number, now: MonoMs): void {
    this.#senderReport = (((ntpSeconds & 0xffff) << 16) | (ntpFraction >>> 16)) >>> 0;
    this.#senderReportAtMs = now;
  }

  /** The block for a receiver report; the share lost is counted from the block before. RFC 3550 section A.3. */
  report(ssrc: number, now: MonoMs): ReportBlock {
    const expected = this.#expected;
    const expectedNow = expected - this.#expectedBefore;
    const lostNow = expectedNow - (this.received - this.#receivedBefore);
    this.#expectedBefore = expected;
    this.#receivedBefore = this.received;
    const fractionLost =
      expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow));
    return {
      ssrc,
      fractionLost,
      cumulativeLost: Math.max(-0x800000, Math.min(0x7fffff, expected - this.received)),
      highestSequence: (this.#record[FIELD.newestSequence] as number) >>> 0,
      jitter: Math.floor(this.jitter),
      lastSenderReport: this.#senderReport,
      delaySinceLastSenderReport:
        this.#senderReportAtMs === undefined ? 0 : Math.round(((now - this.#senderReportAtMs) * 65_536) / 1000),
    };
  }
}
