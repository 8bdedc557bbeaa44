import { createSecret, LodelineError, type Random } from "@lodeline/base";

/** A key that join tokens are signed with: LiveKit's pair of API key and secret. */
export interface SigningKey {
  /** Names the key: the token's `iss`. Letters, digits, `_` and `-`, 1 .. 64. */
  readonly id: string;
  /** The HMAC secret, at least 32 signs (RFC 7518 section 3.2 wants 256 bits for HS256). Never logged, never sent. */
  readonly secret: string;
}

const SHORTEST_SECRET = 32;

/**
 * Makes a signing key.
 *
 * @param random - Must be cryptographic.
 */
export function createSigningKey(random: Random): SigningKey {
  return { id: `lk${createSecret(random, 10)}`, secret: createSecret(random, 52) };
}

/** A key as it stands in a file or in LODELINE_KEY: `id:secret`. */
export function formatSigningKey(key: SigningKey): string {
  return `${key.id}:${key.secret}`;
}

/**
 * Reads keys, one `id:secret` a line. Empty lines and lines that begin with `#` say nothing. The first key signs, all
 * of them verify: that is how a key is changed without refusing anybody.
 *
 * @param text - The content of a key file or of LODELINE_KEY.
 * @param from - Where it came from, for the error.
 * @throws LodelineError `config/no-key` when there is none, `config/invalid` naming the line when one is unfit; never with the secret in it.
 */
export function parseSigningKeys(text: string, from: string): readonly SigningKey[] {
  const keys: SigningKey[] = [];
  text.split(/\r?\n/).forEach((line, index) => {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) return;
    keys.push(parseSigningKey(trimmed, `${from}, line ${index + 1}`));
  });
  if (keys.length === 0) throw new LodelineError("config/no-key", { detail: `There is no key in ${from}.` });
  const twice = keys.find((key, index) => keys.findIndex((other) => other.id === key.id) < index);
  if (twice) throw new LodelineError("config/invalid", { detail: `The key id ${twice.id} stands twice in ${from}.` });
  return keys;
}

function parseSigningKey(line: string, where: string): SigningKey {
  const parts = /^([A-Za-z0-9_-]{1,64})\s*:\s*(\S+)$/.exec(line);
  const [, id, secret] = parts ?? [];
  if (id === undefined || secret === undefined) {
    throw new LodelineError("config/invalid", { detail: `A signing key is written id:secret (${where}).` });
  }
  if (secret.length < SHORTEST_SECRET) {
    const detail = `The secret of a signing key needs at least ${SHORTEST_SECRET} signs (${where}).`;
    throw new LodelineError("config/invalid", { detail });
  }
  return { id, secret };
}
