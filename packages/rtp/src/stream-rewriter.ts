import type { MonoMs } from "@lodeline/base";
import type { PayloadInspector } from "./payload-inspector.ts";
import { timestampDistance } from "./sequence.ts";

/** Where the record of a {@link StreamRewriter} has what; 0 and 1 stand for no and yes, -1 for none yet. */
const FIELD = {
  begun: 0,
  sequenceOffset: 1,
  timestampOffset: 2,
  pictureIdOffset: 3,
  tl0Offset: 4,
  /** Set by `begin`: the offsets of picture ids are fixed by the first packet that has some. */
  pictureIdPending: 5,
  tl0Pending: 6,
  firstSequence: 7,
  lastSequence: 8,
  lastTimestamp: 9,
  lastAtMs: 10,
  lastPictureId: 11,
  lastTl0: 12,
} as const;

/** Numbers in the record of a {@link StreamRewriter}. */
export const REWRITER_FIELDS = 13;

/**
 * Makes one continuous stream of any number of sources: sequence number, timestamp, picture id and TL0PICIDX run on
 * across a change of source, so that a receiver notices nothing but new pictures.
 *
 * Per source: {@link begin} with its first packet (for video a key frame), then {@link rewrite} for every packet,
 * that one included. Gaps and reordering inside a source are kept, because the receiver repairs them by NACK.
 * Every (source, sequence number) maps to its own outgoing number, which SRTP relies on.
 *
 * All that lasts from packet to packet is in its record, so that what rewrites the packets need not be this class.
 */
export class StreamRewriter {
  readonly #clockRate: number;
  readonly #record: Float64Array;

  /** Results of the last {@link rewrite}. */
  sequenceNumber = 0;
  timestamp = 0;
  pictureId = 0;
  tl0PicIdx = 0;

  /**
   * @param clockRate - Ticks per second of the payload.
   * @param initialSequence - Of the first packet sent, below 2^15 so that a receiver's first wrap is not mistaken
   * (RFC 3711 section 3.3.1).
   * @param initialTimestamp - Of the first packet sent; random, RFC 3550 section 5.1.
   * @param record - {@link REWRITER_FIELDS} zeros; by default its own.
   */
  constructor(
    clockRate: number,
    initialSequence: number,
    initialTimestamp: number,
    record: Float64Array = new Float64Array(REWRITER_FIELDS),
  ) {
    this.#clockRate = clockRate;
    this.#record = record;
    record[FIELD.lastSequence] = initialSequence - 1;
    record[FIELD.lastTimestamp] = initialTimestamp;
    record[FIELD.lastPictureId] = -1;
    record[FIELD.lastTl0] = -1;
  }

  #get(field: number): number {
    return this.#record[field] as number;
  }

  /** The newest sequence number that was given, 0 .. 65535, by whatever rewrites the packets. */
  get newestNumber(): number {
    return this.#get(FIELD.lastSequence) % 2 ** 16;
  }

  /** The timestamp that a source's `timestamp` becomes while that source is current. */
  mapTimestamp(timestamp: number): number {
    return (timestamp + this.#get(FIELD.timestampOffset)) >>> 0;
  }

  /**
   * Starts a new source right after everything sent so far. The timestamp goes on by the time that passed.
   *
   * @param sequence - Extended sequence number of the source's first packet.
   * @param timestamp - Its RTP timestamp.
   */
  begin(sequence: number, timestamp: number, now: MonoMs): void {
    const record = this.#record;
    const passedMs = now - this.#get(FIELD.lastAtMs);
    // At least one tick on, so that two sources never share a frame.
    const elapsedTicks = record[FIELD.begun] === 1 ? Math.max(1, Math.round((passedMs * this.#clockRate) / 1000)) : 0;
    const continued = this.#get(FIELD.lastTimestamp) + elapsedTicks;
    record[FIELD.sequenceOffset] = this.#get(FIELD.lastSequence) + 1 - sequence;
    record[FIELD.timestampOffset] = (continued - timestamp) | 0;
    record[FIELD.firstSequence] = sequence;
    record[FIELD.pictureIdPending] = 1;
    record[FIELD.tl0Pending] = 1;
    record[FIELD.lastTimestamp] = continued >>> 0;
    record[FIELD.lastAtMs] = now;
    record[FIELD.begun] = 1;
  }

  /**
   * Maps one packet of the current source; the results stand in the public fields.
   *
   * @param sequence - Extended sequence number in the source.
   * @param payload - What was found in the payload.
   * @param pictureId - In place of the payload's own.
   * @returns False for a packet from before the source began here: it has no place and must be dropped.
   */
  rewrite(
    sequence: number,
    timestamp: number,
    payload: PayloadInspector,
    now: MonoMs,
    pictureId: number = payload.pictureId,
  ): boolean {
    const record = this.#record;
    if (sequence < this.#get(FIELD.firstSequence)) return false;
    const outgoing = sequence + this.#get(FIELD.sequenceOffset);
    this.sequenceNumber = outgoing & 0xffff;
    this.timestamp = this.mapTimestamp(timestamp);
    if (payload.pictureIdBits !== 0) this.#rewritePictureId(payload.pictureIdBits, pictureId);
    if (payload.hasTl0PicIdx) this.#rewriteTl0(payload);
    if (outgoing > this.#get(FIELD.lastSequence)) {
      record[FIELD.lastSequence] = outgoing;
      if (timestampDistance(this.timestamp, this.#get(FIELD.lastTimestamp)) >= 0) {
        record[FIELD.lastTimestamp] = this.timestamp;
        record[FIELD.lastAtMs] = now;
      }
      if (payload.pictureIdBits !== 0) record[FIELD.lastPictureId] = this.pictureId;
      if (payload.hasTl0PicIdx) record[FIELD.lastTl0] = this.tl0PicIdx;
    }
    return true;
  }

  /**
   * From now on the source's own numbers are taken again, of which so many were left out before that packet.
   *
   * @param from - The extended sequence number of the next packet; what comes later from before it has no place.
   */
  closeGaps(packets: number, pictures: number, from: number): void {
    const record = this.#record;
    record[FIELD.sequenceOffset] = this.#get(FIELD.sequenceOffset) - packets;
    record[FIELD.pictureIdOffset] = this.#get(FIELD.pictureIdOffset) - pictures;
    record[FIELD.firstSequence] = Math.max(from, this.#get(FIELD.firstSequence));
  }

  #rewritePictureId(bits: 7 | 15, pictureId: number): void {
    const mask = bits === 15 ? 0x7fff : 0x7f;
    if (this.#get(FIELD.pictureIdPending) === 1) {
      const last = this.#get(FIELD.lastPictureId);
      this.#record[FIELD.pictureIdOffset] = last < 0 ? 0 : last + 1 - pictureId;
      this.#record[FIELD.pictureIdPending] = 0;
    }
    this.pictureId = (pictureId + this.#get(FIELD.pictureIdOffset)) & mask;
  }

  #rewriteTl0(payload: PayloadInspector): void {
    if (this.#get(FIELD.tl0Pending) === 1) {
      const last = this.#get(FIELD.lastTl0);
      this.#record[FIELD.tl0Offset] = last < 0 ? 0 : last + 1 - payload.tl0PicIdx;
      this.#record[FIELD.tl0Pending] = 0;
    }
    this.tl0PicIdx = (payload.tl0PicIdx + this.#get(FIELD.tl0Offset)) & 0xff;
  }
}
