import {
  carrierOf,
  type LayerSelector,
  layerName,
  layersOf,
  type PayloadInspector,
  TemporalThinning,
} from "@lodeline/rtp";
import type { IncomingStream } from "./incoming-stream.ts";
import type { SendSlot } from "./send-slot.ts";

/** How a packet of the source goes out. */
export interface ThinnedPacket {
  /** Its extended sequence number, without what was left out. */
  sequence: number;
  /** In place of its own; `undefined`: as it is. */
  pictureId: number | undefined;
  /** It only fills its number. */
  blank: boolean;
}

/**
 * Leaves out frames of the VP8 stream that one subscription has, when a layer with a share of its frames was chosen, and
 * tells the selector which layer that comes to. When all frames go out again its numbers become those of the slot, so that
 * whoever moves the packets next need not know of it.
 */
export class FrameThinner {
  readonly #selector: LayerSelector;
  readonly #slot: SendSlot;
  /** The caller's until the next packet. */
  readonly #out: ThinnedPacket = { sequence: 0, pictureId: undefined, blank: false };
  #thinning: TemporalThinning | undefined;
  #aimed: string | undefined;
  /** What the selector was told last. */
  #level = Infinity;

  constructor(selector: LayerSelector, slot: SendSlot) {
    this.#selector = selector;
    this.#slot = slot;
  }

  /** Frames are left out, or are to be: each packet has to be looked at. */
  get isNeeded(): boolean {
    const { target } = this.#selector;
    return this.#thinning !== undefined || (target !== undefined && layersOf(target) !== undefined);
  }

  /** Another source begins, or none goes out any more. */
  reset(): void {
    this.#thinning = undefined;
    this.#aimed = undefined;
    this.#level = Infinity;
  }

  /** Decides on a packet of the source that goes out. @returns `undefined` where nothing goes out for it. */
  take({ rid }: IncomingStream, payload: PayloadInspector, sequence: number): ThinnedPacket | undefined {
    if (this.#thinning?.isSettled) this.#settle(this.#thinning);
    const { target } = this.#selector;
    if (target !== this.#aimed) this.#aim(rid, target);
    const thinning = this.#thinning;
    const out = this.#out;
    out.sequence = sequence;
    out.pictureId = undefined;
    out.blank = false;
    if (thinning === undefined) return out;
    const goesOut = thinning.take(sequence, payload);
    this.#note(rid, thinning.level);
    out.sequence = thinning.sequence;
    out.pictureId = thinning.pictureId;
    out.blank = thinning.blank;
    return goesOut ? out : undefined;
  }

  /** Until another stream begins, what goes out of this one goes on as it is. */
  #aim(rid: string, target: string | undefined): void {
    this.#aimed = target;
    if (target === undefined || carrierOf(target) !== rid) return;
    const level = layersOf(target)?.temporalLayer ?? Infinity;
    if (level < Infinity) this.#thinning ??= new TemporalThinning();
    this.#thinning?.aim(level);
  }

  #note(rid: string, level: number): void {
    if (level === this.#level) return;
    this.#level = level;
    this.#selector.began(level === Infinity ? rid : layerName(rid, 0, level));
  }

  #settle({ droppedPackets, droppedPictures, newest }: TemporalThinning): void {
    this.#slot.closeGaps(droppedPackets, droppedPictures, newest + 1);
    this.#thinning = undefined;
  }
}
