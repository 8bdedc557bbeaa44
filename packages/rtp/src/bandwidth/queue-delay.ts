import { LeastDelay } from "./least-delay.ts";

/** The least delay is looked for over twice this long at most: clocks drift, and routes change. */
const EPOCH_MS = 15_000;

/** Weight of the newest packet: a queue that grows is believed after some tens of ms, one that has gone at once. */
const SMOOTHING = { up: 0.1, down: 0.3 } as const;

/** A queue keeps every packet waiting; jitter, and a machine that was busy, lets some through at once within `nowMs`. */
const STANDING = { nowMs: 150, beforeMs: 2000 } as const;

/**
 * How long packets wait on the way: the one-way delay above the least one seen lately. The clocks need not agree, since only
 * differences count.
 */
export class QueueDelay {
  #leastMs = Infinity;
  #leastBeforeMs = Infinity;
  #epochAtMs = -Infinity;
  #smoothedMs = 0;
  readonly #now = new LeastDelay(STANDING.nowMs);
  readonly #before = new LeastDelay(STANDING.beforeMs);

  /** Smoothed, in ms; 0 before anything arrived. */
  get queueMs(): number {
    return this.#smoothedMs;
  }

  /** What all of the last packets waited at least: the queue without the noise of the path. */
  get standingMs(): number {
    return Math.max(0, this.#now.leastMs - this.#baseMs);
  }

  /** How much longer packets wait at least than they did lately. A delay that the path has for itself does not grow. */
  get grownMs(): number {
    return this.#now.leastMs - this.#before.leastMs;
  }

  /** What has grown so far was answered: only what comes on top counts again. */
  answered(): void {
    this.#before.restart();
  }

  /** How far the delays of the path lie apart whatever the queue. */
  get noiseMs(): number {
    return Math.max(0, this.#smoothedMs - this.standingMs);
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
    this.#now.add(arrivalMs, delayMs);
    this.#before.add(arrivalMs, delayMs);
    const queueMs = delayMs - this.#baseMs;
    const speed = queueMs > this.#smoothedMs ? SMOOTHING.up : SMOOTHING.down;
    this.#smoothedMs += speed * (queueMs - this.#smoothedMs);
  }

  get #baseMs(): number {
    return Math.min(this.#leastMs, this.#leastBeforeMs);
  }
}
