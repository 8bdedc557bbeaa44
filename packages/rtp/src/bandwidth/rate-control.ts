import type { MonoMs } from "@lodeline/base";
import type { PathUsage } from "./overuse-detector.ts";

/** Share of what arrives that is left after overuse, so that the queue drains. draft-ietf-rmcat-gcc-02 section 5.5. */
const DECREASE = 0.85;

/** A long queue drains faster: this much less for each ms of it, down to `least`. Sound waits in it. */
const DRAIN = { perMs: 0.0005, least: 0.5 } as const;

/** A queue this short counts as drained; one that does not get so short is the path's own after `patienceMs`. */
const DRAINED = { queueMs: 60, patienceMs: 3000 } as const;

/** Once the queue has drained, this share of what the path was seen to carry is taken again. */
const RESUME = 0.94;

/** Growth in a second while the path's capacity is not known. draft-ietf-rmcat-gcc-02 section 5.5. */
const GROWTH = 1.08;

/** The estimate may be this much above what arrives: what was not tried is not known. draft-ietf-rmcat-gcc-02 section 5.5. */
const UNTRIED = { factor: 1.5, bps: 10_000 } as const;

/** A growing queue is answered at most once in this time and the round trip: the answer must be seen first. */
const REACTION_MS = 100;

/** Least growth near the capacity, for each second. */
const LEAST_STEP_BPS = 4000;

/** A packet, as near the capacity one more is tried in each reaction time. */
const PACKET_BITS = 1200 * 8;

/** After this long without a decrease the capacity that was seen is history. */
const CAPACITY_MEMORY_MS = 20_000;

/** Bounds of {@link RateControl}. */
export interface RateBounds {
  readonly leastBps: number;
  readonly mostBps: number;
}

/**
 * From "the queue grows" to a bitrate: additive increase near what the path was seen to carry, multiplicative elsewhere,
 * multiplicative decrease. draft-ietf-rmcat-gcc-02 section 5.5.
 */
export class RateControl {
  readonly #bounds: RateBounds;
  #estimateBps: number;
  /** What arrived when the path was last full, smoothed; and how far such figures lie apart, as a share squared. */
  #capacityBps: number | undefined;
  #deviation = 0.02;
  #decreasedAtMs: MonoMs = -Infinity;
  #updatedAtMs: MonoMs | undefined;
  #drained = true;
  #resumed = true;

  constructor(startBps: number, bounds: RateBounds) {
    this.#estimateBps = startBps;
    this.#bounds = bounds;
  }

  get estimateBps(): number {
    return this.#estimateBps;
  }

  /** When it last went down; `-Infinity` when it never did. */
  get decreasedAtMs(): MonoMs {
    return this.#decreasedAtMs;
  }

  /** What is known of the path's capacity, if anything lately was. */
  get capacityBps(): number | undefined {
    return this.#capacityBps;
  }

