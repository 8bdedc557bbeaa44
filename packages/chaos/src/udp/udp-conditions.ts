import { type MonoMs, type Random, unit } from "@lodeline/base";

/** What is wrong with one way of datagrams while a fault lasts. */
export interface UdpConditions {
  /** Share that never arrives, 0 .. 1. */
  readonly loss: number;
  readonly delayMs: number;
  /** Up to this much more, drawn for each; the order stays. */
  readonly jitterMs: number;
  /** Share that later ones overtake, 0 .. 1. */
  readonly reorder: number;
  /** Share that arrives twice, 0 .. 1. */
  readonly duplicate: number;
  /** At most this much; `Infinity` for no limit. */
  readonly rateBps: number;
  /** What may wait for the rate, in bytes. */
  readonly queueBytes: number;
  /** Nothing arrives. */
  readonly dead: boolean;
}

/** A datagram that is overtaken comes this much later: at 50 packets a second, behind the next one or two. */
const OVERTAKEN_MS = { least: 15, most: 45 } as const;

/** What became of a datagram: when it arrives, once for each copy; or why it does not. */
export type UdpFate = readonly MonoMs[] | "lost" | "overflow" | "dead";

/** One way of one client's datagrams under one fault: decides for each when it arrives, if it does. */
export class UdpLane {
  readonly conditions: UdpConditions;
  readonly #random: Random;
  #freeAtMs: MonoMs = -Infinity;
  #lastAtMs: MonoMs = -Infinity;

  constructor(conditions: UdpConditions, random: Random) {
    this.conditions = conditions;
    this.#random = random;
  }

  /**
   * Decides on one datagram.
   *
   * @param at - When it comes to this lane; not before the datagrams decided on earlier, as a rule.
   */
  decide(sizeBytes: number, at: MonoMs): UdpFate {
    const { loss, delayMs, jitterMs, reorder, duplicate, dead } = this.conditions;
    if (dead) return "dead";
    if (loss > 0 && unit(this.#random) < loss) return "lost";
    const leavesAtMs = this.#throttled(sizeBytes, at);
    if (leavesAtMs === undefined) return "overflow";
    let arrivesAtMs = leavesAtMs + delayMs + (jitterMs > 0 ? unit(this.#random) * jitterMs : 0);
    if (reorder > 0 && unit(this.#random) < reorder) {
      arrivesAtMs += OVERTAKEN_MS.least + unit(this.#random) * (OVERTAKEN_MS.most - OVERTAKEN_MS.least);
    } else {
      arrivesAtMs = Math.max(arrivesAtMs, this.#lastAtMs);
      this.#lastAtMs = arrivesAtMs;
    }
    const twice = duplicate > 0 && unit(this.#random) < duplicate;
    return twice ? [arrivesAtMs, arrivesAtMs] : [arrivesAtMs];
  }

  /** When it has left the bottleneck, or `undefined` when the queue before it is full. */
  #throttled(sizeBytes: number, at: MonoMs): MonoMs | undefined {
    const { rateBps, queueBytes } = this.conditions;
    if (rateBps === Infinity) return at;
    const waitMs = Math.max(0, this.#freeAtMs - at);
    if ((waitMs * rateBps) / 8000 + sizeBytes > queueBytes) return undefined;
    this.#freeAtMs = at + waitMs + (sizeBytes * 8000) / rateBps;
    return this.#freeAtMs;
  }
}
