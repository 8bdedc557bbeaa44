import type { MonoMs } from "@lodeline/base";
import type { PayloadInspector } from "./payload-inspector.ts";
import { timestampDistance } from "./sequence.ts";

/**
 * Makes one continuous stream of any number of sources: sequence number, timestamp, picture id and TL0PICIDX run on
 * across a change of source, so that a receiver notices nothing but new pictures.
 *
 * Per source: {@link begin} with its first packet (for video a key frame), then {@link rewrite} for every packet,
 * that one included. Gaps and reordering inside a source are kept, because the receiver repairs them by NACK.
 * Every (source, sequence number) maps to its own outgoing number, which SRTP relies on.
 */
export class StreamRewriter {
  readonly #clockRate: number;
  #begun = false;
  #sequenceOffset = 0;
  #timestampOffset = 0;
  #pictureIdOffset = 0;
  #tl0Offset = 0;
  /** Set by {@link begin}: the offsets of picture ids are fixed by the first packet that has some. */
  #pictureIdPending = false;
  #tl0Pending = false;
  #firstSequence = 0;
  #lastSequence: number;
  #lastTimestamp: number;
  #lastAtMs: MonoMs = 0;
  #lastPictureId: number | undefined;
  #lastTl0: number | undefined;

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
   */
  constructor(clockRate: number, initialSequence: number, initialTimestamp: number) {
    this.#clockRate = clockRate;
    this.#lastSequence = initialSequence - 1;
    this.#lastTimestamp = initialTimestamp;
  }

  /** The timestamp that a source's `timestamp` becomes while that source is current. */
  mapTimestamp(timestamp: number): number {
    return (timestamp + this.#timestampOffset) >>> 0;
  }

  /**
   * Starts a new source right after everything sent so far. The timestamp goes on by the time that passed.
   *
   * @param sequence - Extended sequence number of the source's first packet.
   * @param timestamp - Its RTP timestamp.
   */
  begin(sequence: number, timestamp: number, now: MonoMs): void {
    const next = this.#lastSequence + 1;
    // At least one tick on, so that two sources never share a frame.
    const elapsedTicks = this.#begun ? Math.max(1, Math.round(((now - this.#lastAtMs) * this.#clockRate) / 1000)) : 0;
    this.#sequenceOffset = next - sequence;
    this.#timestampOffset = (this.#lastTimestamp + elapsedTicks - timestamp) | 0;
    this.#firstSequence = sequence;
    this.#pictureIdPending = true;
    this.#tl0Pending = true;
    this.#lastTimestamp = (this.#lastTimestamp + elapsedTicks) >>> 0;
    this.#lastAtMs = now;
    this.#begun = true;
  }

  /**
   * Maps one packet of the current source; the results stand in the public fields.
   *
   * @param sequence - Extended sequence number in the source.
   * @param payload - What was found in the payload.
   * @returns False for a packet from before the source began here: it has no place and must be dropped.
   */
  rewrite(sequence: number, timestamp: number, payload: PayloadInspector, now: MonoMs): boolean {
    if (sequence < this.#firstSequence) return false;
    const outgoing = sequence + this.#sequenceOffset;
    this.sequenceNumber = outgoing & 0xffff;
    this.timestamp = this.mapTimestamp(timestamp);
    if (payload.pictureIdBits !== 0) this.#rewritePictureId(payload);
    if (payload.hasTl0PicIdx) this.#rewriteTl0(payload);
    if (outgoing > this.#lastSequence) {
      this.#lastSequence = outgoing;
      if (timestampDistance(this.timestamp, this.#lastTimestamp) >= 0) {
        this.#lastTimestamp = this.timestamp;
        this.#lastAtMs = now;
      }
      if (payload.pictureIdBits !== 0) this.#lastPictureId = this.pictureId;
      if (payload.hasTl0PicIdx) this.#lastTl0 = this.tl0PicIdx;
    }
    return true;
  }

  #rewritePictureId(payload: PayloadInspector): void {
    const mask = payload.pictureIdBits === 15 ? 0x7fff : 0x7f;
    if (this.#pictureIdPending) {
      const next = this.#lastPictureId === undefined ? payload.pictureId : this.#lastPictureId + 1;
      this.#pictureIdOffset = next - payload.pictureId;
      this.#pictureIdPending = false;
    }
    this.pictureId = (payload.pictureId + this.#pictureIdOffset) & mask;
  }

  #rewriteTl0(payload: PayloadInspector): void {
    if (this.#tl0Pending) {
      const next = this.#lastTl0 === undefined ? payload.tl0PicIdx : this.#lastTl0 + 1;
      this.#tl0Offset = next - payload.tl0PicIdx;
      this.#tl0Pending = false;
    }
    this.tl0PicIdx = (payload.tl0PicIdx + this.#tl0Offset) & 0xff;
  }
}
