/**
 * RFC 9260 section 16 says 1 s, 1 s and 60 s. These are for real time: browsers delay SACKs by 200 ms at most, and after
 * half a minute of silence ICE has ended the path anyway.
 */
const INITIAL_MS = 500;
const SHORTEST_MS = 400;
const LONGEST_MS = 3000;

/** How long to wait for an acknowledgement, from measured round trips. RFC 9260 section 6.3.1. */
export class RetransmissionTimeout {
  #smoothedMs: number | undefined;
  #variationMs = 0;
  #ms = INITIAL_MS;

  get ms(): number {
    return this.#ms;
  }

  /** Smoothed round trip, once one was measured. */
  get roundTripMs(): number | undefined {
    return this.#smoothedMs;
  }

  /** A chunk that was sent once was acknowledged after so long. */
  measured(roundTripMs: number): void {
    if (this.#smoothedMs === undefined) {
      this.#smoothedMs = roundTripMs;
      this.#variationMs = roundTripMs / 2;
    } else {
      this.#variationMs = 0.75 * this.#variationMs + 0.25 * Math.abs(this.#smoothedMs - roundTripMs);
      this.#smoothedMs = 0.875 * this.#smoothedMs + 0.125 * roundTripMs;
    }
    this.#ms = bounded(this.#smoothedMs + 4 * this.#variationMs);
  }

  /** Something new was acknowledged: the path is there, so a backed-off wait is over, as TCP has it in Linux. */
  answered(): void {
    if (this.#smoothedMs === undefined) this.#ms = INITIAL_MS;
    else this.#ms = bounded(this.#smoothedMs + 4 * this.#variationMs);
  }

  /** It has passed. Section 6.3.3. */
  backOff(): void {
    this.#ms = Math.min(LONGEST_MS, 2 * this.#ms);
  }
}

function bounded(ms: number): number {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ms));
}
