import type { Random } from "./random.ts";

/** 32 signs that nobody confuses when reading aloud (Crockford's base 32, lower case): 5 bits each. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/**
 * A new identifier, `prefix_` followed by 16 signs (80 bits): unguessable where `random` is, sortable by nothing.
 *
 * @param prefix - Says what is named: `"p"` a participant, `"s"` a session, `"lk"` a link. Lower-case letters.
 */
export function createId(random: Random, prefix: string): string {
  return `${prefix}_${token(random, 16)}`;
}

/**
 * A secret of `signs` signs, 5 bits each, for resume and rejoin.
 *
 * @param random - Must be cryptographic outside tests.
 * @param signs - How many signs; 32 gives 160 bits.
 */
export function createSecret(random: Random, signs = 32): string {
  return token(random, signs);
}

function token(random: Random, signs: number): string {
  let out = "";
  let bits = 0;
  let have = 0;
  for (let i = 0; i < signs; i++) {
    if (have < 5) {
      bits = random.u32();
      have = 30;
    }
    out += ALPHABET[bits & 31];
    bits >>>= 5;
    have -= 5;
  }
  return out;
}
