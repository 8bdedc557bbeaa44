import type { MonoMs } from "@lodeline/base";

/** How often, and how often at once. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** What became of one message: taken; refused and to be answered so; or so far above the rate that the socket must go. */
export type Admission = "taken" | "refused" | "flood";

/**
 * Lets through `perSecond` messages on average and `burst` at once. Refused ones count too, down to another `burst` below
 * zero: who goes on sending after a whole burst of refusals floods.
 */
export class TokenBucket {
  readonly #rate: Rate;
  #tokens: number;
  #at: MonoMs;

  constructor(rate: Rate, now: MonoMs) {
    this.#rate = rate;
    this.#tokens = rate.burst;
    this.#at = now;
  }

  /** One message arrived. */
  take(now: MonoMs): Admission {
    this.#refill(now, this.#rate.burst);
    this.#tokens -= 1;
    if (this.#tokens >= 0) return "taken";
    if (this.#tokens >= -this.#rate.burst) return "refused";
    this.#tokens += 1;
    return "flood";
  }

  /**
   * A link came back: what its client wrote meanwhile now comes at once, and is no flood. Refills for the time away, up to
   * `atMost` tokens, which may be above the burst.
   */
  resume(now: MonoMs, atMost: number): void {
    this.#refill(now, Math.max(atMost, this.#rate.burst));
  }

  #refill(now: MonoMs, atMost: number): void {
    const due = ((now - this.#at) * this.#rate.perSecond) / 1000;
    this.#at = now;
    if (this.#tokens < atMost) this.#tokens = Math.min(atMost, this.#tokens + due);
  }
}
