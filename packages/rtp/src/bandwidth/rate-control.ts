import type { MonoMs } from "@lodeline/base";
import type { PathUsage } from "./overuse-detector.ts";

/** Share of what arrives that is left after overuse, so that the queue drains. draft-ietf-rmcat-gcc-02 section 5.5. */
const DECREASE = 0.85;

/** A long queue drains faster: this much less for each ms of it, down to `least`. Sound waits in it. */
const DRAIN = { perMs: 0.0005, least: 0.5 } as const;

/** A queue this short counts as drained, and as gone; one that does not get so short is the path's own after `patienceMs`. */
const DRAINED = { queueMs: 60, goneMs: 15, patienceMs: 3000 } as const;

/** Once the queue has drained, this share of what the path was seen to carry is taken again. */
const RESUME = 0.94;

/** Growth in a second while the path's capacity is not known. draft-ietf-rmcat-gcc-02 section 5.5. */
const GROWTH = 1.08;

/** The estimate may be this much above what arrives: what was not tried is not known. draft-ietf-rmcat-gcc-02 section 5.5. */
const UNTRIED = { factor: 1.5, bps: 10_000 } as const;

/** A growing queue is answered at most once in this time and the round trip: the answer must be seen first. */
const REACTION_MS = 100;

/** A queue that grows again within this time is one. */
const CONFIRMED_MS = 2000;

/** So is one while more than this share is lost: it overflows. */
const CONFIRMING_LOSS = 0.03;

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

/** What else is known of the path. */
export interface PathState {
  readonly roundTripMs: number;
  /** How long packets wait on the way at least. */
  readonly queueMs: number;
  /** Share lost, 0 .. 1. */
  readonly loss: number;
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
  /** The estimate before a decrease that nothing has confirmed. */
  #doubtedBps: number | undefined;
  /** The estimate before feedback stopped. */
  #beforeSilenceBps: number | undefined;
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

  /**
   * Goes down whatever the delay says: feedback stopped. That tells nothing of the capacity, and is taken back when feedback
   * comes again and tells of no queue.
   */
  reduce(factor: number): void {
    this.#beforeSilenceBps ??= this.#estimateBps;
    this.#estimateBps = this.#bounded(this.#estimateBps * factor);
  }

  /**
   * Takes what the detector says.
   *
   * @param arriving - What arrives, when it is known: over half a second, and just now.
   */
  update(
    usage: PathUsage,
    arriving: { readonly bitrateBps: number | undefined; readonly recentBps: number | undefined },
    path: PathState,
    now: MonoMs,
  ): void {
    const { queueMs } = path;
    const sinceMs = this.#updatedAtMs === undefined ? 0 : Math.min(1000, now - this.#updatedAtMs);
    this.#updatedAtMs = now;
    this.#drained ||= queueMs < DRAINED.queueMs || now - this.#decreasedAtMs > DRAINED.patienceMs;
    if (usage === "overuse") this.#decrease(arrivingNow(arriving, queueMs), path, now);
    // While the queue drains nothing is added to it.
    else if (usage === "normal" && this.#drained) this.#increase(sinceMs, arriving.bitrateBps, path, now);
  }

  #decrease(acknowledgedBps: number | undefined, { roundTripMs, queueMs, loss }: PathState, now: MonoMs): void {
    const sinceMs = now - this.#decreasedAtMs;
    const long = queueMs > DRAINED.queueMs;
    // Twice too much, and it shows: that needs no patience.
    const urgent = long && acknowledgedBps !== undefined && acknowledgedBps < this.#estimateBps / 2;
    if (sinceMs < REACTION_MS + roundTripMs && !urgent) return;
    const arrivedBps = acknowledgedBps ?? this.#estimateBps;
    // Little arrives where little is sent. A short queue is no proof that no more fits until it grows again, or packets are lost.
    const confirmed = long || loss > CONFIRMING_LOSS || sinceMs < CONFIRMED_MS;
    const fromBps = confirmed ? arrivedBps : Math.max(arrivedBps, this.#estimateBps);
    const share = DECREASE - DRAIN.perMs * Math.max(0, queueMs - DRAINED.queueMs);
    this.#doubtedBps = confirmed ? undefined : this.#estimateBps;
    this.#estimateBps = this.#bounded(Math.min(this.#estimateBps, Math.max(DRAIN.least, share) * fromBps));
    this.#beforeSilenceBps = undefined;
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

  #increase(
    sinceMs: number,
    acknowledgedBps: number | undefined,
    { roundTripMs, queueMs }: PathState,
    now: MonoMs,
  ): void {
    const reactionMs = REACTION_MS + roundTripMs;
    if (now - this.#decreasedAtMs < reactionMs) return;
    if (this.#beforeSilenceBps !== undefined) {
      if (queueMs > DRAINED.queueMs) return;
      this.#estimateBps = this.#bounded(Math.max(this.#estimateBps, RESUME * this.#beforeSilenceBps));
      this.#beforeSilenceBps = undefined;
      return;
    }
    this.#forgetCapacity(acknowledgedBps, now);
    const capacityBps = this.#capacityBps;
    if (!this.#resumed) {
      this.#resumed = true;
      // What the path was seen to carry is known, however little is sent just now. A queue that has gone at once was none.
      const doubtedBps = queueMs < DRAINED.goneMs ? this.#doubtedBps : undefined;
      const seenBps = RESUME * Math.max(capacityBps ?? 0, doubtedBps ?? 0);
      this.#estimateBps = this.#bounded(Math.max(this.#estimateBps, seenBps));
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

/** A queue that is long was filled by what came before it. With a short one a moment says less than half a second. */
function arrivingNow(
  { bitrateBps, recentBps }: { readonly bitrateBps: number | undefined; readonly recentBps: number | undefined },
  queueMs: number,
): number | undefined {
  if (bitrateBps === undefined || recentBps === undefined) return bitrateBps ?? recentBps;
  return queueMs > DRAINED.queueMs ? recentBps : Math.max(bitrateBps, recentBps);
}
