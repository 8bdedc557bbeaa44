/** Bytes as WebCrypto takes them. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A key that only {@link Subtle} can use: a `CryptoKey`. */
export interface OpaqueKey {
  readonly type: string;
}

/** What is done with a key. */
export type KeyUse = "encrypt" | "decrypt" | "sign" | "deriveBits";

/**
 * The part of WebCrypto that SFrame needs: a browser's `crypto.subtle`, in a page or a worker, and Node's alike. Handed
 * in, so that this package has no globals.
 */
export interface Subtle {
  importKey(
    format: "raw",
    bytes: Bytes,
    algorithm: { readonly name: string; readonly hash?: string },
    extractable: boolean,
    uses: KeyUse[],
  ): Promise<OpaqueKey>;
  encrypt(algorithm: CipherAlgorithm, key: never, bytes: Bytes): Promise<ArrayBuffer>;
  decrypt(algorithm: CipherAlgorithm, key: never, bytes: Bytes): Promise<ArrayBuffer>;
  sign(algorithm: "HMAC", key: never, bytes: Bytes): Promise<ArrayBuffer>;
  deriveBits(algorithm: DeriveAlgorithm, key: never, bits: number): Promise<ArrayBuffer>;
}

/** How bytes are encrypted. W3C WebCrypto sections 27 (AES-CTR) and 29 (AES-GCM). */
export type CipherAlgorithm =
  | { readonly name: "AES-GCM"; readonly iv: Bytes; readonly additionalData: Bytes; readonly tagLength: number }
  | { readonly name: "AES-CTR"; readonly counter: Bytes; readonly length: number };

/** How bits are derived. W3C WebCrypto sections 33 (HKDF) and 34 (PBKDF2). */
export type DeriveAlgorithm =
  | { readonly name: "HKDF"; readonly hash: string; readonly salt: Bytes; readonly info: Bytes }
  | { readonly name: "PBKDF2"; readonly hash: string; readonly salt: Bytes; readonly iterations: number };

/**
 * HKDF (RFC 5869), extract and expand in one, as RFC 9605 uses it: the salt is empty.
 *
 * @param secret - Input key material.
 * @param info - What the output is for.
 */
export async function hkdf(
  subtle: Subtle,
  hash: string,
  secret: Bytes,
  info: Bytes,
  lengthBytes: number,
): Promise<Bytes> {
  const key = await subtle.importKey("raw", secret, { name: "HKDF" }, false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash, salt: new Uint8Array(0), info } as const;
  return new Uint8Array(await subtle.deriveBits(algorithm, key as never, lengthBytes * 8));
}

/** Several byte strings as one. */
export function join(...parts: readonly Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** ASCII text as bytes: the labels of the derivations. */
export function ascii(text: string): Bytes {
  return Uint8Array.from(text, (sign) => sign.charCodeAt(0));
}

/** A number in big-endian order. */
export function bigEndian(value: bigint, lengthBytes: number): Bytes {
  const out = new Uint8Array(lengthBytes);
  let rest = value;
  for (let i = lengthBytes - 1; i >= 0; i--) {
    out[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return out;
}
