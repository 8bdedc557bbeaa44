import { crc32c } from "./crc32c.ts";

/** Source port, destination port, verification tag, checksum. RFC 9260 section 3.1. */
export const COMMON_HEADER_BYTES = 12;
/** Type, flags, length. RFC 9260 section 3.2. */
export const CHUNK_HEADER_BYTES = 4;
/** A DATA chunk before its payload. RFC 9260 section 3.3.1. */
export const DATA_HEADER_BYTES = 16;

/**
 * Bytes of one packet: with the record layer of DTLS around it, a datagram of 1200 bytes is not exceeded.
 * RFC 8831 section 5 says 1200 where nothing is known of the path.
 */
export const PACKET_BYTES = 1160;

/** Chunk types. RFC 9260 section 3.2, RFC 6525 section 3.1, RFC 3758 section 3.2. */
export const CHUNK = {
  data: 0,
  init: 1,
  initAck: 2,
  sack: 3,
  heartbeat: 4,
  heartbeatAck: 5,
  abort: 6,
  shutdown: 7,
  shutdownAck: 8,
  error: 9,
  cookieEcho: 10,
  cookieAck: 11,
  shutdownComplete: 14,
  reconfig: 130,
  forwardTsn: 192,
} as const;

/** One chunk. */
export interface Chunk {
  readonly type: number;
  readonly flags: number;
  /** Without header and padding. */
  readonly value: Buffer;
}

/** One packet, read. */
export interface SctpPacket {
  readonly verificationTag: number;
  readonly chunks: readonly Chunk[];
}

/**
 * Reads a packet.
 *
 * @param zeroChecksum - Whether a checksum of zero is taken too: DTLS has checked the bytes already. RFC 9653.
 * @returns `undefined` for what is not one.
 */
export function parseSctp(bytes: Buffer, zeroChecksum: boolean): SctpPacket | undefined {
  if (bytes.length < COMMON_HEADER_BYTES + CHUNK_HEADER_BYTES) return undefined;
  const checksum = bytes.readUInt32LE(8);
  if (!(zeroChecksum && checksum === 0) && checksum !== checksumOf(bytes)) return undefined;
  const chunks: Chunk[] = [];
  let at = COMMON_HEADER_BYTES;
  while (at + CHUNK_HEADER_BYTES <= bytes.length) {
    const lengthBytes = bytes.readUInt16BE(at + 2);
    if (lengthBytes < CHUNK_HEADER_BYTES || at + lengthBytes > bytes.length) return undefined;
    chunks.push({
      type: bytes[at] as number,
      flags: bytes[at + 1] as number,
      value: bytes.subarray(at + CHUNK_HEADER_BYTES, at + lengthBytes),
    });
    at += padded(lengthBytes);
  }
  return chunks.length === 0 ? undefined : { verificationTag: bytes.readUInt32BE(4), chunks };
}

function checksumOf(bytes: Buffer): number {
  const copy = Buffer.from(bytes);
  copy.writeUInt32LE(0, 8);
  return crc32c(copy);
}

/** A length with its padding to four bytes. */
export function padded(lengthBytes: number): number {
  return (lengthBytes + 3) & ~3;
}

/** Puts chunks together into one packet. */
export class PacketBuilder {
  readonly #bytes = Buffer.allocUnsafe(PACKET_BYTES);
  #at = COMMON_HEADER_BYTES;

  /** Bytes that a further chunk may have, its header included. */
  get room(): number {
    return PACKET_BYTES - this.#at;
  }

  get isEmpty(): boolean {
    return this.#at === COMMON_HEADER_BYTES;
  }

  /**
   * Opens a chunk and gives where its value is to be written. There must be {@link room}.
   *
   * @param valueBytes - Without header and padding.
   */
  chunk(type: number, flags: number, valueBytes: number): Buffer {
    const at = this.#at;
    const lengthBytes = CHUNK_HEADER_BYTES + valueBytes;
    this.#bytes[at] = type;
    this.#bytes[at + 1] = flags;
    this.#bytes.writeUInt16BE(lengthBytes, at + 2);
    const end = at + padded(lengthBytes);
    this.#bytes.fill(0, at + lengthBytes, end);
    this.#at = end;
    return this.#bytes.subarray(at + CHUNK_HEADER_BYTES, at + lengthBytes);
  }

  /** The packet. The builder is used up. */
  finish(ports: SctpPorts, verificationTag: number, zeroChecksum: boolean): Buffer {
    const bytes = this.#bytes.subarray(0, this.#at);
    bytes.writeUInt16BE(ports.local, 0);
    bytes.writeUInt16BE(ports.remote, 2);
    bytes.writeUInt32BE(verificationTag, 4);
    bytes.writeUInt32LE(0, 8);
    if (!zeroChecksum) bytes.writeUInt32LE(crc32c(bytes), 8);
    return bytes;
  }
}

/** The port numbers of both ends, as `a=sctp-port` says. */
export interface SctpPorts {
  readonly local: number;
  readonly remote: number;
}

/** One parameter of a chunk. RFC 9260 section 3.2.1. */
export interface Parameter {
  readonly type: number;
  readonly value: Buffer;
}

/** Reads parameters; what comes after a malformed one is left out. */
export function parseParameters(bytes: Buffer): Parameter[] {
  const parameters: Parameter[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const lengthBytes = bytes.readUInt16BE(at + 2);
    if (lengthBytes < 4 || at + lengthBytes > bytes.length) break;
    parameters.push({ type: bytes.readUInt16BE(at), value: bytes.subarray(at + 4, at + lengthBytes) });
    at += padded(lengthBytes);
  }
  return parameters;
}

/** Encodes one parameter, padded. */
export function encodeParameter(type: number, value: Uint8Array): Buffer {
  const bytes = Buffer.alloc(padded(4 + value.length));
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt16BE(4 + value.length, 2);
  bytes.set(value, 4);
  return bytes;
}
