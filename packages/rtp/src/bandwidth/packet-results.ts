import type { MonoMs } from "@lodeline/base";

/** Room to begin with: more than most feedbacks tell of. */
const ROOM_PACKETS = 256;

/**
 * What one feedback told of packets, in the order of sending, as columns of numbers: there are so many of them that objects
 * would cost more than all that is done with them.
 */
export class PacketResults {
  #count = 0;
  /** When each left. */
  sentAtMs = new Float64Array(ROOM_PACKETS);
  /** On the receiver's clock, which has another zero than ours; NaN when it did not arrive. */
  arrivalMs = new Float64Array(ROOM_PACKETS);
  /** Bytes of the datagram. */
  sizes = new Float64Array(ROOM_PACKETS);
  /** The probe it was part of, 0 for none. */
  probes = new Float64Array(ROOM_PACKETS);
  /** 1: it was told as lost before, and has arrived after all. */
  afterAll = new Uint8Array(ROOM_PACKETS);
  /** 1: by {@link markHeld}. */
  held = new Uint8Array(ROOM_PACKETS);

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** Forgets all, and begins anew. */
  clear(): void {
    this.#count = 0;
  }

  /** Adds one that was sent after those before. */
  add(sentAtMs: MonoMs, arrivalMs: number, sizeBytes: number, probe: number, afterAll: boolean): void {
    const at = this.#count++;
    if (at === this.held.length) this.#grow();
    this.sentAtMs[at] = sentAtMs;
    this.arrivalMs[at] = arrivalMs;
    this.sizes[at] = sizeBytes;
    this.probes[at] = probe;
    this.afterAll[at] = afterAll ? 1 : 0;
    this.held[at] = 0;
  }

  /**
   * Marks those that a later one overtook, and those that come after all: they say how long they were held, and nothing of a
   * queue.
   */
  markHeld(): void {
    let leastMs = Infinity;
    for (let at = this.#count - 1; at >= 0; at--) {
      const arrivalMs = this.arrivalMs[at] as number;
      if (Number.isNaN(arrivalMs)) continue;
      if (this.afterAll[at] === 1 || arrivalMs > leastMs) this.held[at] = 1;
      leastMs = Math.min(leastMs, arrivalMs);
    }
  }

  /** When the last of those left that arrived; `undefined` when none did. */
  get lastArrivedSentAtMs(): MonoMs | undefined {
    for (let at = this.#count - 1; at >= 0; at--) {
      if (!Number.isNaN(this.arrivalMs[at] as number)) return this.sentAtMs[at];
    }
    return undefined;
  }

  #grow(): void {
    const doubled = <T extends Float64Array | Uint8Array>(into: T, from: T): T => {
      into.set(from);
      return into;
    };
    const room = 2 * this.held.length;
    this.sentAtMs = doubled(new Float64Array(room), this.sentAtMs);
    this.arrivalMs = doubled(new Float64Array(room), this.arrivalMs);
    this.sizes = doubled(new Float64Array(room), this.sizes);
    this.probes = doubled(new Float64Array(room), this.probes);
    this.afterAll = doubled(new Uint8Array(room), this.afterAll);
    this.held = doubled(new Uint8Array(room), this.held);
  }
}
