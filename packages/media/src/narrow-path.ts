import type { MonoMs } from "@lodeline/base";
import type { Pausing } from "@lodeline/rtp";

/** It takes so long for what shows to be proof. */
const PROOF_MS = 1_000;

/**
 * Nothing is learnt of a path that nothing goes over: who is paused is tried again after `firstMs`, and each time that was
 * wrong after twice as long.
 */
const RETRY = { firstMs: 5_000, mostMs: 40_000 } as const;

/** How a path would be divided if anybody could be paused. */
export interface Division {
  /** Of something that plays not even the least fits. */
  readonly short: boolean;
  /** Something is paused, or would be. */
  readonly paused: boolean;
  /** Something would get few frames. */
  readonly few: boolean;
  /** Whether what arrives shows it: packets wait or are lost. `"told"`: the receiver says so itself, which proves it. */
  readonly shows: boolean | "told";
}

/**
 * Whether a path to a receiver is too narrow for the least of everything. Few frames and pausing are the last steps, one after
 * the other, and need proof: a low estimate is none, since a receiver whose machine is busy takes packets late and in lumps,
 * which looks like a full path.
 */
export class NarrowPath {
  #shownSinceMs: MonoMs | undefined;
  #isNarrow = false;
  #isFull = false;
  /** When what is paused is tried again, and how long it waited for that. */
  #retry: { readonly atMs: MonoMs; readonly afterMs: number } = { atMs: Infinity, afterMs: 0 };

  /** The usual frames of everything are proven not to fit: few may be sent of the smallest pictures. */
  get isNarrow(): boolean {
    return this.#isNarrow;
  }

  /** Takes a division. @returns Who may be paused. {@link isNarrow} may have become true: then divide anew. */
  judge({ short, paused, few, shows }: Division, now: MonoMs): Pausing {
    this.#isFull &&= paused && now < this.#retry.atMs;
    this.#isNarrow &&= this.#isFull || short || few;
    this.#shownSinceMs = short && shows !== false ? (this.#shownSinceMs ?? now) : undefined;
    const isProven = this.#shownSinceMs !== undefined && (shows === "told" || now - this.#shownSinceMs >= PROOF_MS);
    if (isProven && this.#isNarrow) {
      this.#pause(now);
      return "anybody";
    }
    if (isProven) {
      this.#isNarrow = true;
      // Few frames have as long to show whether they fit.
      this.#shownSinceMs = now;
    }
    // Who was paused with reason waits until it fits; nobody else has to.
    return this.#isFull ? "waiting" : "nobody";
  }

  #pause(now: MonoMs): void {
    if (this.#isFull) return;
    this.#isFull = true;
    const before = now - this.#retry.atMs < RETRY.mostMs ? this.#retry.afterMs : 0;
    const afterMs = Math.min(RETRY.mostMs, Math.max(RETRY.firstMs, 2 * before));
    this.#retry = { atMs: now + afterMs, afterMs };
  }
}
