import { LodelineError } from "@lodeline/base";

/** The clear part of an SFrame ciphertext: which key, and which number under it. RFC 9605 section 4.3. */
export interface SFrameHeader {
  /** Key identifier, 64 bits. */
  readonly kid: bigint;
  /** Counter, 64 bits: never twice under one key. */
  readonly ctr: bigint;
  /** Bytes the header takes, 1 .. 17. */
  readonly lengthBytes: number;
}

const MAX = 0xffff_ffff_ffff_ffffn;

/**
 * Writes a header in the shortest form there is: values up to 7 stand in the first byte, others follow it.
 *
 * @throws TypeError for a value outside of 64 bits.
 */
export function encodeHeader(kid: bigint, ctr: bigint): Uint8Array<ArrayBuffer> {
  const kidBytes = bytesOf(kid, "kid");
  const ctrBytes = bytesOf(ctr, "ctr");
  const out = new Uint8Array(1 + kidBytes + ctrBytes);
  out[0] = (field(kid, kidBytes) << 4) | field(ctr, ctrBytes);
  write(out, 1, kidBytes, kid);
  write(out, 1 + kidBytes, ctrBytes, ctr);
  return out;
}

/**
 * Reads the header at the start of `bytes`.
 *
 * @throws LodelineError `encryption/malformed` when the bytes end before it does.
 */
export function parseHeader(bytes: Uint8Array): SFrameHeader {
  const config = bytes[0];
  if (config === undefined) throw new LodelineError("encryption/malformed", { detail: "The frame is empty." });
  const kidBytes = lengthOf(config >> 4);
  const ctrBytes = lengthOf(config & 0x0f);
  const lengthBytes = 1 + kidBytes + ctrBytes;
  if (bytes.length < lengthBytes) throw new LodelineError("encryption/malformed", { detail: "The header is cut off." });
  const kid = kidBytes === 0 ? BigInt((config >> 4) & 7) : read(bytes, 1, kidBytes);
  const ctr = ctrBytes === 0 ? BigInt(config & 7) : read(bytes, 1 + kidBytes, ctrBytes);
  return { kid, ctr, lengthBytes };
}

/** Bytes that follow the first one: 0 for a value that stands in it. */
function bytesOf(value: bigint, name: string): number {
  if (value < 0n || value > MAX) throw new TypeError(`${name} does not fit 64 bits`);
  if (value < 8n) return 0;
  return Math.ceil(value.toString(16).length / 2);
}

/** Four bits: the flag for a value that follows with its length less one, or the value itself. */
function field(value: bigint, followingBytes: number): number {
  return followingBytes === 0 ? Number(value) : 0x08 | (followingBytes - 1);
}

function lengthOf(fourBits: number): number {
  return (fourBits & 0x08) === 0 ? 0 : (fourBits & 0x07) + 1;
}

function write(out: Uint8Array, at: number, count: number, value: bigint): void {
  let rest = value;
  for (let i = count - 1; i >= 0; i--) {
    out[at + i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
}

function read(bytes: Uint8Array, at: number, count: number): bigint {
  let value = 0n;
  for (let i = 0; i < count; i++) value = (value << 8n) | BigInt(bytes[at + i] as number);
  return value;
}
