/** The least delay is looked for over twice this long at most: clocks drift, and routes change. */
const EPOCH_MS = 15_000;

/** Weight of the newest packet: a queue that grows is believed after some tens of ms, one that has gone at once. */
const SMOOTHING = { up: 0.1, down: 0.3 } as const;

/**
 * How long packets wait on the way: the one-way delay above the least one seen lately. The clocks need not agree, since only
 * differences count.
 */
export class QueueDelay {
  #leastMs = Infinity;
  #leastBeforeMs = Infinity;
  #epochAtMs = -Infinity;
  #smoothedMs = 0;

  /** Smoothed, in ms; 0 before anything arrived. */
  get queueMs(): number {
    return this.#smoothedMs;
  }

  /** A packet arrived. */
  handle(sentAtMs: number, arrivalMs: number): void {
    if (arrivalMs - this.#epochAtMs > EPOCH_MS) {
      this.#leastBeforeMs = this.#leastMs;
      this.#leastMs = Infinity;
      this.#epochAtMs = arrivalMs;
    }
    const delayMs = arrivalMs - sentAtMs;
    this.#leastMs = Math.min(this.#leastMs, delayMs);
    const queueMs = delayMs - Math.min(this.#leastMs, this.#leastBeforeMs);
    const speed = queueMs > this.#smoothedMs ? SMOOTHING.up : SMOOTHING.down;
    this.#smoothedMs += speed * (queueMs - this.#smoothedMs);
  }
}
