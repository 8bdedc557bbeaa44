/** Arrivals are counted over this long: several frames, and less than a reaction takes. */
const WINDOW_MS = 500;

/** A rate over less says more about one burst than about the path. */
const LEAST_WINDOW_MS = 150;

/** After a drop what arrived before it must not count any more: so little is looked at then. */
const RECENT_MS = 200;

/** Entries kept: at most this many packets within the window; beyond it the oldest goes early. */
const ENTRY_LIMIT = 4096;

/** What arrived at the receiver in bits per second, by its own clock. */
export class AcknowledgedRate {
  readonly #entries: { readonly arrivalMs: number; readonly sizeBytes: number }[] = [];
  #bytes = 0;
  #newestMs = -Infinity;

  /** A packet arrived. */
  add(arrivalMs: number, sizeBytes: number): void {
    this.#entries.push({ arrivalMs, sizeBytes });
    this.#bytes += sizeBytes;
    this.#newestMs = Math.max(this.#newestMs, arrivalMs);
    let first = this.#entries[0];
    while (first && (first.arrivalMs < this.#newestMs - WINDOW_MS || this.#entries.length > ENTRY_LIMIT)) {
      this.#entries.shift();
      this.#bytes -= first.sizeBytes;
      first = this.#entries[0];
    }
  }

  /** Over the last half second, or `undefined` before enough has arrived. */
  get bitrateBps(): number | undefined {
    return this.#rate(0, this.#bytes);
  }

  /** Over the last 200 ms, or `undefined` before enough has arrived. */
  get recentBps(): number | undefined {
    let at = this.#entries.length;
    let bytes = 0;
    while (at > 0 && (this.#entries[at - 1]?.arrivalMs ?? 0) >= this.#newestMs - RECENT_MS) {
      at--;
      bytes += this.#entries[at]?.sizeBytes ?? 0;
    }
    return this.#rate(at, bytes);
  }

  #rate(from: number, bytes: number): number | undefined {
    const first = this.#entries[from];
    const spanMs = first === undefined ? 0 : this.#newestMs - first.arrivalMs;
    if (first === undefined || spanMs < LEAST_WINDOW_MS) return undefined;
    // The first packet's bytes took their time before the span began.
    return ((bytes - first.sizeBytes) * 8000) / spanMs;
  }
}
