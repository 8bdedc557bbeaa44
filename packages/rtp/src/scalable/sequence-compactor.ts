/** Packets looked back on, a power of two: more than any repair takes. */
const RING_PACKETS = 2048;

/** No packet stands here, or it has its number and was dropped. */
const NONE = Number.NaN;

/**
 * Closes the gaps that dropped packets leave in extended sequence numbers. What is missing so far keeps a number, since
 * nobody knows yet whether it will be wanted: when it comes after all and is not, its number is sent without a payload,
 * or the receiver would ask for it again and again.
 */
export class SequenceCompactor {
  readonly #sequences = new Float64Array(RING_PACKETS).fill(NONE);
  readonly #outgoing = new Float64Array(RING_PACKETS).fill(NONE);
  #newest: number | undefined;
  #dropped = 0;
  #newestGap = -Infinity;

  /** The newest number taken. */
  get newest(): number | undefined {
    return this.#newest;
  }

  /** How many were dropped so far. */
  get dropped(): number {
    return this.#dropped;
  }

  /** The newest number that was missing when a later one came, whether it has come since or not. */
  get newestGap(): number {
    return this.#newestGap;
  }

  /**
   * Takes a packet, each once.
   *
   * @param wanted - Whether it is to be forwarded.
   * @returns The number that it has now; also of one that is not wanted but holds a number already; else `undefined`.
   */
  take(sequence: number, wanted: boolean): number | undefined {
    const newest = this.#newest ?? sequence - 1;
    if (sequence <= newest) return this.#late(sequence);
    for (let missing = Math.max(newest + 1, sequence - RING_PACKETS); missing < sequence; missing++)
      this.#put(missing, missing - this.#dropped);
    if (sequence > newest + 1) this.#newestGap = sequence - 1;
    this.#newest = sequence;
    this.#put(sequence, NONE);
    if (wanted) return sequence - this.#dropped;
    this.#dropped++;
    return undefined;
  }

  #late(sequence: number): number | undefined {
    const slot = sequence & (RING_PACKETS - 1);
    const outgoing = this.#outgoing[slot] as number;
    if (this.#sequences[slot] !== sequence || Number.isNaN(outgoing)) return undefined;
    this.#outgoing[slot] = NONE;
    return outgoing;
  }

  #put(sequence: number, outgoing: number): void {
    const slot = sequence & (RING_PACKETS - 1);
    this.#sequences[slot] = sequence;
    this.#outgoing[slot] = outgoing;
  }
}
