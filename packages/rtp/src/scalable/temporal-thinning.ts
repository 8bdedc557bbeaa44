import type { PayloadInspector } from "../payload-inspector.ts";
import { SequenceUnwrapper } from "../sequence.ts";
import { SequenceCompactor } from "./sequence-compactor.ts";

/** Frames remembered, a power of two: four seconds of 60 frames, longer than any repair takes. */
const FRAME_RING = 256;

/** So many packets after the last gap nothing is repaired any more. */
const SETTLED_PACKETS = 256;

const VERDICT = { missing: 0, forwarded: 1, dropped: 2 } as const;

/**
 * Leaves out the upper temporal layers of one VP8 stream: less at once, between two frames, since no frame refers to a higher
 * layer; more at a frame of the next layer that refers to the lowest alone (Y), or at a key frame. Neither sequence numbers nor
 * picture ids show what is gone: Chromium holds back frames for a picture id that it misses. RFC 7741 section 4.2.
 *
 * It may begin in the middle of a stream that was forwarded whole until then.
 */
export class TemporalThinning {
  readonly #unwrapper = new SequenceUnwrapper();
  readonly #compactor = new SequenceCompactor();
  readonly #ids = new Float64Array(FRAME_RING).fill(Number.NaN);
  readonly #outgoing = new Float64Array(FRAME_RING);
  readonly #verdicts = new Uint8Array(FRAME_RING);
  /** Of a frame that is missing: the highest layer that was forwarded when it should have come. */
  readonly #levels = new Float64Array(FRAME_RING);
  #target = Infinity;
  #current = Infinity;
  /** The highest layer seen. */
  #top = 0;
  #first: number | undefined;
  #newest: number | undefined;
  #droppedPictures = 0;

  /** Results of the last {@link take}: the place among what is forwarded, an extended sequence number. */
  sequence = 0;
  /** Without those of frames that were left out; not cut to its width. */
  pictureId = 0;
  /** Not wanted, but late, and its number is given already: it goes out without a payload. */
  blank = false;

  /** The highest layer that is forwarded; `Infinity`: all. */
  get level(): number {
    return this.#current >= this.#top && this.#target === Infinity ? Infinity : this.#current;
  }

  /** Packets left out so far. */
  get droppedPackets(): number {
    return this.#compactor.dropped;
  }

  /** Frames left out so far. */
  get droppedPictures(): number {
    return this.#droppedPictures;
  }

  /** @param level - The highest layer to forward; `Infinity`: all. */
  aim(level: number): void {
    this.#target = level;
  }

  /**
   * Takes a packet, each once.
   *
   * @param sequence - Extended.
   * @returns Whether it goes out; the results stand in the public fields.
   */
  take(sequence: number, payload: PayloadInspector): boolean {
    this.blank = false;
    this.#first ??= sequence;
    // From before anything was left out.
    if (sequence < this.#first) return this.#give(sequence, payload.pictureId);
    const slot = payload.pictureIdBits === 0 ? -1 : this.#frame(payload);
    const wanted = slot < 0 || this.#verdicts[slot] === VERDICT.forwarded;
    const place = this.#compactor.take(sequence, wanted);
    if (place === undefined) return false;
    this.blank = !wanted;
    return this.#give(place, slot < 0 ? 0 : (this.#outgoing[slot] as number));
  }

  #give(sequence: number, pictureId: number): true {
    this.sequence = sequence;
    this.pictureId = pictureId;
    return true;
  }

  /**
   * Whether everything goes out and nothing from before a frame that was left out can still come: what was left out may then
   * be made part of the numbers for good.
   */
  get isSettled(): boolean {
    if (this.#target !== Infinity || this.level !== Infinity) return false;
    return this.droppedPackets === 0 || this.newest - this.#compactor.newestGap > SETTLED_PACKETS;
  }

  /** The newest sequence number taken, extended; -1 before the first. */
  get newest(): number {
    return this.#compactor.newest ?? -1;
  }

  /** Where the packet's frame is remembered; what becomes of it is decided with its first packet. */
  #frame(payload: PayloadInspector): number {
    const id = this.#unwrap(payload);
    const slot = id & (FRAME_RING - 1);
    if (this.#newest === undefined || id > this.#newest) this.#begin(id, payload);
    else if (this.#ids[slot] !== id) this.#put(id, VERDICT.dropped);
    else if (this.#verdicts[slot] === VERDICT.missing) {
      const wanted = payload.temporalLayer <= (this.#levels[slot] as number);
      this.#verdicts[slot] = wanted ? VERDICT.forwarded : VERDICT.dropped;
    }
    return slot;
  }

  /** 7 bits are put where the unwrapper sees their wrap. */
  #unwrap({ pictureId, pictureIdBits, keyFrame }: PayloadInspector): number {
    const unit = pictureIdBits === 7 ? 512 : 2;
    const id = this.#unwrapper.peek(pictureId * unit) / unit;
    // A sender that counts anew does so with a key frame.
    if (keyFrame && this.#newest !== undefined && id <= this.#newest - FRAME_RING) {
      this.#unwrapper.reset();
      this.#ids.fill(Number.NaN);
      this.#newest = undefined;
    }
    return this.#unwrapper.unwrap(pictureId * unit) / unit;
  }

  #begin(id: number, payload: PayloadInspector): void {
    const { temporalLayer } = payload;
    // What began before anything was to be left out is ended.
    const isFirst = this.#newest === undefined;
    const from = Math.max((this.#newest ?? id) + 1, id - FRAME_RING + 1);
    for (let missing = from; missing < id; missing++) this.#put(missing, VERDICT.missing);
    this.#newest = id;
    this.#top = Math.max(this.#top, temporalLayer);
    if (!isFirst || payload.keyFrame) this.#switch(payload);
    const wanted = temporalLayer <= this.#current;
    this.#put(id, wanted ? VERDICT.forwarded : VERDICT.dropped);
    if (!wanted) this.#droppedPictures++;
  }

  #switch({ temporalLayer, layerSync, keyFrame }: PayloadInspector): void {
    if (this.#current > this.#target) this.#current = this.#target;
    else if (keyFrame) this.#current = this.#target;
    else if (layerSync && temporalLayer === this.#current + 1 && temporalLayer <= this.#target)
      this.#current = temporalLayer;
  }

  #put(id: number, verdict: number): void {
    const slot = id & (FRAME_RING - 1);
    this.#ids[slot] = id;
    this.#outgoing[slot] = id - this.#droppedPictures;
    this.#verdicts[slot] = verdict;
    this.#levels[slot] = this.#current;
  }
}
