import { readU16, readU32, writeU16, writeU32 } from "./bytes.ts";

/** The fixed part of an RTP header. RFC 3550 section 5.1. */
export const RTP_HEADER_BYTES = 12;

/** Largest RTP packet that Lodeline sends or keeps, header included: what fits a 1500-byte path with IP, UDP and SRTP. */
export const RTP_PACKET_LIMIT_BYTES = 1460;

/**
 * A view over the bytes of one RTP packet. Reusable: {@link parse} overwrites every field and copies nothing,
 * so the receive path needs one view for a whole socket. Whoever keeps a packet keeps its bytes, not the view.
 */
export class RtpPacket {
  /** The bytes looked at; owned by the caller. */
  bytes: Uint8Array = new Uint8Array(0);
  /** End of the packet within `bytes`. */
  lengthBytes = 0;
  /** The marker bit: end of a video frame, start of a talk spurt. */
  marker = false;
  /** 0 .. 127. */
  payloadType = 0;
  /** 0 .. 65535. */
  sequenceNumber = 0;
  /** Ticks of the payload's clock, 0 .. 2^32-1. */
  timestamp = 0;
  /** 0 .. 2^32-1. */
  ssrc = 0;
  /** The 16-bit profile of the header extension, 0 when there is none. */
  extensionProfile = 0;
  /** Where the extension's elements begin (after its 4-byte head). */
  extensionOffset = 0;
  /** Bytes of the extension's elements, without the head. */
  extensionBytes = 0;
  /** Where the payload begins. */
  payloadOffset = 0;
  /** Bytes of payload, padding excluded. */
  payloadBytes = 0;
  /** Bytes of padding at the end. */
  paddingBytes = 0;

  /**
   * Looks at `bytes`. RFC 3550 section 5.1, extensions section 5.3.1.
   *
   * @param bytes - An unprotected packet.
   * @param lengthBytes - Where it ends; by default at the end of `bytes`.
   * @returns False when it is not a well-formed RTP packet; the fields then mean nothing.
   */
  parse(bytes: Uint8Array, lengthBytes: number = bytes.length): boolean {
    if (lengthBytes > bytes.length || !this.parseHeader(bytes, lengthBytes)) return false;
    this.paddingBytes = 0;
    if (((bytes[0] ?? 0) & 0x20) !== 0) {
      this.paddingBytes = bytes[lengthBytes - 1] ?? 0;
      // A padding count of 0 or one that reaches into the header is malformed.
      if (this.paddingBytes === 0 || this.payloadOffset + this.paddingBytes > lengthBytes) return false;
    }
    this.payloadBytes = lengthBytes - this.payloadOffset - this.paddingBytes;
    return true;
  }

  /**
   * As {@link parse}, but looks at the header only: for packets that are still protected, whose padding count is
   * encrypted. `payloadBytes` then counts everything after the header.
   */
  parseHeader(bytes: Uint8Array, lengthBytes: number = bytes.length): boolean {
    if (lengthBytes < RTP_HEADER_BYTES) return false;
    const first = bytes[0] ?? 0;
    const second = bytes[1] ?? 0;
    if (first >> 6 !== 2) return false;
    this.bytes = bytes;
    this.lengthBytes = lengthBytes;
    this.marker = (second & 0x80) !== 0;
    this.payloadType = second & 0x7f;
    this.sequenceNumber = readU16(bytes, 2);
    this.timestamp = readU32(bytes, 4);
    this.ssrc = readU32(bytes, 8);
    this.extensionProfile = 0;
    this.extensionOffset = 0;
    this.extensionBytes = 0;
    let offset = RTP_HEADER_BYTES + 4 * (first & 0x0f);
    if ((first & 0x10) !== 0) {
      if (offset + 4 > lengthBytes) return false;
      this.extensionProfile = readU16(bytes, offset);
      this.extensionBytes = 4 * readU16(bytes, offset + 2);
      this.extensionOffset = offset + 4;
      offset += 4 + this.extensionBytes;
    }
    if (offset > lengthBytes) return false;
    this.payloadOffset = offset;
    this.payloadBytes = lengthBytes - offset;
    this.paddingBytes = 0;
    return true;
  }
}

/** The fields {@link writeRtpHeader} sets. */
export interface RtpHeaderFields {
  readonly marker: boolean;
  readonly payloadType: number;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
}

/**
 * Writes the 12 fixed bytes: version 2, no padding, no CSRC. RFC 3550 section 5.1.
 *
 * @param into - At least 12 bytes.
 * @param hasExtension - Sets the X bit; the caller writes the extension after the 12 bytes.
 */
export function writeRtpHeader(into: Uint8Array, fields: RtpHeaderFields, hasExtension: boolean): void {
  into[0] = hasExtension ? 0x90 : 0x80;
  into[1] = (fields.marker ? 0x80 : 0) | fields.payloadType;
  writeU16(into, 2, fields.sequenceNumber);
  writeU32(into, 4, fields.timestamp);
  writeU32(into, 8, fields.ssrc);
}

/**
 * Whether a datagram that begins with 128 .. 191 is RTCP rather than RTP. RFC 5761 section 4: the second byte of
 * RTCP is 192 .. 223.
 */
export function isRtcp(bytes: Uint8Array): boolean {
  const second = bytes[1] ?? 0;
  return second >= 192 && second <= 223;
}
