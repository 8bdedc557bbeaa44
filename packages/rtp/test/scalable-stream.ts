import { INDICATION, type LayerFrame } from "@lodeline/rtp";

/** Temporal layers of four pictures in turn, and how many pictures back each refers to. */
const PATTERN = [
  { temporalLayer: 0, back: 4 },
  { temporalLayer: 2, back: 1 },
  { temporalLayer: 1, back: 2 },
  { temporalLayer: 2, back: 1 },
] as const;

/** A frame as an encoder made it. */
export interface EncodedFrame extends LayerFrame {
  /** Numbers of the frames that it needs. */
  readonly needs: readonly number[];
  /** Pictures since the last key frame. */
  readonly sinceKey: number;
}

/** The decode targets of three by three layers, lowest first. */
export const L3T3 = Array.from({ length: 9 }, (_, at) => ({ spatialLayer: Math.floor(at / 3), temporalLayer: at % 3 }));

/**
 * An encoder of L3T3 or, where spatial layers refer to each other in key frames alone, L3T3_KEY.
 * W3C Scalable Video Coding, section 9.
 */
export class LayeredEncoder {
  readonly #onlyInKeys: boolean;
  #picture = 0;
  #sinceKey = 0;

  constructor(onlyInKeys: boolean) {
    this.#onlyInKeys = onlyInKeys;
  }

  /** The frames of the next picture. */
  next(keyFrame: boolean): EncodedFrame[] {
    if (keyFrame) this.#sinceKey = 0;
    const key = this.#sinceKey === 0;
    const { temporalLayer, back } = PATTERN[this.#sinceKey % 4] ?? PATTERN[0];
    const picture = this.#picture++;
    const sinceKey = this.#sinceKey++;
    return [0, 1, 2].map((spatialLayer) => {
      const number = 3 * picture + spatialLayer;
      const frameDiffs = [...(key ? [] : [3 * back]), ...(spatialLayer > 0 && (key || !this.#onlyInKeys) ? [1] : [])];
      return {
        number,
        picture,
        endOfFrame: true,
        keyFrame: key && spatialLayer === 0,
        spatialLayer,
        temporalLayer,
        indications: L3T3.map((target) => this.#indicate(target, spatialLayer, temporalLayer, key)),
        frameDiffs,
        base: -1,
        sinceKey,
        needs: frameDiffs.map((diff) => number - diff),
      };
    });
  }

  #indicate(target: (typeof L3T3)[number], spatialLayer: number, temporalLayer: number, key: boolean): number {
    if (target.spatialLayer < spatialLayer || target.temporalLayer < temporalLayer) return INDICATION.notPresent;
    if (target.spatialLayer > spatialLayer) {
      if (key) return INDICATION.switch;
      return this.#onlyInKeys ? INDICATION.notPresent : INDICATION.required;
    }
    return temporalLayer === 2 ? INDICATION.discardable : INDICATION.switch;
  }
}

/** The VP9 payload descriptor of a frame of three by three layers, in non-flexible mode. RFC 9628 section 4.2. */
export function vp9Payload(frame: EncodedFrame, onlyInKeys: boolean): Uint8Array {
  const { spatialLayer, temporalLayer, frameDiffs, number, picture } = frame;
  const interPicture = frameDiffs.some((diff) => diff > 2);
  const interLayer = frameDiffs.includes(1);
  const isReference = spatialLayer < 2 && (!onlyInKeys || !interPicture);
  // Of four pictures the second and the third refer to none of a higher layer before them.
  const switchingUp = temporalLayer === 1 || (temporalLayer === 2 && frame.sinceKey % 4 === 1);
  const first = 0xac | (interPicture ? 0x40 : 0) | (isReference ? 0 : 1) | (frame.keyFrame ? 0x02 : 0);
  const layers = (temporalLayer << 5) | (switchingUp ? 0x10 : 0) | (spatialLayer << 1) | (interLayer ? 1 : 0);
  const structure = frame.keyFrame ? [0x40] : [];
  return Uint8Array.of(first, 0x80 | ((picture >> 8) & 0x7f), picture & 0xff, layers, 0, ...structure, number & 0xff);
}
