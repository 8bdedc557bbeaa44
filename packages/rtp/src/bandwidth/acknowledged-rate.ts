import { fractions } from "./fractions.ts";

/** Arrivals are counted over this long: several frames, and less than a reaction takes. */
const WINDOW_MS = 500;

/** A rate over less says more about one burst than about the path. */
const LEAST_WINDOW_MS = 150;

/** After a drop what arrived before it must not count any more: so little is looked at then. */
const RECENT_MS = 200;

/** Entries kept: at most this many packets within the window; beyond it the oldest goes early. */
const ENTRY_LIMIT = 4096;

/** Entries that have left are cut off when they are so many. */
const CUT_AT = 1024;

/** What arrived at the receiver in bits per second, by its own clock. */
export class AcknowledgedRate {
  /** Of the entries from `#from` on; in two arrays of numbers, since this is done for every packet of every receiver. */
  readonly #arrivals = fractions();
  readonly #sizes: number[] = [];
  #from = 0;
  #bytes = 0;
  #newestMs = -Infinity;

  /** A packet arrived. */
  add(arrivalMs: number, sizeBytes: number): void {
    const arrivals = this.#arrivals;
    arrivals.push(arrivalMs);
    this.#sizes.push(sizeBytes);
    this.#bytes += sizeBytes;
    this.#newestMs = Math.max(this.#newestMs, arrivalMs);
    const oldestMs = this.#newestMs - WINDOW_MS;
    while ((arrivals[this.#from] ?? Infinity) < oldestMs || arrivals.length - this.#from > ENTRY_LIMIT) {
      this.#bytes -= this.#sizes[this.#from] ?? 0;
      this.#from++;
    }
    if (this.#from < CUT_AT) return;
    arrivals.splice(0, this.#from);
    this.#sizes.splice(0, this.#from);
    this.#from = 0;
  }

  /** Over the last half second, or `undefined` before enough has arrived. */
  get bitrateBps(): number | undefined {
    return this.#rate(this.#from, this.#bytes);
  }

  /** Over the last 200 ms, or `undefined` before enough has arrived. */
  get recentBps(): number | undefined {
    let at = this.#arrivals.length;
    let bytes = 0;
    while (at > this.#from && (this.#arrivals[at - 1] ?? 0) >= this.#newestMs - RECENT_MS) {
      at--;
      bytes += this.#sizes[at] ?? 0;
    }
    return this.#rate(at, bytes);
  }

  #rate(from: number, bytes: number): number | undefined {
    const firstMs = this.#arrivals[from];
    const spanMs = firstMs === undefined ? 0 : this.#newestMs - firstMs;
    if (spanMs < LEAST_WINDOW_MS) return undefined;
    // The first packet's bytes took their time before the span began.
    return ((bytes - (this.#sizes[from] ?? 0)) * 8000) / spanMs;
  }
}
