import { CHUNK, encodeParameter, PacketBuilder, type SctpPorts } from "./sctp-packet.ts";

/** Control chunks that wait to be sent; a peer that provokes more gets no answer to the rest. */
const CONTROL_LIMIT = 16;

/** Causes of an error. RFC 9260 section 3.3.10. */
export const CAUSE = {
  invalidStream: 1,
  staleCookie: 3,
  unrecognizedChunk: 6,
  userAbort: 12,
  protocolViolation: 13,
} as const;

/** One error cause, as the value of an ERROR or ABORT chunk. RFC 9260 section 3.3.10. */
export function encodeCause(code: number, value: Uint8Array = Buffer.alloc(0)): Buffer {
  return encodeParameter(code, value);
}

/** Chunks that are no data, each in a packet of its own, until they are sent. */
export class ControlPackets {
  readonly #waiting: { readonly packet: PacketBuilder; readonly tag: number; readonly checksum: boolean }[] = [];

  /**
   * Queues one chunk.
   *
   * @param tag - The verification tag of its packet.
   * @param checksum - It has one whatever the other side can do without.
   */
  say(type: number, value: Uint8Array, tag: number, checksum = false): void {
    if (this.#waiting.length >= CONTROL_LIMIT) return;
    const packet = new PacketBuilder();
    packet.chunk(type, 0, value.length).set(value);
    // Before the other side has said that it can do without one, and with a cookie, a checksum is a must. RFC 9653.
    this.#waiting.push({ packet, tag, checksum: checksum || type === CHUNK.cookieEcho });
  }

  /**
   * The next packet to send, if any waits; the caller owns it.
   *
   * @param unchecked - Whether the other side takes packets without a checksum. RFC 9653 section 5.2.
   */
  next(ports: SctpPorts, unchecked: boolean): Buffer | undefined {
    const control = this.#waiting.shift();
    return control?.packet.finish(ports, control.tag, !control.checksum && unchecked);
  }
}
