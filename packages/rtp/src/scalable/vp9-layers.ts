import { type DecodeTarget, INDICATION } from "../dependency/dependency-structure.ts";
import { SequenceUnwrapper } from "../sequence.ts";
import type { Vp9Descriptor } from "../vp9-descriptor.ts";
import { type LayerFrame, TARGET_LIMIT } from "./layer-frame.ts";

/** Temporal layers told apart; browsers make three. */
const TEMPORAL = 4;

/** Spatial layers, as many as the descriptor can number. */
const SPATIAL = TARGET_LIMIT / TEMPORAL;

/**
 * Says of VP9 frames with layer indices (RFC 9628 section 4.2) what a dependency descriptor would: a frame is part of each
 * decode target whose layers are as high as its own; switching up is possible at frames that say so, and at key frames.
 */
export class Vp9Layers {
  /** Every pair of layers there could be; which there are is counted in {@link spatialCount} and {@link temporalCount}. */
  static readonly targets: readonly DecodeTarget[] = Array.from({ length: TARGET_LIMIT }, (_, at) => ({
    spatialLayer: Math.floor(at / TEMPORAL),
    temporalLayer: at % TEMPORAL,
  }));
  readonly #unwrapper = new SequenceUnwrapper();
  readonly #indications = new Uint8Array(TARGET_LIMIT);
  spatialCount = 1;
  temporalCount = 1;

  /** @param picture - The packet's RTP timestamp. */
  frame(descriptor: Vp9Descriptor, keyFrame: boolean, picture: number): LayerFrame {
    const spatialLayer = Math.min(descriptor.spatialLayer, SPATIAL - 1);
    const temporalLayer = Math.min(descriptor.temporalLayer, TEMPORAL - 1);
    if (descriptor.spatialCount > 0) this.spatialCount = descriptor.spatialCount;
    this.spatialCount = Math.max(this.spatialCount, spatialLayer + 1);
    this.temporalCount = Math.max(this.temporalCount, temporalLayer + 1);
    // 7 bits are put where the unwrapper sees their wrap.
    const short = descriptor.pictureIdBits === 7;
    const pictureId = this.#unwrapper.unwrap((descriptor.pictureId << (short ? 9 : 1)) & 0xffff);
    for (let at = 0; at < TARGET_LIMIT; at++)
      this.#indications[at] = indicate(descriptor, spatialLayer, temporalLayer, at);
    return {
      number: (pictureId / (short ? 512 : 2)) * SPATIAL + spatialLayer,
      picture,
      endOfFrame: descriptor.endOfFrame,
      keyFrame,
      spatialLayer,
      temporalLayer,
      indications: this.#indications,
      frameDiffs: [],
      base: baseOf(descriptor, spatialLayer, temporalLayer),
    };
  }
}

function indicate(descriptor: Vp9Descriptor, spatialLayer: number, temporalLayer: number, at: number): number {
  const { interPicture, switchingUp, notReference } = descriptor;
  const [spatial, temporal] = [Math.floor(at / TEMPORAL), at % TEMPORAL];
  if (spatial < spatialLayer || temporal < temporalLayer) return INDICATION.notPresent;
  if (spatial > spatialLayer && notReference) return INDICATION.notPresent;
  // Without inter-picture prediction the lowest layer begins all anew, a higher one its own.
  if (!interPicture) return spatialLayer === 0 || spatial === spatialLayer ? INDICATION.switch : INDICATION.required;
  const switches = spatial === spatialLayer && (switchingUp || temporal === temporalLayer);
  return switches ? INDICATION.switch : INDICATION.required;
}

/** What must have been forwarded without a gap: the layer below in time, or below in size where only that is referred to. */
function baseOf({ interPicture }: Vp9Descriptor, spatialLayer: number, temporalLayer: number): number {
  if (interPicture) return spatialLayer * TEMPORAL + Math.max(0, temporalLayer - 1);
  return spatialLayer === 0 ? -1 : (spatialLayer - 1) * TEMPORAL + temporalLayer;
}
