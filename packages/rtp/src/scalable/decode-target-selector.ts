import { type DecodeTarget, INDICATION } from "../dependency/dependency-structure.ts";
import { type LayerFrame, TARGET_LIMIT } from "./layer-frame.ts";

/** Frames remembered, a power of two: more than the longest way back that is ever referred to in practice. */
const FRAME_RING = 256;

const VERDICT = { dropped: 0, forwarded: 1 } as const;

/**
 * Which frames of a scalable stream one subscription forwards: those of one decode target. It goes to another one between
 * two pictures, as soon as everything that that one builds on has been forwarded: at once when it holds less of the same, at
 * a switching point or a key frame when it holds more. AV1 RTP specification, appendix A.6.
 */
export class DecodeTargetSelector {
  readonly #numbers = new Float64Array(FRAME_RING).fill(Number.NaN);
  readonly #verdicts = new Uint8Array(FRAME_RING);
  /** Of which targets everything that matters for what follows was forwarded. */
  readonly #intact = new Uint8Array(TARGET_LIMIT);
  #targets: readonly DecodeTarget[] = [];
  #current = -1;
  #target = -1;
  #newest = -Infinity;
  #picture: number | undefined;

  /** Index of the decode target that is forwarded, -1 for none. */
  get current(): number {
    return this.#current;
  }

  /** Index of the one that should be. */
  get target(): number {
    return this.#target;
  }

  /** The highest spatial layer that is forwarded: the last of its picture; -1 for none. */
  get spatialLayer(): number {
    return this.#targets[this.#current]?.spatialLayer ?? -1;
  }

  /** Only a key frame brings it to what it should forward; no switching point will. */
  get needsKeyFrame(): boolean {
    const [target, current] = [this.#targets[this.#target], this.#targets[this.#current]];
    if (target === undefined || this.#current === this.#target || this.#intact[this.#target] === 1) return false;
    return current?.spatialLayer !== target.spatialLayer;
  }

  /** The stream's decode targets are others, from its next key frame on. */
  restructure(targets: readonly DecodeTarget[]): void {
    const before = this.#targets[this.#current];
    this.#targets = targets;
    this.#intact.fill(0);
    // What goes on until the key frame is what comes nearest.
    this.#current =
      before === undefined
        ? -1
        : targets.findIndex(
            ({ spatialLayer, temporalLayer }) =>
              spatialLayer === before.spatialLayer && temporalLayer === before.temporalLayer,
          );
    this.#target = -1;
  }

  /** @param target - Index of a decode target, -1 for none. */
  aim(target: number): void {
    this.#target = target;
    if (target < 0) this.#current = -1;
  }

  /** Starts again from nothing: the next frame forwarded is a key frame. */
  reset(): void {
    this.#current = -1;
    this.#intact.fill(0);
    this.#numbers.fill(Number.NaN);
    this.#newest = -Infinity;
    this.#picture = undefined;
  }

  /**
   * Whether a packet is forwarded; the same for all packets of a frame.
   *
   * @returns `"begin"` when it is the first after nothing was.
   */
  decide(frame: LayerFrame): "drop" | "forward" | "begin" {
    const slot = frame.number & (FRAME_RING - 1);
    if (this.#numbers[slot] === frame.number) {
      return this.#verdicts[slot] === VERDICT.forwarded && this.#current >= 0 ? "forward" : "drop";
    }
    // Later than those that came after it, and not decided on yet: it changes nothing for others.
    if (frame.number < this.#newest) return this.#settle(frame, slot, this.#isWanted(frame));
    this.#newest = frame.number;
    const decodable = this.#isDecodable(frame);
    const begins = this.#current < 0;
    if (frame.picture !== this.#picture) {
      this.#picture = frame.picture;
      this.#switch(frame, decodable);
    }
    const forwards = this.#isWanted(frame);
    this.#account(frame, forwards, decodable);
    const verdict = this.#settle(frame, slot, forwards);
    return verdict === "forward" && begins ? "begin" : verdict;
  }

  #settle({ number }: LayerFrame, slot: number, forwards: boolean): "drop" | "forward" {
    this.#numbers[slot] = number;
    this.#verdicts[slot] = forwards ? VERDICT.forwarded : VERDICT.dropped;
    return forwards ? "forward" : "drop";
  }

  #isWanted(frame: LayerFrame): boolean {
    return this.#current >= 0 && frame.indications[this.#current] !== INDICATION.notPresent;
  }

  #isDecodable({ number, frameDiffs, base }: LayerFrame): boolean {
    if (base >= 0 && this.#intact[base] !== 1) return false;
    return frameDiffs.every((diff) => {
      const slot = (number - diff) & (FRAME_RING - 1);
      return this.#numbers[slot] === number - diff && this.#verdicts[slot] === VERDICT.forwarded;
    });
  }

  /** The first frame of a picture. */
  #switch(frame: LayerFrame, decodable: boolean): void {
    const target = this.#target;
    if (target < 0) return;
    if (this.#current < 0 && !frame.keyFrame) return;
    const opens = (at: number) => this.#intact[at] === 1 || (decodable && frame.indications[at] === INDICATION.switch);
    if (this.#current !== target && opens(target)) this.#current = target;
    else if (this.#current !== target) this.#climb(opens);
  }

  /** What lies between the present target and the wanted one is better than the present one. */
  #climb(opens: (target: number) => boolean): void {
    const to = this.#targets[this.#target];
    for (const [at, one] of this.#targets.entries()) {
      const from = this.#targets[this.#current];
      if (to === undefined || one.spatialLayer > to.spatialLayer || one.temporalLayer > to.temporalLayer) continue;
      const higher =
        from === undefined ||
        (one.spatialLayer >= from.spatialLayer &&
          one.temporalLayer >= from.temporalLayer &&
          one.spatialLayer + one.temporalLayer > from.spatialLayer + from.temporalLayer);
      if (higher && opens(at)) this.#current = at;
    }
  }

  #account({ indications }: LayerFrame, forwards: boolean, decodable: boolean): void {
    for (let at = 0; at < this.#targets.length; at++) {
      const indication = indications[at];
      if (forwards && decodable && indication === INDICATION.switch) this.#intact[at] = 1;
      else if (!forwards && (indication === INDICATION.switch || indication === INDICATION.required))
        this.#intact[at] = 0;
    }
  }
}
