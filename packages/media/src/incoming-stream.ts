import type { MonoMs } from "@lodeline/base";
import {
  type AudioLevel,
  BITRATE_METER_FIELDS,
  BitrateMeter,
  NackGenerator,
  RECEPTION_FIELDS,
  ReceptionStatistics,
  ReplayWindow,
  ScalableLayers,
  SequenceUnwrapper,
  TEMPORAL_LAYERS_FIELDS,
  TemporalLayers,
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

/** Numbers in the record of an {@link IncomingStream}: the statistics', the meter's, {@link FIELD}, the temporal layers'. */
const OWN = RECEPTION_FIELDS + BITRATE_METER_FIELDS;

/** Where the record of a stream has what; -1 stands for none yet. */
const FIELD = {
  packets: OWN,
  bytes: OWN + 1,
  lastPacketAtMs: OWN + 2,
  keyFrames: OWN + 3,
  width: OWN + 4,
  height: OWN + 5,
  audioLevel: OWN + 6,
} as const;

/** Numbers in the record of an {@link IncomingStream}. */
export const STREAM_FIELDS = OWN + 7 + TEMPORAL_LAYERS_FIELDS;

/**
 * One SSRC that a browser sends to us: a layer of a simulcast video, a single video, or an audio. What changes with every
 * packet is in its record, so that whatever takes the packets in can go on where another stopped.
 */
export class IncomingStream {
  readonly ssrc: number;
  /** Empty when the section is not simulcast. */
  readonly rid: string;
  readonly mid: string;
  readonly kind: "audio" | "video";
  readonly codec: SectionCodec;
  /** Its number in the packet kernel, -1 while TypeScript takes its packets in. */
  kernelId = -1;
  /** {@link STREAM_FIELDS} numbers. */
  readonly record = new Float64Array(STREAM_FIELDS);
  readonly statistics: ReceptionStatistics;
  readonly nack = new NackGenerator();
  /** The temporal layers of a VP8 stream; none of any other. */
  readonly temporal = new TemporalLayers(this.record.subarray(OWN + 7));
  /** The layers inside it; `undefined` for sound. */
  readonly layers: ScalableLayers | undefined;
  readonly #unwrapper = new SequenceUnwrapper();
  /** One entry for each sequence number: a packet that came both by itself and by RTX must be forwarded once. */
  readonly #seen = new ReplayWindow(2048);
  readonly #meter = new BitrateMeter(this.record.subarray(RECEPTION_FIELDS));
  #keyFrameAskedAtMs = -Infinity;
  #keyFrameWanted = false;
  keyFrameRequests = 0;
  clock: ClockRelation | undefined;

  constructor(options: { ssrc: number; rid: string; mid: string; kind: "audio" | "video"; codec: SectionCodec }) {
    this.ssrc = options.ssrc;
    this.rid = options.rid;
    this.mid = options.mid;
    this.kind = options.kind;
    this.codec = options.codec;
    this.layers = options.kind === "video" ? new ScalableLayers() : undefined;
    this.statistics = new ReceptionStatistics(options.codec.clockRate, this.record);
    this.record[FIELD.lastPacketAtMs] = -1;
    this.record[FIELD.audioLevel] = -1;
  }

  get packets(): number {
    return this.record[FIELD.packets] as number;
  }

  get bytes(): number {
    return this.record[FIELD.bytes] as number;
  }

  get keyFrames(): number {
    return this.record[FIELD.keyFrames] as number;
  }

  get lastPacketAtMs(): MonoMs | undefined {
    const at = this.record[FIELD.lastPacketAtMs] as number;
    return at < 0 ? undefined : at;
  }

  /** Pixels, from the last key frame that told. */
  get width(): number {
    return this.record[FIELD.width] as number;
  }

  get height(): number {
    return this.record[FIELD.height] as number;
  }

  /** As the sender measured it, once it has told. */
  get audioLevel(): AudioLevel | undefined {
    const value = this.record[FIELD.audioLevel] as number;
    return value < 0 ? undefined : { voice: (value & 0x80) !== 0, levelDbov: value & 0x7f };
  }

  set audioLevel(level: AudioLevel | undefined) {
    this.record[FIELD.audioLevel] = level === undefined ? -1 : (level.voice ? 0x80 : 0) | level.levelDbov;
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
    this.record[FIELD.packets] = this.packets + 1;
    this.record[FIELD.bytes] = this.bytes + sizeBytes;
    this.record[FIELD.lastPacketAtMs] = now;
    return sequence;
  }

  /** A key frame begins: what was missing before it no longer matters. */
  keyFrameArrived(width: number, height: number): void {
    this.record[FIELD.keyFrames] = this.keyFrames + 1;
    this.keyFrameAnswered();
    this.noteSize(width, height);
  }

  /** A wish for a key frame is fulfilled. */
  keyFrameAnswered(): void {
    this.#keyFrameWanted = false;
  }

  /** Pixels of a key frame; 0 when it did not tell. */
  noteSize(width: number, height: number): void {
    if (width === 0) return;
    this.record[FIELD.width] = width;
    this.record[FIELD.height] = height;
  }

  /** A packet is about to be taken in by the kernel: the stream counts as arriving. */
  noteArrival(now: MonoMs): void {
    this.record[FIELD.lastPacketAtMs] = now;
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
