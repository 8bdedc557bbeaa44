import { RTP_PACKET_LIMIT_BYTES } from "@lodeline/rtp";

/** Room after a packet for the longest SRTP tag. */
const TAG_ROOM_BYTES = 16;

/** Room before the payload: the fixed header, the extensions, a dependency descriptor among them, and the RTX header. */
const HEADER_ROOM_BYTES = 64 + 257;

/**
 * Reused buffers in which outgoing packets are built. The kernel nearly always takes a datagram before `send`
 * returns; one that waits in the process is safe until the ring has gone round, and the socket stops long before.
 */
export class OutgoingBuffers {
  readonly #buffers: readonly Buffer[];
  #next = 0;

  /** @param count - How many packets may wait at a time. */
  constructor(count = 1024) {
    const each = RTP_PACKET_LIMIT_BYTES + HEADER_ROOM_BYTES + TAG_ROOM_BYTES;
    const whole = Buffer.allocUnsafeSlow(count * each);
    this.#buffers = Array.from({ length: count }, (_, index) => whole.subarray(index * each, (index + 1) * each));
  }

  /** Longest payload that is forwarded. */
  get payloadLimitBytes(): number {
    return RTP_PACKET_LIMIT_BYTES;
  }

  /** The next buffer; the caller's until the ring comes round. */
  next(): Buffer {
    const buffer = this.#buffers[this.#next] as Buffer;
    this.#next = (this.#next + 1) % this.#buffers.length;
    return buffer;
  }
}
