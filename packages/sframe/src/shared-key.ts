import { ascii, type Bytes, hkdf, join, type Subtle } from "./subtle.ts";

/**
 * Rounds of PBKDF2-HMAC-SHA-256 for a passphrase: what OWASP's "Password Storage Cheat Sheet" (2023) asks for. The server
 * forwards what it could try passphrases on, so each try shall cost it something.
 */
export const PASSPHRASE_ITERATIONS = 600_000;

/** Bytes of every shared key. */
export const SHARED_KEY_BYTES = 32;

const PASSPHRASE_SALT = "Lodeline 1.0 room ";
const SENDER_LABEL = "Lodeline 1.0 sender ";

/**
 * The key that everyone who knows a passphrase has in a room (RFC 8018 section 5.2).
 *
 * @param passphrase - As people type it: compared in Unicode's form NFKC, so that two keyboards give the same.
 * @param room - The room's id, the salt: the same passphrase gives another key in another room.
 */
export async function passphraseKey(subtle: Subtle, passphrase: string, room: string): Promise<Bytes> {
  const key = await subtle.importKey("raw", utf8(passphrase.normalize("NFKC")), { name: "PBKDF2" }, false, [
    "deriveBits",
  ]);
  const salt = join(ascii(PASSPHRASE_SALT), utf8(room));
  const algorithm = { name: "PBKDF2", hash: "SHA-256", salt, iterations: PASSPHRASE_ITERATIONS } as const;
  return new Uint8Array(await subtle.deriveBits(algorithm, key as never, SHARED_KEY_BYTES * 8));
}

/**
 * One sender's own base key, from the shared one. RFC 9605 section 4.4.1 forbids that two senders encrypt with one; and
 * what one sent cannot be passed off as another's.
 */
export function senderBaseKey(subtle: Subtle, sharedKey: Bytes, participant: string): Promise<Bytes> {
  return hkdf(subtle, "SHA-256", sharedKey, join(ascii(SENDER_LABEL), utf8(participant)), SHARED_KEY_BYTES);
}

/** UTF-8 without `TextEncoder`, which the language itself does not have. */
function utf8(text: string): Bytes {
  // Half of a surrogate pair alone has no encoding; `encodeURIComponent` would throw.
  const escaped = encodeURIComponent(text.replace(/[\ud800-\udfff]/gu, "\ufffd"));
  return ascii(escaped.replace(/%(..)/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))));
}
