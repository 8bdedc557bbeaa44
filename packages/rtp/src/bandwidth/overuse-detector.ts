import type { GroupDelta } from "./arrival-groups.ts";

/** What the delay says about the path: its queue grows, drains, or neither. */
export type PathUsage = "normal" | "overuse" | "underuse";

/** Groups in the line that is fitted: about 20 frames or bursts. */
const WINDOW_GROUPS = 20;

/** Weight of what was before in the smoothed delay. */
const SMOOTHING = 0.9;

/** From a slope (ms of delay for each ms) to a figure comparable with the threshold in ms. */
const GAIN = 4;

/** The slope counts for more the more groups it rests on, up to this many. */
const GROUPS_COUNTED = 60;

/** The threshold follows the noise of the path: quickly down, slowly up. draft-ietf-rmcat-gcc-02 section 5.4. */
const THRESHOLD = { initial: 12.5, least: 6, most: 600, up: 0.0087, down: 0.039, outlierMs: 15 } as const;

/** Longest step by which the threshold moves at a time. */
const THRESHOLD_STEP_MS = 100;

/** The delay must have grown for this long before the path counts as overused. draft-ietf-rmcat-gcc-02 section 5.4. */
const OVERUSE_MS = 10;

/**
 * Notices a queue that builds up on the path: fits a line through the smoothed one-way delay of the last groups and compares
 * its slope with a threshold that adapts to the noise. draft-ietf-rmcat-gcc-02 section 5, with a line in place of the Kalman
 * filter: it needs no model of the noise.
 */
export class OveruseDetector {
  readonly #line = new FittedLine();
  #firstArrivalMs: number | undefined;
  #accumulatedMs = 0;
  #smoothedMs = 0;
  #groups = 0;
  #slope = 0;
  #thresholdMs: number = THRESHOLD.initial;
  #thresholdAtMs: number | undefined;
  #overusingMs = -1;
  #overuses = 0;
  #usage: PathUsage = "normal";

  /** As of the last group. */
  get usage(): PathUsage {
    return this.#usage;
  }

  /** Takes the delay between two groups. */
  handle({ sendDeltaMs, arrivalDeltaMs, arrivalMs }: GroupDelta): PathUsage {
    this.#firstArrivalMs ??= arrivalMs;
    this.#groups = Math.min(this.#groups + 1, 1000);
    this.#accumulatedMs += arrivalDeltaMs - sendDeltaMs;
    this.#smoothedMs = SMOOTHING * this.#smoothedMs + (1 - SMOOTHING) * this.#accumulatedMs;
    this.#line.add(arrivalMs - this.#firstArrivalMs, this.#smoothedMs);
    const before = this.#slope;
    this.#slope = this.#line.slope ?? before;
    this.#decide(before, sendDeltaMs, arrivalMs);
    return this.#usage;
  }

  #decide(before: number, sendDeltaMs: number, arrivalMs: number): void {
    if (this.#groups < 2) return;
    const trendMs = Math.min(this.#groups, GROUPS_COUNTED) * this.#slope * GAIN;
    if (trendMs > this.#thresholdMs) {
      this.#overusingMs = this.#overusingMs < 0 ? sendDeltaMs / 2 : this.#overusingMs + sendDeltaMs;
      this.#overuses++;
      // Still growing, for long enough, and not in one group alone.
      if (this.#overusingMs > OVERUSE_MS && this.#overuses > 1 && this.#slope >= before) {
        this.#overusingMs = 0;
        this.#overuses = 0;
        this.#usage = "overuse";
      }
    } else {
      this.#overusingMs = -1;
      this.#overuses = 0;
      this.#usage = trendMs < -this.#thresholdMs ? "underuse" : "normal";
    }
    this.#adapt(trendMs, arrivalMs);
  }

  #adapt(trendMs: number, arrivalMs: number): void {
    const size = Math.abs(trendMs);
    const sinceMs = Math.min(THRESHOLD_STEP_MS, arrivalMs - (this.#thresholdAtMs ?? arrivalMs));
    this.#thresholdAtMs = arrivalMs;
    // A sudden jump, such as a route that changed, must not blind us for minutes.
    if (size > this.#thresholdMs + THRESHOLD.outlierMs) return;
    const speed = size < this.#thresholdMs ? THRESHOLD.down : THRESHOLD.up;
    const moved = this.#thresholdMs + speed * (size - this.#thresholdMs) * sinceMs;
    this.#thresholdMs = Math.min(THRESHOLD.most, Math.max(THRESHOLD.least, moved));
  }
}

/** The line through the last {@link WINDOW_GROUPS} points, by least squares. */
class FittedLine {
  /** A ring: the order of the points makes no difference. */
  readonly #at = new Float64Array(WINDOW_GROUPS);
  readonly #delays = new Float64Array(WINDOW_GROUPS);
  #count = 0;

  add(atMs: number, delayMs: number): void {
    const slot = this.#count++ % WINDOW_GROUPS;
    this.#at[slot] = atMs;
    this.#delays[slot] = delayMs;
  }

  /** `undefined` before there are enough points, and when all are at one moment. */
  get slope(): number | undefined {
    if (this.#count < WINDOW_GROUPS) return undefined;
    const at = this.#at;
    const delays = this.#delays;
    let atMean = 0;
    let delayMean = 0;
    for (let i = 0; i < WINDOW_GROUPS; i++) {
      atMean += (at[i] as number) / WINDOW_GROUPS;
      delayMean += (delays[i] as number) / WINDOW_GROUPS;
    }
    let numerator = 0;
    let denominator = 0;
    for (let i = 0; i < WINDOW_GROUPS; i++) {
      const off = (at[i] as number) - atMean;
      numerator += off * ((delays[i] as number) - delayMean);
      denominator += off * off;
    }
    return denominator === 0 ? undefined : numerator / denominator;
  }
}
