/**
 * Refuses packets that were received before or are too old to know. RFC 3711 section 3.3.2.
 * Check before the authentication, commit after it: a forged packet must not move the window.
 */
export class ReplayWindow {
  readonly #sizePackets: number;
  /** One bit for each index of the window, at position `index mod size`. */
  readonly #seen: Uint8Array;
  #newest = -1;

  /**
   * @param sizePackets - At least 64 (the RFC's minimum); default 1024, since a burst of retransmissions at video
   * rates is older than 64 packets.
   */
  constructor(sizePackets = 1024) {
    this.#sizePackets = sizePackets;
    this.#seen = new Uint8Array(sizePackets);
  }

  /** The highest committed index, -1 before the first. */
  get newest(): number {
    return this.#newest;
  }

  /**
   * Whether a packet of this index may be accepted.
   *
   * @param index - The extended packet index (ROC and sequence number, or the SRTCP index), 0 or more.
   */
  check(index: number): boolean {
    if (index > this.#newest) return true;
    if (index <= this.#newest - this.#sizePackets || index < 0) return false;
    return this.#seen[index % this.#sizePackets] === 0;
  }

  /** Marks an authenticated packet as received. Only after {@link check} said yes. */
  commit(index: number): void {
    if (index > this.#newest) {
      const ahead = Math.min(index - this.#newest, this.#sizePackets);
      for (let i = 1; i < ahead; i++) this.#seen[(index - i) % this.#sizePackets] = 0;
      this.#newest = index;
    }
    this.#seen[index % this.#sizePackets] = 1;
  }
}
