import type { Random } from "@lodeline/base";

/**
 * What a KID says here. RFC 9605 section 5.1: `(generation << R) + step`, with R = 8; the generation is the number that the
 * application gave the shared key and a number drawn by the sender.
 */
export interface KeyName {
  /** The shared key, 0 .. 255. */
  readonly keyId: number;
  /**
   * 40 random bits, drawn by a sender whenever it begins with a key. A reloaded page counts its frames from 0 again:
   * without them it would use the same numbers under the same key.
   */
  readonly draw: bigint;
  /** How often the sender has ratcheted its key since, 0 .. 255. */
  readonly step: number;
}

/** The largest key number, and the largest ratchet step. */
export const MAX_KEY_ID = 255;
/** Steps of one sender's ratchet. RFC 9605 section 5.1 sends the low bits alone; here the last of them is the end. */
export const MAX_STEP = 255;

const STEP_BITS = 8n;
const DRAW_BITS = 40n;
const DRAW_MASK = (1n << DRAW_BITS) - 1n;

/** The KID of a key: 6 bytes for shared key 0, else 7. */
export function kidOf({ keyId, draw, step }: KeyName): bigint {
  return (((BigInt(keyId) << DRAW_BITS) | (draw & DRAW_MASK)) << STEP_BITS) | BigInt(step);
}

/** What a KID says; `undefined` when no sender of this kind made it. */
export function parseKid(kid: bigint): KeyName | undefined {
  const keyId = kid >> (STEP_BITS + DRAW_BITS);
  if (keyId > BigInt(MAX_KEY_ID)) return undefined;
  return { keyId: Number(keyId), draw: (kid >> STEP_BITS) & DRAW_MASK, step: Number(kid & 0xffn) };
}

/** What names a chain of ratcheted keys: the KID without its step. */
export function chainOf(kid: bigint): bigint {
  return kid >> STEP_BITS;
}

/** Draws 40 bits. */
export function drawFrom(random: Random): bigint {
  return ((BigInt(random.u32()) << 32n) | BigInt(random.u32())) & DRAW_MASK;
}
