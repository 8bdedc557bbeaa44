import type { MonoMs } from "@lodeline/base";
import { encodeSenderReport, encodeSourceDescription, joinRtcp, type ReportBlock } from "@lodeline/rtp";
import type { ClockRelation } from "./incoming-stream.ts";

/** Reports remembered, to know which one a receiver's report answers. */
const REPORTS_REMEMBERED = 8;

/** Counters of a slot over its whole life, whatever was put into it. RFC 3550 section 6.4.1. */
export interface SlotCounters {
  readonly packets: number;
  /** Payload bytes. */
  readonly octets: number;
  /** Bytes of datagrams, repairs not counted. */
  readonly bytes: number;
}

/** The sender reports of one slot, and what receivers' reports say of it. */
export class SlotReports {
  readonly #ssrc: number;
  readonly #clockRate: number;
  readonly #sent: { readonly middle: number; readonly atMs: MonoMs }[] = [];
  /** Smoothed, in ms. */
  roundTripMs: number | undefined;
  /** Share lost, 0 .. 1, by the last report. */
  fractionLost = 0;

  constructor(ssrc: number, clockRate: number) {
    this.#ssrc = ssrc;
    this.#clockRate = clockRate;
  }

  /**
   * A compound with a sender report. The source's own report is carried over: its NTP time moved to our clock, its
   * RTP time to our stream, so that sound and picture of one sender stay in step.
   *
   * @param now - The moment the report speaks of.
   */
  encode(options: {
    readonly clock: ClockRelation;
    /** From the sender's wall clock to ours. */
    readonly ntpOffsetMs: number;
    readonly cname: string;
    readonly counters: SlotCounters;
    /** From the source's timestamps to ours. */
    readonly mapTimestamp: (timestamp: number) => number;
    readonly now: MonoMs;
  }): Uint8Array {
    const { clock, counters, now } = options;
    const sinceMs = now - clock.arrivedAtMs;
    const ntpMs = clock.ntpMs + sinceMs + options.ntpOffsetMs;
    const ntpSeconds = Math.floor(ntpMs / 1000) >>> 0;
    const ntpFraction = Math.floor(((ntpMs % 1000) / 1000) * 2 ** 32);
    const atSource = (clock.rtpTimestamp + Math.round((sinceMs * this.#clockRate) / 1000)) >>> 0;
    this.#sent.push({ middle: (((ntpSeconds & 0xffff) << 16) | (ntpFraction >>> 16)) >>> 0, atMs: now });
    if (this.#sent.length > REPORTS_REMEMBERED) this.#sent.shift();
    const rtpTimestamp = options.mapTimestamp(atSource);
    const { packets: packetCount, octets: octetCount } = counters;
    return joinRtcp([
      encodeSenderReport({ ssrc: this.#ssrc, ntpSeconds, ntpFraction, rtpTimestamp, packetCount, octetCount }),
      encodeSourceDescription(this.#ssrc, options.cname),
    ]);
  }

  /** A receiver's report: loss, and the round trip by the report it answers. RFC 3550 section 6.4.1. */
  handle(block: ReportBlock, now: MonoMs): void {
    this.fractionLost = block.fractionLost / 256;
    const report = this.#sent.find(({ middle }) => middle === block.lastSenderReport);
    if (report === undefined) return;
    const roundTripMs = Math.max(0, now - report.atMs - (block.delaySinceLastSenderReport * 1000) / 65_536);
    this.roundTripMs = this.roundTripMs === undefined ? roundTripMs : 0.75 * this.roundTripMs + 0.25 * roundTripMs;
  }
}
