import type { MonoMs } from "@lodeline/base";
import type { Chance } from "./chance.ts";

/** What a {@link ShapedLink} does to packets. May be changed at any time. */
export interface LinkConditions {
  /** Bits per second; `Infinity` for no limit. */
  rateBps: number;
  /** What may wait for the rate, in bytes; what does not fit is lost. */
  queueBytes: number;
  /** One way, without the queue. */
  delayMs: number;
  /** Up to this much more, drawn for each packet; the order stays. */
  jitterMs: number;
  /** Share that comes later than the jitter says, so that later ones overtake it, 0 .. 1. */
  reorder: number;
  /** Share lost whatever the rate, 0 .. 1. */
  loss: number;
}

/** A packet that is overtaken comes this much later: behind a frame or two. */
const OVERTAKEN_MS = { least: 15, most: 45 } as const;

/** A link as packets of media see one: a queue before a rate, a delay with jitter, and losses. In virtual time. */
export class ShapedLink {
  readonly conditions: LinkConditions;
  readonly #chance: Chance;
  #freeAtMs: MonoMs = -Infinity;
  #lastAtMs: MonoMs = -Infinity;
  /** Packets that did not fit the queue. */
  overflowed = 0;
  /** Packets lost by chance. */
  lost = 0;

  constructor(chance: Chance, conditions: Partial<LinkConditions> = {}) {
    this.#chance = chance;
    this.conditions = {
      rateBps: Infinity,
      queueBytes: 64_000,
      delayMs: 20,
      jitterMs: 0,
      reorder: 0,
      loss: 0,
      ...conditions,
    };
  }

  /** How long a packet that comes now would wait. */
  queueMs(now: MonoMs): number {
    return Math.max(0, this.#freeAtMs - now);
  }

  /** @returns When a packet that enters now arrives, or `undefined` when it does not. */
  send(sizeBytes: number, now: MonoMs): MonoMs | undefined {
    const { rateBps, queueBytes, delayMs, jitterMs, reorder, loss } = this.conditions;
    const waitMs = this.queueMs(now);
    if (rateBps < Infinity) {
      if ((waitMs * rateBps) / 8000 + sizeBytes > queueBytes) {
        this.overflowed++;
        return undefined;
      }
      this.#freeAtMs = now + waitMs + (sizeBytes * 8000) / rateBps;
    }
    // What is lost by chance was sent all the same and took its time.
    if (this.#chance.happens(loss)) {
      this.lost++;
      return undefined;
    }
    const leavesAtMs = rateBps < Infinity ? this.#freeAtMs : now;
    const jitter = jitterMs > 0 ? this.#chance.between(0, Math.round(jitterMs * 1000)) / 1000 : 0;
    if (this.#chance.happens(reorder))
      return leavesAtMs + delayMs + jitter + this.#chance.between(OVERTAKEN_MS.least, OVERTAKEN_MS.most);
    this.#lastAtMs = Math.max(this.#lastAtMs, leavesAtMs + delayMs + jitter);
    return this.#lastAtMs;
  }
}
