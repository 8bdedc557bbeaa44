import type { MonoMs } from "@lodeline/base";

const BUCKET_MS = 100;
const BUCKETS = 10;

/** Numbers in the record of a {@link BitrateMeter}: the newest bucket's number, then the buckets. */
export const BITRATE_METER_FIELDS = BUCKETS + 1;

/**
 * Bits per second over the last second, in steps of 100 ms. Allocates nothing after construction. All it knows is in its
 * record, so that what counts the bytes need not be this class.
 */
export class BitrateMeter {
  readonly #record: Float64Array;

  /** @param record - {@link BITRATE_METER_FIELDS} zeros; by default its own. */
  constructor(record: Float64Array = new Float64Array(BITRATE_METER_FIELDS)) {
    this.#record = record;
    record[0] = -1;
  }

  /** Counts bytes that arrived or left. */
  add(sizeBytes: number, now: MonoMs): void {
    this.#advance(now);
    const at = 1 + ((this.#record[0] as number) % BUCKETS);
    this.#record[at] = (this.#record[at] as number) + sizeBytes;
  }

  /** The rate over the last second; too low within the first one. */
  bitrateBps(now: MonoMs): number {
    this.#advance(now);
    let sum = 0;
    for (let at = 1; at <= BUCKETS; at++) sum += this.#record[at] as number;
    return (sum * 8 * 1000) / (BUCKET_MS * BUCKETS);
  }

  #advance(now: MonoMs): void {
    const newest = this.#record[0] as number;
    const bucket = Math.floor(now / BUCKET_MS);
    if (bucket <= newest) return;
    const from = Math.max(newest + 1, bucket - BUCKETS + 1);
    for (let each = from; each <= bucket; each++) this.#record[1 + (each % BUCKETS)] = 0;
    this.#record[0] = bucket;
  }
}
