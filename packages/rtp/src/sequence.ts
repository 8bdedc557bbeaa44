/** Sequence arithmetic on 16-bit RTP numbers. RFC 3550 section 5.1, RFC 1982. */

/**
 * How far `a` is ahead of `b` on the 16-bit circle.
 *
 * @returns -32768 .. 32767; positive when `a` is newer.
 */
export function sequenceDistance(a: number, b: number): number {
  return ((a - b) << 16) >> 16;
}

/**
 * How far `a` is ahead of `b` on the 32-bit circle, for RTP timestamps.
 *
 * @returns Ticks, -2^31 .. 2^31-1; positive when `a` is later.
 */
export function timestampDistance(a: number, b: number): number {
  return (a - b) | 0;
}

/**
 * Gives each 16-bit sequence number its place on an endless line, so that later code can compare and subtract.
 * The first number seen becomes itself; each later one is taken as the nearest to the newest seen.
 */
export class SequenceUnwrapper {
  #newest: number | undefined;

  /** The highest extended number so far, or `undefined` before the first packet. */
  get newest(): number | undefined {
    return this.#newest;
  }

  /**
   * The extended number of `sequenceNumber`. Moves the reference when it is newer than everything before.
   *
   * @param sequenceNumber - 0 .. 65535.
   * @returns An integer; may be negative for packets that are older than the first one seen.
   */
  unwrap(sequenceNumber: number): number {
    const extended = this.peek(sequenceNumber);
    if (this.#newest === undefined || extended > this.#newest) this.#newest = extended;
    return extended;
  }

  /** As {@link unwrap}, without moving the reference: for numbers that arrive in feedback. */
  peek(sequenceNumber: number): number {
    if (this.#newest === undefined) return sequenceNumber;
    return this.#newest + sequenceDistance(sequenceNumber, this.#newest & 0xffff);
  }

  /** Forgets everything, for a stream that begins anew. */
  reset(): void {
    this.#newest = undefined;
  }
}
