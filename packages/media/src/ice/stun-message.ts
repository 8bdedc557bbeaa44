import { createHmac, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

/** The fixed value in every STUN header. RFC 8489 section 5. */
const MAGIC_COOKIE = 0x2112a442;
const HEADER_BYTES = 20;
const INTEGRITY_BYTES = 24;
const FINGERPRINT_BYTES = 8;
/** The CRC is XORed with "STUN" so that it cannot be mistaken for another protocol's. RFC 8489 section 14.7. */
const FINGERPRINT_XOR = 0x5354554e;

/** Message types used by ICE: method Binding. RFC 8489 section 5. */
export const STUN_TYPE = { request: 0x0001, indication: 0x0011, success: 0x0101, error: 0x0111 } as const;

/** Attributes used by ICE. RFC 8489 section 14, RFC 8445 section 16.1. */
export const STUN_ATTRIBUTE = {
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  xorMappedAddress: 0x0020,
  priority: 0x0024,
  useCandidate: 0x0025,
  fingerprint: 0x8028,
  iceControlled: 0x8029,
  iceControlling: 0x802a,
} as const;

/** A parsed STUN message; `bytes` is kept for the integrity check. */
export interface StunMessage {
  readonly type: number;
  /** 12 bytes. */
  readonly transactionId: Buffer;
  /** The first value of each attribute that comes before MESSAGE-INTEGRITY. */
  readonly attributes: ReadonlyMap<number, Buffer>;
  /** Where MESSAGE-INTEGRITY begins, when there is one. */
  readonly integrityOffset: number | undefined;
  readonly bytes: Buffer;
}

/**
 * Parses a STUN message as ICE uses it. RFC 8489 section 5.
 *
 * @returns `undefined` for what is not one, or has no or a wrong fingerprint.
 */
export function parseStun(bytes: Buffer): StunMessage | undefined {
  if (bytes.length < HEADER_BYTES || bytes.readUInt32BE(4) !== MAGIC_COOKIE) return undefined;
  const type = bytes.readUInt16BE(0);
  const lengthBytes = bytes.readUInt16BE(2);
  if (type >> 14 !== 0 || lengthBytes % 4 !== 0 || HEADER_BYTES + lengthBytes !== bytes.length) return undefined;
  const attributes = new Map<number, Buffer>();
  let integrityOffset: number | undefined;
  let at = HEADER_BYTES;
  while (at + 4 <= bytes.length) {
    const attribute = bytes.readUInt16BE(at);
    const valueBytes = bytes.readUInt16BE(at + 2);
    if (at + 4 + valueBytes > bytes.length) return undefined;
    if (attribute === STUN_ATTRIBUTE.fingerprint) {
      const fits = valueBytes === 4 && fingerprintFits(bytes, at);
      return fits ? { type, transactionId: bytes.subarray(8, 20), attributes, integrityOffset, bytes } : undefined;
    }
    // What follows MESSAGE-INTEGRITY is not protected by it and must be ignored (section 14.5), bar the fingerprint.
    if (attribute === STUN_ATTRIBUTE.messageIntegrity) {
      if (4 + valueBytes !== INTEGRITY_BYTES) return undefined;
      integrityOffset ??= at;
    } else if (integrityOffset === undefined && !attributes.has(attribute)) {
      attributes.set(attribute, bytes.subarray(at + 4, at + 4 + valueBytes));
    }
    at += 4 + 4 * Math.ceil(valueBytes / 4);
  }
  // ICE demands a fingerprint, RFC 8445 section 7.1.
  return undefined;
}

function fingerprintFits(bytes: Buffer, at: number): boolean {
  return (
    at + FINGERPRINT_BYTES === bytes.length &&
    (crc32(bytes.subarray(0, at)) ^ FINGERPRINT_XOR) >>> 0 === bytes.readUInt32BE(at + 4)
  );
}

/** Whether MESSAGE-INTEGRITY was made with `password`. RFC 8489 section 14.5, short-term credentials. */
export function integrityFits(message: StunMessage, password: string): boolean {
  const offset = message.integrityOffset;
  if (offset === undefined || offset + INTEGRITY_BYTES > message.bytes.length) return false;
  const expected = integrityOf(message.bytes.subarray(0, offset), password);
  return timingSafeEqual(expected, message.bytes.subarray(offset + 4, offset + INTEGRITY_BYTES));
}

/** The HMAC over a message whose header says it ends with MESSAGE-INTEGRITY. */
function integrityOf(before: Buffer, password: string): Buffer {
  const head = Buffer.from(before.subarray(0, HEADER_BYTES));
  head.writeUInt16BE(before.length + INTEGRITY_BYTES - HEADER_BYTES, 2);
  return createHmac("sha1", password).update(head).update(before.subarray(HEADER_BYTES)).digest();
}

/**
 * Encodes a message with MESSAGE-INTEGRITY and FINGERPRINT. RFC 8489 sections 5, 14.5 and 14.7.
 *
 * @param attributes - In order; values are padded here.
 * @param password - Short-term credential for the integrity check.
 */
export function encodeStun(
  type: number,
  transactionId: Buffer,
  attributes: readonly (readonly [number, Buffer])[],
  password: string,
): Buffer {
  const lengthBytes = attributes.reduce((sum, [, value]) => sum + attributeBytes(value), HEADER_BYTES);
  const bytes = Buffer.alloc(lengthBytes + INTEGRITY_BYTES + FINGERPRINT_BYTES);
  bytes.writeUInt16BE(type, 0);
  bytes.writeUInt32BE(MAGIC_COOKIE, 4);
  transactionId.copy(bytes, 8);
  let at = HEADER_BYTES;
  for (const [attribute, value] of attributes) at = writeAttribute(bytes, at, attribute, value);
  // Both checks are over a header that says that the message ends with them.
  bytes.writeUInt16BE(at + INTEGRITY_BYTES - HEADER_BYTES, 2);
  const integrity = createHmac("sha1", password).update(bytes.subarray(0, at)).digest();
  at = writeAttribute(bytes, at, STUN_ATTRIBUTE.messageIntegrity, integrity);
  bytes.writeUInt16BE(at + FINGERPRINT_BYTES - HEADER_BYTES, 2);
  const fingerprint = (crc32(bytes.subarray(0, at)) ^ FINGERPRINT_XOR) >>> 0;
  bytes.writeUInt16BE(STUN_ATTRIBUTE.fingerprint, at);
  bytes.writeUInt16BE(4, at + 2);
  bytes.writeUInt32BE(fingerprint, at + 4);
  return bytes;
}

/** With its head, padded. */
function attributeBytes(value: Buffer): number {
  return 4 + 4 * Math.ceil(value.length / 4);
}

/** @returns Where the next one begins. */
function writeAttribute(bytes: Buffer, at: number, attribute: number, value: Buffer): number {
  bytes.writeUInt16BE(attribute, at);
  bytes.writeUInt16BE(value.length, at + 2);
  value.copy(bytes, at + 4);
  return at + attributeBytes(value);
}

/**
 * XOR-MAPPED-ADDRESS: where a request was seen to come from. RFC 8489 section 14.2.
 *
 * @param address - An IPv4 or IPv6 literal.
 */
export function encodeXorMappedAddress(address: string, port: number, transactionId: Buffer): Buffer {
  const ip = addressBytes(address);
  const value = Buffer.alloc(4 + ip.length);
  value[1] = ip.length === 4 ? 1 : 2;
  value.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), 2);
  const mask = Buffer.alloc(16);
  mask.writeUInt32BE(MAGIC_COOKIE, 0);
  transactionId.copy(mask, 4);
  for (const [index, byte] of ip.entries()) value[4 + index] = byte ^ (mask[index] as number);
  return value;
}

