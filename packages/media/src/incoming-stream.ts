import type { MonoMs } from "@lodeline/base";
import {
  type AudioLevel,
  BitrateMeter,
  NackGenerator,
  ReceptionStatistics,
  ReplayWindow,
  SequenceUnwrapper,
} from "@lodeline/rtp";
import type { SectionCodec } from "./sdp/codecs.ts";

/**
 * Least time between two key-frame requests for one layer: a burst of wishes is one request. Chromium ignores a request
 * that reaches it within 300 ms of the last, so one sent after exactly 300 is lost whenever the network is a little
 * quicker the second time; the retry then costs the receiver half a second of darkness.
 */
export const KEY_FRAME_INTERVAL_MS = 330;

/** Without packets for this long a layer does not count as arriving. Longer than the gap of 2 frames a second. */
export const LAYER_ACTIVE_MS = 1200;

/** The relation of a sender's RTP clock to its wall clock, from its sender report. RFC 3550 section 6.4.1. */
export interface ClockRelation {
  /** Ms since 1900 by the sender's wall clock. */
  readonly ntpMs: number;
  /** The RTP timestamp of the same moment. */
  readonly rtpTimestamp: number;
  readonly arrivedAtMs: MonoMs;
}

/** One SSRC that a browser sends to us: a layer of a simulcast video, a single video, or an audio. */
export class IncomingStream {
  readonly ssrc: number;
  /** Empty when the section is not simulcast. */
  readonly rid: string;
  readonly mid: string;
  readonly kind: "audio" | "video";
  readonly codec: SectionCodec;
  readonly statistics: ReceptionStatistics;
  readonly nack = new NackGenerator();
  readonly #unwrapper = new SequenceUnwrapper();
  /** One entry for each sequence number: a packet that came both by itself and by RTX must be forwarded once. */
  readonly #seen = new ReplayWindow(2048);
  readonly #meter = new BitrateMeter();
  #keyFrameAskedAtMs = -Infinity;
  #keyFrameWanted = false;
  packets = 0;
  bytes = 0;
  keyFrames = 0;
  keyFrameRequests = 0;
  lastPacketAtMs: MonoMs | undefined;
  /** Pixels, from the last key frame that told. */
  width = 0;
  height = 0;
  audioLevel: AudioLevel | undefined;
  clock: ClockRelation | undefined;

  constructor(options: { ssrc: number; rid: string; mid: string; kind: "audio" | "video"; codec: SectionCodec }) {
    this.ssrc = options.ssrc;
    this.rid = options.rid;
    this.mid = options.mid;
    this.kind = options.kind;
    this.codec = options.codec;
    this.statistics = new ReceptionStatistics(options.codec.clockRate);
  }

  /**
   * Counts a packet.
   *
   * @returns Its extended sequence number, or `undefined` for one that was here already.
   */
  accept(sequenceNumber: number, timestamp: number, sizeBytes: number, now: MonoMs): number | undefined {
    const sequence = this.#unwrapper.unwrap(sequenceNumber);
    if (!this.#seen.check(sequence)) return undefined;
    this.#seen.commit(sequence);
    this.statistics.handle(sequence, timestamp, now);
    this.#meter.add(sizeBytes, now);
    this.packets++;
    this.bytes += sizeBytes;
    this.lastPacketAtMs = now;
    return sequence;
  }

  /** A key frame begins: what was missing before it no longer matters. */
  keyFrameArrived(width: number, height: number): void {
    this.keyFrames++;
    this.#keyFrameWanted = false;
    if (width > 0) {
      this.width = width;
      this.height = height;
    }
  }

  isActive(now: MonoMs): boolean {
    return this.lastPacketAtMs !== undefined && now - this.lastPacketAtMs < LAYER_ACTIVE_MS;
  }

  bitrateBps(now: MonoMs): number {
    return this.#meter.bitrateBps(now);
  }

  /** Notes that somebody needs a key frame; {@link keyFrameDue} says when to ask. */
  wantKeyFrame(): void {
    this.#keyFrameWanted = true;
  }

  /** When the next request may be sent, if one is wanted. */
  get keyFrameDueAtMs(): MonoMs | undefined {
    return this.#keyFrameWanted ? this.#keyFrameAskedAtMs + KEY_FRAME_INTERVAL_MS : undefined;
  }

  /** Whether to send a request now; if so it is counted as sent. */
  takeKeyFrameRequest(now: MonoMs): boolean {
    if (!this.#keyFrameWanted || now < this.#keyFrameAskedAtMs + KEY_FRAME_INTERVAL_MS) return false;
    this.#keyFrameWanted = false;
    this.#keyFrameAskedAtMs = now;
    this.keyFrameRequests++;
    return true;
  }
}
