import { PACKET_BYTES } from "./sctp-packet.ts";

/** Ten packets to begin with, as libwebrtc does and TCP since RFC 6928. */
const INITIAL_BYTES = 10 * PACKET_BYTES;

/** After a loss never less than this. RFC 9260 section 7.2.3. */
const LOSS_FLOOR_BYTES = 4 * PACKET_BYTES;

/**
 * Slow start grows by what was acknowledged, as TCP does in Linux: with one packet for each SACK (section 7.2.1), a
 * receiver that reads in batches, and so acknowledges many packets at once, would hardly let it begin.
 */
const STEP_LIMIT_BYTES = 16 * PACKET_BYTES;

/** More in flight helps nobody: it would fill the receive buffers of sockets. */
const LIMIT_BYTES = 4 * 1024 * 1024;

/** How much may be in flight. RFC 9260 section 7.2. */
export class CongestionWindow {
  #bytes = INITIAL_BYTES;
  #slowStartEndsBytes: number;
  #partialBytes = 0;

  /** @param peerWindowBytes - What the other side can take: slow start may go on up to there. */
  constructor(peerWindowBytes: number) {
    this.#slowStartEndsBytes = peerWindowBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * The cumulative acknowledgement advanced.
   *
   * @param ackedBytes - By how much.
   * @param wasFull - Whether the window was in use: one that is not must not grow.
   */
  acknowledged(ackedBytes: number, wasFull: boolean): void {
    if (this.#bytes <= this.#slowStartEndsBytes) {
      if (wasFull) this.#grow(Math.min(ackedBytes, STEP_LIMIT_BYTES));
      return;
    }
    this.#partialBytes += ackedBytes;
    if (this.#partialBytes < this.#bytes) return;
    this.#partialBytes -= this.#bytes;
    if (wasFull) this.#grow(PACKET_BYTES);
  }

  #grow(byBytes: number): void {
    this.#bytes = Math.min(LIMIT_BYTES, this.#bytes + byBytes);
  }

  /** Chunks are missing while later ones arrive. Section 7.2.4. */
  lost(): void {
    this.#slowStartEndsBytes = Math.max(this.#bytes / 2, LOSS_FLOOR_BYTES);
    this.#bytes = this.#slowStartEndsBytes;
    this.#partialBytes = 0;
  }

  /** Nothing was acknowledged for a whole timeout. Section 7.2.3. */
  timedOut(): void {
    this.#slowStartEndsBytes = Math.max(this.#bytes / 2, LOSS_FLOOR_BYTES);
    this.#bytes = PACKET_BYTES;
    this.#partialBytes = 0;
  }

  /** Everything was acknowledged: what was counted towards the next growth is forgotten. Section 7.2.2. */
  idle(): void {
    this.#partialBytes = 0;
  }
}
