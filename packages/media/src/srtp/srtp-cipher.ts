import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from "node:crypto";
import { isGcm, type SessionKeys, type SrtpProfile } from "./srtp-keys.ts";

/** Bytes of authentication tag. RFC 7714 section 13.1 and RFC 3711 section 8.2. */
export function tagBytes(profile: SrtpProfile): number {
  return isGcm(profile) ? 16 : 10;
}

/**
 * The nonce of an RTP packet under GCM: two zero bytes, SSRC, rollover counter, sequence number, XOR salt.
 * RFC 7714 section 8.1.
 *
 * @param into - 12 bytes, overwritten.
 * @param index - The extended packet index, up to 2^48.
 */
export function writeGcmRtpNonce(into: Buffer, salt: Buffer, ssrc: number, index: number): void {
  salt.copy(into);
  xorU32(into, 2, ssrc);
  xorU32(into, 6, Math.floor(index / 65536));
  xorU16(into, 10, index % 65536);
}

/** The nonce of an RTCP packet under GCM: the SSRC and the 31-bit index. RFC 7714 section 9.1. */
export function writeGcmRtcpNonce(into: Buffer, salt: Buffer, ssrc: number, index: number): void {
  salt.copy(into);
  xorU32(into, 2, ssrc);
  xorU32(into, 8, index);
}

/**
 * The initial counter block under counter mode: salt, SSRC and index, each shifted. RFC 3711 section 4.1.1.
 *
 * @param into - 16 bytes, overwritten.
 */
export function writeCounterBlock(into: Buffer, salt: Buffer, ssrc: number, index: number): void {
  into.fill(0);
  salt.copy(into);
  xorU32(into, 4, ssrc);
  xorU32(into, 8, Math.floor(index / 65536));
  xorU16(into, 12, index % 65536);
}

function xorU32(into: Buffer, at: number, value: number): void {
  into.writeUInt32BE((into.readUInt32BE(at) ^ value) >>> 0, at);
}

function xorU16(into: Buffer, at: number, value: number): void {
  into.writeUInt16BE(into.readUInt16BE(at) ^ value, at);
}

/**
 * Encrypts `bytes[from..to)` in place and writes the GCM tag at `to`. RFC 7714 section 5.
 *
 * @param additional - What is authenticated but not encrypted.
 */
export function sealGcm(
  keys: SessionKeys,
  nonce: Buffer,
  additional: Buffer,
  bytes: Buffer,
  from: number,
  to: number,
): void {
  const cipher = createCipheriv(keys.gcm, keys.encryption, nonce);
  cipher.setAAD(additional);
  bytes.set(cipher.update(bytes.subarray(from, to)), from);
  cipher.final();
  bytes.set(cipher.getAuthTag(), to);
}

/**
 * Decrypts `bytes[from..to)` in place; the tag is at `to`.
 *
 * @returns False when the tag does not fit; the bytes are then unchanged.
 */
export function openGcm(
  keys: SessionKeys,
  nonce: Buffer,
  additional: Buffer,
  bytes: Buffer,
  from: number,
  to: number,
): boolean {
  const decipher = createDecipheriv(keys.gcm, keys.encryption, nonce);
  decipher.setAAD(additional);
  decipher.setAuthTag(bytes.subarray(to, to + 16));
  const plain = decipher.update(bytes.subarray(from, to));
  try {
    decipher.final();
  } catch {
    return false;
  }
  bytes.set(plain, from);
  return true;
}

/** Encrypts or decrypts `bytes[from..to)` in place in counter mode. RFC 3711 section 4.1.1. */
export function applyCounterMode(keys: SessionKeys, counter: Buffer, bytes: Buffer, from: number, to: number): void {
  bytes.set(createCipheriv("aes-128-ctr", keys.encryption, counter).update(bytes.subarray(from, to)), from);
}

/** HMAC-SHA1 of two pieces, cut to 80 bits. RFC 3711 section 4.2. */
export function authenticationTag(keys: SessionKeys, first: Buffer, second?: Buffer): Buffer {
  const mac = createHmac("sha1", keys.authentication).update(first);
  if (second) mac.update(second);
  return mac.digest().subarray(0, 10);
}

/** Whether two tags are the same, in constant time. */
export function tagsEqual(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}
