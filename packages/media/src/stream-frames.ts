/** The longest datagram taken over TCP: longer than any of DTLS, STUN or media on paths that browsers use. */
const FRAME_LIMIT_BYTES = 8192;

/**
 * Cuts a byte stream into datagrams, each behind its length in two bytes. RFC 4571 section 2, RFC 6544 section 3.
 * Keeps at most one datagram that is not whole.
 */
export class StreamFrames {
  #kept: Buffer = Buffer.alloc(0);

  /**
   * Takes what arrived.
   *
   * @returns The datagrams that are whole now; `undefined` when the stream is none of ours and must be closed.
   */
  push(bytes: Buffer): Buffer[] | undefined {
    const all = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    const frames: Buffer[] = [];
    let at = 0;
    while (at + 2 <= all.length) {
      const lengthBytes = all.readUInt16BE(at);
      if (lengthBytes === 0 || lengthBytes > FRAME_LIMIT_BYTES) return undefined;
      if (at + 2 + lengthBytes > all.length) break;
      frames.push(all.subarray(at + 2, at + 2 + lengthBytes));
      at += 2 + lengthBytes;
    }
    this.#kept = Buffer.from(all.subarray(at));
    return frames;
  }
}

/** A datagram as it is sent over TCP. */
export function frameForStream(datagram: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(2 + datagram.length);
  framed.writeUInt16BE(datagram.length, 0);
  framed.set(datagram, 2);
  return framed;
}
