import { type MonoMs, type Random, unit } from "@lodeline/base";
import type { IceTimings } from "./ice-types.ts";

/** How long a pair in use has been silent, and when it is asked again whether it may be used. RFC 7675. */
export class PairConsent {
  readonly #timings: IceTimings;
  readonly #random: Random;
  #heardAtMs: MonoMs;
  #askAtMs: MonoMs;

  constructor(timings: IceTimings, random: Random, now: MonoMs) {
    this.#timings = timings;
    this.#random = random;
    this.#heardAtMs = now;
    this.#askAtMs = now + this.#waitMs(now);
  }

  /** Something authentic came. */
  heard(now: MonoMs): void {
    this.#heardAtMs = now;
  }

  /** What the silence means now. Section 5.1: consent ends after 30 s, and nothing may be sent after that. */
  judge(now: MonoMs): "connected" | "disconnected" | "failed" {
    const silentMs = now - this.#heardAtMs;
    if (silentMs >= this.#timings.failedAfterMs) return "failed";
    return silentMs >= this.#timings.disconnectedAfterMs ? "disconnected" : "connected";
  }

  /** Whether to ask now; if so the next time is set. */
  takeAsk(now: MonoMs): boolean {
    if (now < this.#askAtMs) return false;
    this.#askAtMs = now + this.#waitMs(now);
    return true;
  }

  /** When to ask, or to judge, again. */
  deadlineMs(isDisconnected: boolean): MonoMs {
    const { disconnectedAfterMs, failedAfterMs } = this.#timings;
    return Math.min(this.#askAtMs, this.#heardAtMs + (isDisconnected ? failedAfterMs : disconnectedAfterMs));
  }

  #waitMs(now: MonoMs): number {
    const { consentIntervalMs, suspectIntervalMs } = this.#timings;
    const silent = now - this.#heardAtMs > consentIntervalMs;
    // RFC 7675 section 5.1: 0.8 to 1.2 of the interval, so that many peers do not keep step.
    return (silent ? suspectIntervalMs : consentIntervalMs) * (0.8 + 0.4 * unit(this.#random));
  }
}
