import { createHmac, randomBytes } from "node:crypto";

/**
 * What an address, a token or any other personal value becomes before it reaches a log: the same short mark for the
 * same value while the process lives, another one after a restart, and no way back. `kind` says in the log what it was
 * (`"addr"`, `"token"`); the result is `kind_` and ten hexadecimal digits.
 */
export type Redact = (kind: string, value: string) => string;

/**
 * Makes a {@link Redact}.
 *
 * @param salt - By default 32 random bytes, so that nobody can hash every address there is and look for the mark.
 */
export function createRedact(salt: Uint8Array = randomBytes(32)): Redact {
  return (kind, value) => `${kind}_${createHmac("sha256", salt).update(value).digest("hex").slice(0, 10)}`;
}
