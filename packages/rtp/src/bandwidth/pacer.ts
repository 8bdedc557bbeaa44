import type { MonoMs } from "@lodeline/base";

/** Which packet goes first when several wait. Sound never waits, and a probe is nothing without its moment. */
export type PacketUrgency = "audio" | "probe" | "repair" | "video";

/** What may leave at once after a pause: a few packets. */
const BURST_MS = 10;

/** Nothing waits longer than about this: a picture that old is not worth its sound being in time. */
const LONGEST_WAIT_MS = 700;

/** Bytes that may wait whatever the rate: two large key frames. What does not fit leaves at once. */
const QUEUE_LIMIT_BYTES = 400_000;

interface Waiting<T> {
  readonly item: T;
  readonly sizeBytes: number;
}

/**
 * Spreads bursts such as key frames over time, so that they wait here and not in a queue on the way where sound would wait
 * behind them. Repairs go before pictures. Sound passes at once and is not counted, since pictures would wait for what it
 * took: after a second in which a machine stood still its sound alone is worth a second of the rate. The rate is what is left
 * beside it.
 */
export class Pacer<T> {
  readonly #repairs: Waiting<T>[] = [];
  readonly #videos: Waiting<T>[] = [];
  #queuedBytes = 0;
  /** When what has left so far has passed at the rate. */
  #freeAtMs: MonoMs = -Infinity;
  /** At least this until the queue is empty, so that the last of it does not wait too long. */
  #hurryBps = 0;
  /** Bits per second for everything but sound; `Infinity` lets everything pass. */
  rateBps = Infinity;

  /** Bytes that wait. */
  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  /** When {@link poll} has a packet; `Infinity` when none waits. */
  get deadlineMs(): MonoMs {
    return this.#queuedBytes === 0 ? Infinity : this.#freeAtMs;
  }

  /**
   * Whether a packet may leave now, without waiting. If so it is counted; not so sound, and a probe, which is beyond the rate
   * by intent.
   */
  admit(sizeBytes: number, urgency: PacketUrgency, now: MonoMs): boolean {
    if (urgency === "probe" || urgency === "audio") return true;
    const full = this.#queuedBytes + sizeBytes > QUEUE_LIMIT_BYTES;
    if (!full && (this.#queuedBytes > 0 || this.#freeAtMs > now)) return false;
    this.#count(sizeBytes, now);
    return true;
  }

  /** Lets a packet wait that was not admitted. */
  push(item: T, sizeBytes: number, urgency: PacketUrgency): void {
    (urgency === "repair" ? this.#repairs : this.#videos).push({ item, sizeBytes });
    this.#queuedBytes += sizeBytes;
    this.#hurryBps = Math.max(this.#hurryBps, (this.#queuedBytes * 8000) / LONGEST_WAIT_MS);
  }

  /** The next packet whose moment has come. */
  poll(now: MonoMs): T | undefined {
    if (this.#queuedBytes === 0 || this.#freeAtMs > now) return undefined;
    const next = this.#repairs.shift() ?? this.#videos.shift();
    if (next === undefined) return undefined;
    this.#queuedBytes -= next.sizeBytes;
    if (this.#queuedBytes === 0) this.#hurryBps = 0;
    this.#count(next.sizeBytes, now);
    return next.item;
  }

  /** Takes everything that waits, in order. */
  drain(): T[] {
    const items = [...this.#repairs.splice(0), ...this.#videos.splice(0)].map(({ item }) => item);
    this.#queuedBytes = 0;
    this.#hurryBps = 0;
    return items;
  }

  #count(sizeBytes: number, now: MonoMs): void {
    const bytesMs = (sizeBytes * 8000) / Math.max(this.rateBps, this.#hurryBps);
    this.#freeAtMs = Math.max(this.#freeAtMs, now - BURST_MS) + bytesMs;
  }
}