function addressBytes(address: string): Buffer {
  if (!address.includes(":")) return Buffer.from(address.split(".").map(Number));
  const [before = "", after] = (address.split("%")[0] as string).split("::");
  const left = groups(before);
  const right = after === undefined ? [] : groups(after);
  const all =
    after === undefined ? left : [...left, ...Array<number>(8 - left.length - right.length).fill(0), ...right];
  const bytes = Buffer.alloc(16);
  for (const [index, group] of all.entries()) bytes.writeUInt16BE(group, 2 * index);
  return bytes;
}

function groups(text: string): number[] {
  return text === "" ? [] : text.split(":").map((group) => Number.parseInt(group, 16));
}

/** ERROR-CODE. RFC 8489 section 14.8. */
export function encodeErrorCode(code: number, reason: string): Buffer {
  const text = Buffer.from(reason, "utf8");
  const value = Buffer.alloc(4 + text.length);
  value[2] = Math.floor(code / 100);
  value[3] = code % 100;
  text.copy(value, 4);
  return value;
}

/** The code of an error response; `undefined` when it has none. RFC 8489 section 14.8. */
export function errorCodeOf({ attributes }: StunMessage): number | undefined {
  const value = attributes.get(STUN_ATTRIBUTE.errorCode);
  return value === undefined || value.length < 4 ? undefined : 100 * ((value[2] ?? 0) & 7) + (value[3] ?? 0);
}

/** Our own fragment in the USERNAME of a request to us: the part before the colon. RFC 8445 section 7.2.2. */
export function localFragmentOf(message: StunMessage): string {
  return message.attributes.get(STUN_ATTRIBUTE.username)?.toString("utf8").split(":")[0] ?? "";
}

/** The sender's own username fragment in a check: the part of USERNAME after the colon. RFC 8445 section 7.2.2. */
export function remoteFragmentOf(message: StunMessage): string {
  return message.attributes.get(STUN_ATTRIBUTE.username)?.toString("utf8").split(":")[1] ?? "";
}
