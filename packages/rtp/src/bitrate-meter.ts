import type { MonoMs } from "@lodeline/base";

const BUCKET_MS = 100;
const BUCKETS = 10;

/** Bits per second over the last second, in steps of 100 ms. Allocates nothing after construction. */
export class BitrateMeter {
  readonly #bytes = new Float64Array(BUCKETS);
  #newest = -1;

  /** Counts bytes that arrived or left. */
  add(sizeBytes: number, now: MonoMs): void {
    this.#advance(now);
    const at = this.#newest % BUCKETS;
    this.#bytes[at] = (this.#bytes[at] as number) + sizeBytes;
  }

  /** The rate over the last second; too low within the first one. */
  bitrateBps(now: MonoMs): number {
    this.#advance(now);
    let sum = 0;
    for (const each of this.#bytes) sum += each;
    return (sum * 8 * 1000) / (BUCKET_MS * BUCKETS);
  }

  #advance(now: MonoMs): void {
    const bucket = Math.floor(now / BUCKET_MS);
    if (bucket <= this.#newest) return;
    const from = Math.max(this.#newest + 1, bucket - BUCKETS + 1);
    for (let each = from; each <= bucket; each++) this.#bytes[each % BUCKETS] = 0;
    this.#newest = bucket;
  }
}
