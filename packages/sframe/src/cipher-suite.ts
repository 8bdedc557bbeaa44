/** The cipher suites of RFC 9605 section 4.5, by their names in the IANA registry. */
export type CipherSuiteName =
  | "AES_128_CTR_HMAC_SHA256_80"
  | "AES_128_CTR_HMAC_SHA256_64"
  | "AES_128_CTR_HMAC_SHA256_32"
  | "AES_128_GCM_SHA256_128"
  | "AES_256_GCM_SHA512_128";

/** The constants of one suite. RFC 9605 table 1. */
export interface CipherSuite {
  /** Its number in the registry (section 8.1); part of the key derivation. */
  readonly id: number;
  /** The hash of HKDF, and of the tag where that is an HMAC. */
  readonly hash: "SHA-256" | "SHA-512";
  readonly mode: "gcm" | "ctr-hmac";
  /** Nh: output of the hash. */
  readonly hashBytes: number;
  /** Nk: what the AEAD takes as its key; with CTR both subkeys. */
  readonly keyBytes: number;
  /** Nt: the tag. */
  readonly tagBytes: number;
}

/** Nn: the nonce of every suite. RFC 9605 table 1. */
export const NONCE_BYTES = 12;

/** Nka: the part of a CTR suite's key that encrypts. RFC 9605 table 1. */
export const CTR_KEY_BYTES = 16;

/** Every suite. */
export const CIPHER_SUITES: Readonly<Record<CipherSuiteName, CipherSuite>> = {
  AES_128_CTR_HMAC_SHA256_80: { id: 1, hash: "SHA-256", mode: "ctr-hmac", hashBytes: 32, keyBytes: 48, tagBytes: 10 },
  AES_128_CTR_HMAC_SHA256_64: { id: 2, hash: "SHA-256", mode: "ctr-hmac", hashBytes: 32, keyBytes: 48, tagBytes: 8 },
  AES_128_CTR_HMAC_SHA256_32: { id: 3, hash: "SHA-256", mode: "ctr-hmac", hashBytes: 32, keyBytes: 48, tagBytes: 4 },
  AES_128_GCM_SHA256_128: { id: 4, hash: "SHA-256", mode: "gcm", hashBytes: 32, keyBytes: 16, tagBytes: 16 },
  AES_256_GCM_SHA512_128: { id: 5, hash: "SHA-512", mode: "gcm", hashBytes: 64, keyBytes: 32, tagBytes: 16 },
};