  /** A probe showed that the path carries this. Lower figures than the estimate say nothing. */
  probed(bitrateBps: number, now: MonoMs): void {
    if (bitrateBps <= this.#estimateBps) return;
    this.#estimateBps = this.#bounded(bitrateBps);
    if (this.#capacityBps !== undefined && bitrateBps > this.#capacityBps) this.#capacityBps = undefined;
    this.#updatedAtMs = now;
  }

  /** Goes down whatever the delay says: feedback stopped. That tells nothing of the capacity. */
  reduce(factor: number): void {
    this.#estimateBps = this.#bounded(this.#estimateBps * factor);
  }

  /**
   * Takes what the detector says.
   *
   * @param arriving - What arrives, when it is known: over half a second, and just now.
   * @param queueMs - How long packets wait on the way.
   */
  update(
    usage: PathUsage,
    arriving: { readonly bitrateBps: number | undefined; readonly recentBps: number | undefined },
    { roundTripMs, queueMs }: { readonly roundTripMs: number; readonly queueMs: number },
    now: MonoMs,
  ): void {
    const sinceMs = this.#updatedAtMs === undefined ? 0 : Math.min(1000, now - this.#updatedAtMs);
    this.#updatedAtMs = now;
    this.#drained ||= queueMs < DRAINED.queueMs || now - this.#decreasedAtMs > DRAINED.patienceMs;
    if (usage === "overuse") this.#decrease(arriving.recentBps ?? arriving.bitrateBps, roundTripMs, queueMs, now);
    // While the queue drains nothing is added to it.
    else if (usage === "normal" && this.#drained) this.#increase(sinceMs, arriving.bitrateBps, roundTripMs, now);
  }

  #decrease(acknowledgedBps: number | undefined, roundTripMs: number, queueMs: number, now: MonoMs): void {
    const reacted = now - this.#decreasedAtMs < REACTION_MS + roundTripMs;
    // Twice too much needs no patience.
    const urgent = acknowledgedBps !== undefined && acknowledgedBps < this.#estimateBps / 2;
    if (reacted && !urgent) return;
    const arrivedBps = acknowledgedBps ?? this.#estimateBps;
    const nextBps = Math.max(DRAIN.least, DECREASE - DRAIN.perMs * queueMs) * arrivedBps;
    this.#estimateBps = this.#bounded(Math.min(this.#estimateBps, nextBps));
    this.#noteCapacity(arrivedBps);
    this.#decreasedAtMs = now;
    this.#drained = false;
    this.#resumed = false;
  }

  #noteCapacity(arrivedBps: number): void {
    const known = this.#capacityBps;
    if (known === undefined || Math.abs(arrivedBps - known) > 3 * this.#spreadBps(known)) {
      this.#capacityBps = arrivedBps;
      this.#deviation = 0.02;
      return;
    }
    const error = (arrivedBps - known) / known;
    this.#capacityBps = known + 0.3 * (arrivedBps - known);
    this.#deviation = Math.max(0.0025, 0.9 * this.#deviation + 0.1 * error ** 2);
  }

  #spreadBps(capacityBps: number): number {
    return Math.sqrt(this.#deviation) * capacityBps;
  }

  #increase(sinceMs: number, acknowledgedBps: number | undefined, roundTripMs: number, now: MonoMs): void {
    const reactionMs = REACTION_MS + roundTripMs;
    if (now - this.#decreasedAtMs < reactionMs) return;
    this.#forgetCapacity(acknowledgedBps, now);
    const capacityBps = this.#capacityBps;
    if (!this.#resumed) {
      this.#resumed = true;
      // What the path was seen to carry is known, however little is sent just now.
      if (capacityBps !== undefined)
        this.#estimateBps = this.#bounded(Math.max(this.#estimateBps, RESUME * capacityBps));
      return;
    }
    let nextBps = this.#estimateBps;
    if (capacityBps !== undefined) {
      nextBps += (Math.max(LEAST_STEP_BPS, (PACKET_BITS * 1000) / reactionMs) * sinceMs) / 1000;
    } else {
      nextBps = Math.max(nextBps * GROWTH ** (sinceMs / 1000), nextBps + (LEAST_STEP_BPS * sinceMs) / 1000);
    }
    const mostBps = acknowledgedBps === undefined ? nextBps : UNTRIED.factor * acknowledgedBps + UNTRIED.bps;
    // A sender that uses less than it may keeps what it was found to have.
    this.#estimateBps = this.#bounded(Math.max(this.#estimateBps, Math.min(nextBps, mostBps)));
  }

  /** More arrives than was thought to fit, or the last word on it is old: the path is another now. */
  #forgetCapacity(acknowledgedBps: number | undefined, now: MonoMs): void {
    const known = this.#capacityBps;
    if (known === undefined) return;
    const more = acknowledgedBps !== undefined && acknowledgedBps > known + 3 * this.#spreadBps(known);
    if (more || now - this.#decreasedAtMs > CAPACITY_MEMORY_MS) this.#capacityBps = undefined;
  }

  #bounded(bitrateBps: number): number {
    return Math.min(this.#bounds.mostBps, Math.max(this.#bounds.leastBps, bitrateBps));
  }
}
