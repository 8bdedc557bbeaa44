import type { MonoMs } from "@lodeline/base";
import { bySize, type LayerState } from "./layer-selector.ts";

/** The largest layer has to be the largest for so long: a sender that has just begun adds them one by one. */
const STEADY_MS = 600;

/**
 * Brings all subscriptions of a publication to one of its layers, so that its sender may stop the others without anybody
 * losing a picture. Says where to go and when everybody is there; who stops the others, and when, is not decided here.
 */
export class OneEncoding {
  #asked = false;
  #target: string | undefined;
  #since: MonoMs = 0;

  /** Begins it, or lets everybody have their own layer again. */
  ask(one: boolean): void {
    if (this.#asked === one) return;
    this.#asked = one;
    this.#target = undefined;
  }

  /** The layer that all are to have: the largest that arrives. `undefined` while nobody asks or none arrives. */
  target(layers: readonly LayerState[], now: MonoMs): string | undefined {
    if (!this.#asked) return undefined;
    const largest = layers
      .filter(({ active }) => active)
      .sort(bySize)
      .at(-1)?.rid;
    if (largest !== this.#target) this.#since = now;
    this.#target = largest;
    return largest;
  }

  /**
   * Whether everybody has it.
   *
   * @param layers - As they arrive now.
   * @param current - The layer that each subscription gets now; `undefined` for one that gets none because it wants none.
   * @returns The layer's RID; empty when nobody wants any; `undefined` while somebody still has another.
   */
  reached(layers: readonly LayerState[], current: readonly (string | undefined)[], now: MonoMs): string | undefined {
    if (!this.#asked) return undefined;
    const target = this.target(layers, now);
    const used = current.filter((rid) => rid !== undefined);
    if (used.length === 0) return "";
    return now - this.#since >= STEADY_MS && used.every((rid) => rid === target) ? target : undefined;
  }
}
