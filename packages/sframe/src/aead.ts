import { type CipherSuite, CTR_KEY_BYTES } from "./cipher-suite.ts";
import { type Bytes, bigEndian, join, type OpaqueKey, type Subtle } from "./subtle.ts";

/** Authenticated encryption with one key. RFC 9605 section 4.4 calls it AEAD; the tag is part of the ciphertext. */
export interface Aead {
  /** @param nonce - 12 bytes, never twice. @param aad - Authenticated, not encrypted. */
  seal(nonce: Bytes, aad: Bytes, plaintext: Bytes): Promise<Bytes>;
  /** @returns `undefined` when the ciphertext, the additional data or the key is not the right one. */
  open(nonce: Bytes, aad: Bytes, ciphertext: Bytes): Promise<Bytes | undefined>;
}

/** Makes the AEAD of a suite from its key (`suite.keyBytes` long). */
export function makeAead(subtle: Subtle, suite: CipherSuite, key: Bytes): Promise<Aead> {
  return suite.mode === "gcm" ? makeGcm(subtle, suite, key) : makeCtrHmac(subtle, suite, key);
}

async function makeGcm(subtle: Subtle, suite: CipherSuite, bytes: Bytes): Promise<Aead> {
  const key = await subtle.importKey("raw", bytes, { name: "AES-GCM" }, false, ["encrypt", "decrypt"]);
  const algorithm = (iv: Bytes, additionalData: Bytes) =>
    ({ name: "AES-GCM", iv, additionalData, tagLength: suite.tagBytes * 8 }) as const;
  return {
    seal: async (nonce, aad, plaintext) =>
      new Uint8Array(await subtle.encrypt(algorithm(nonce, aad), key as never, plaintext)),
    open: async (nonce, aad, ciphertext) => {
      try {
        return new Uint8Array(await subtle.decrypt(algorithm(nonce, aad), key as never, ciphertext));
      } catch {
        // WebCrypto says no more than OperationError, on purpose.
        return undefined;
      }
    },
  };
}

/** AES-CTR with an HMAC over all of it. RFC 9605 section 4.5.1. */
async function makeCtrHmac(subtle: Subtle, suite: CipherSuite, bytes: Bytes): Promise<Aead> {
  const { tagBytes } = suite;
  const encryptionKey = bytes.slice(0, CTR_KEY_BYTES);
  const cipher = await subtle.importKey("raw", encryptionKey, { name: "AES-CTR" }, false, ["encrypt", "decrypt"]);
  const hmac = { name: "HMAC", hash: suite.hash };
  const mac = await subtle.importKey("raw", bytes.slice(CTR_KEY_BYTES), hmac, false, ["sign"]);
  const counter = (nonce: Bytes) => ({ name: "AES-CTR", counter: join(nonce, new Uint8Array(4)), length: 32 }) as const;
  const tag = (nonce: Bytes, aad: Bytes, inner: Bytes) => computeTag(subtle, mac, tagBytes, nonce, aad, inner);
  return {
    seal: async (nonce, aad, plaintext) => {
      const inner = new Uint8Array(await subtle.encrypt(counter(nonce), cipher as never, plaintext));
      return join(inner, await tag(nonce, aad, inner));
    },
    open: async (nonce, aad, ciphertext) => {
      if (ciphertext.length < tagBytes) return undefined;
      const inner = ciphertext.slice(0, ciphertext.length - tagBytes);
      const carried = ciphertext.subarray(ciphertext.length - tagBytes);
      if (!sameInConstantTime(carried, await tag(nonce, aad, inner))) return undefined;
      return new Uint8Array(await subtle.decrypt(counter(nonce), cipher as never, inner));
    },
  };
}

async function computeTag(
  subtle: Subtle,
  key: OpaqueKey,
  tagBytes: number,
  nonce: Bytes,
  aad: Bytes,
  inner: Bytes,
): Promise<Bytes> {
  const lengths = [aad.length, inner.length, tagBytes].map((length) => bigEndian(BigInt(length), 8));
  const whole = await subtle.sign("HMAC", key as never, join(...lengths, nonce, aad, inner));
  return new Uint8Array(whole, 0, tagBytes);
}

/** Looks at every byte whatever the first ones are, so that the time taken tells nothing. */
function sameInConstantTime(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let i = 0; i < one.length; i++) difference |= (one[i] as number) ^ (other[i] ?? 0);
  return difference === 0;
}
