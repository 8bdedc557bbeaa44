import type { MonoMs } from "@lodeline/base";

/** Packets sent within this time are one group: what a pacer or a frame sends in one go. draft-ietf-rmcat-gcc-02 section 5.2. */
const GROUP_MS = 5;

/** A burst that arrives together is one group, but not for ever. */
const BURST_LIMIT_MS = 100;

/** Arrivals that went back by so much mean that the receiver's clock was set, or is another. */
const CLOCK_RESET_MS = -3000;

/** How the last two complete groups lie to each other. */
export interface GroupDelta {
  /** Between the last packets of both, as sent. */
  readonly sendDeltaMs: number;
  /** As they arrived. */
  readonly arrivalDeltaMs: number;
  /** When the later one had arrived, on the receiver's clock. */
  readonly arrivalMs: number;
}

interface Group {
  firstSentMs: MonoMs;
  lastSentMs: MonoMs;
  firstArrivalMs: number;
  lastArrivalMs: number;
}

/**
 * Gathers packets into groups, so that what is compared is how long groups took and not how a burst is spread out.
 * draft-ietf-rmcat-gcc-02 section 5.2.
 */
export class ArrivalGroups {
  #current: Group | undefined;
  #previous: Group | undefined;

  /**
   * Takes an arrived packet, in the order of sending.
   *
   * @returns The delay between the two groups before this packet's, when this packet begins a new one.
   */
  handle(sentAtMs: MonoMs, arrivalMs: number): GroupDelta | undefined {
    const current = this.#current;
    if (current === undefined) {
      this.#current = group(sentAtMs, arrivalMs);
      return undefined;
    }
    // Sent before the group began: it came out of order, and says nothing about this group.
    if (sentAtMs < current.firstSentMs) return undefined;
    if (belongs(current, sentAtMs, arrivalMs)) {
      current.lastSentMs = Math.max(current.lastSentMs, sentAtMs);
      current.lastArrivalMs = Math.max(current.lastArrivalMs, arrivalMs);
      return undefined;
    }
    const before = this.#previous;
    this.#current = group(sentAtMs, arrivalMs);
    const delta = before && delayBetween(before, current);
    // What came before its predecessor is passed over, but its time is not: the sum of all delays is the delay.
    if (before === undefined || delta || current.lastArrivalMs - before.lastArrivalMs < CLOCK_RESET_MS)
      this.#previous = current;
    return delta;
  }
}

function delayBetween(before: Group, after: Group): GroupDelta | undefined {
  const arrivalDeltaMs = after.lastArrivalMs - before.lastArrivalMs;
  if (arrivalDeltaMs < 0) return undefined;
  return { sendDeltaMs: after.lastSentMs - before.lastSentMs, arrivalDeltaMs, arrivalMs: after.lastArrivalMs };
}

function group(sentAtMs: MonoMs, arrivalMs: number): Group {
  return { firstSentMs: sentAtMs, lastSentMs: sentAtMs, firstArrivalMs: arrivalMs, lastArrivalMs: arrivalMs };
}

function belongs(current: Group, sentAtMs: MonoMs, arrivalMs: number): boolean {
  if (sentAtMs - current.firstSentMs <= GROUP_MS) return true;
  // Something on the way held packets up and let them go together: they say nothing of the rate of the path.
  const arrivalDeltaMs = arrivalMs - current.lastArrivalMs;
  const propagationMs = arrivalDeltaMs - (sentAtMs - current.lastSentMs);
  const together = propagationMs < 0 && arrivalDeltaMs <= GROUP_MS;
  return together && arrivalMs - current.firstArrivalMs < BURST_LIMIT_MS;
}
