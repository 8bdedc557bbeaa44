import { integer, type Random } from "@lodeline/base";

/** Bytes and texts that strangers and peers could send, by a seed: some are noise, most are right but for a few changes. */
export class FuzzInputs {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  below(limit: number): number {
    return integer(this.#random, limit);
  }

  /** @param most - Longest, in bytes. */
  noise(most: number): Buffer {
    const bytes = Buffer.allocUnsafe(this.below(8) === 0 ? this.below(most) : this.below(80));
    for (let at = 0; at < bytes.length; at++) bytes[at] = this.below(256);
    return bytes;
  }

  /** A datagram that begins as STUN, DTLS, RTP or RTCP do. RFC 7983. */
  datagram(): Buffer {
    const bytes = this.noise(1500);
    const first = [0, 1, 20, 22, 23, 63, 128, 129, 144, 191][this.below(10)] as number;
    if (bytes.length > 0) bytes[0] = first;
    if (bytes.length > 1 && this.below(3) === 0) bytes[1] = 192 + this.below(32);
    return bytes;
  }

  /** An RTP packet whose parts are there by chance and mostly fit. */
  packet(ssrc: number, sequenceNumber: number): Buffer {
    const words = this.below(4);
    const extended = this.below(2) === 0;
    const bytes = Buffer.alloc(12 + (extended ? 4 + 4 * words : 0) + this.below(60));
    for (let at = 12; at < bytes.length; at++)
      bytes[at] = this.below(3) === 0 ? this.below(256) : 0x90 >> this.below(8);
    bytes[0] = 0x80 | (extended ? 0x10 : 0);
    bytes[1] = this.below(6) === 0 ? this.below(256) : 96;
    bytes.writeUInt16BE(sequenceNumber & 0xffff, 2);
    bytes.writeUInt32BE(this.below(2 ** 31), 4);
    bytes.writeUInt32BE(ssrc, 8);
    if (extended) {
      bytes.writeUInt16BE(this.below(4) === 0 ? 0x1000 : 0xbede, 12);
      bytes.writeUInt16BE(this.below(10) === 0 ? 0xffff : words, 14);
    }
    return this.change(bytes, 2);
  }

  /** One or more RTCP packets, whose lengths mostly fit. */
  compound(): Buffer {
    const parts = Array.from({ length: 1 + this.below(3) }, () => {
      const words = this.below(10);
      const part = Buffer.alloc(4 + 4 * words);
      for (let at = 4; at < part.length; at++) part[at] = this.below(256);
      part[0] = 0x80 | this.below(32);
      part[1] = 200 + this.below(8);
      part.writeUInt16BE(this.below(8) === 0 ? this.below(65_536) : words, 2);
      return part;
    });
    return this.change(Buffer.concat(parts), 2);
  }

  /** A STUN message with attributes by chance. RFC 8489. */
  stun(): Buffer {
    const bytes = Buffer.alloc(20 + 4 * this.below(20));
    for (let at = 8; at < bytes.length; at++) bytes[at] = this.below(256);
    bytes.writeUInt16BE([0x0001, 0x0101, 0x0111, this.below(0x4000)][this.below(4)] as number, 0);
    bytes.writeUInt16BE(bytes.length - 20, 2);
    bytes.writeUInt32BE(0x2112a442, 4);
    const kinds = [0x0006, 0x0008, 0x0020, 0x0024, 0x0025, 0x8022, 0x8028, 0x802a];
    for (let at = 20; at + 4 <= bytes.length; ) {
      const length = this.below(24);
      bytes.writeUInt16BE(kinds[this.below(kinds.length)] as number, at);
      bytes.writeUInt16BE(this.below(9) === 0 ? this.below(65_536) : length, at + 2);
      at += 4 + ((length + 3) & ~3);
    }
    return this.change(bytes, 2);
  }

  /** DTLS records whose lengths mostly fit. RFC 6347 section 4.1. */
  records(): Buffer {
    const parts = Array.from({ length: 1 + this.below(3) }, () => {
      const body = this.noise(300);
      const part = Buffer.concat([Buffer.alloc(13), body]);
      part[0] = 20 + this.below(5);
      part.writeUInt16BE(this.below(5) === 0 ? this.below(65_536) : 0xfefd, 1);
      part.writeUInt16BE(this.below(3) === 0 ? this.below(3) : 0, 3);
      part.writeUInt16BE(this.below(9) === 0 ? this.below(65_536) : body.length, 11);
      // A handshake message of a known kind, whole or in pieces.
      if (part[0] === 22 && body.length >= 12) {
        part[13] = [1, 2, 3, 11, 12, 13, 14, 15, 16, 20][this.below(10)] as number;
        part.writeUIntBE(this.below(4) === 0 ? this.below(2 ** 24) : body.length - 12, 14, 3);
        part.writeUInt16BE(this.below(4), 17);
        part.writeUIntBE(0, 19, 3);
        part.writeUIntBE(body.length - 12, 22, 3);
      }
      return part;
    });
    return Buffer.concat(parts);
  }

  /** A description with lines left out, doubled, cut and changed. */
  description(sdp: string): string {
    const lines = sdp.split("\r\n");
    for (let changes = 1 + this.below(4); changes > 0; changes--) {
      const at = this.below(lines.length);
      const line = lines[at] ?? "";
      const kind = this.below(5);
      if (kind === 0) lines.splice(at, 1);
      else if (kind === 1) lines.splice(at, 0, lines[this.below(lines.length)] ?? "");
      else if (kind === 2) lines[at] = line.slice(0, this.below(line.length + 1));
      else if (kind === 3) lines[at] = line.replace(/\d+/, String(this.below(2) === 0 ? -1 : 2 ** this.below(70)));
      else lines[at] = line + this.noise(40).toString("latin1");
    }
    return lines.join("\r\n");
  }

  /** Changes up to so many bits. */
  change(bytes: Buffer, most: number): Buffer {
    for (let changes = this.below(most + 1); changes > 0 && bytes.length > 0; changes--) {
      const at = this.below(bytes.length);
      bytes[at] = (bytes[at] as number) ^ (1 << this.below(8));
    }
    return bytes;
  }
}
