/** One cipher suite of ours. RFC 5289, RFC 5288. */
export interface CipherSuite {
  readonly id: number;
  /** The kind of key in the server's certificate. */
  readonly certificateKey: "ec" | "rsa";
  readonly aead: "aes-128-gcm" | "aes-256-gcm";
  readonly keyBytes: 16 | 32;
  /** The hash of the pseudorandom function and of the transcript. */
  readonly hash: "sha256" | "sha384";
}

/** What we speak, best first: forward secret and authenticated; 128 bits cost less and are enough. */
export const CIPHER_SUITES: readonly CipherSuite[] = [
  { id: 0xc02b, certificateKey: "ec", aead: "aes-128-gcm", keyBytes: 16, hash: "sha256" },
  { id: 0xc02f, certificateKey: "rsa", aead: "aes-128-gcm", keyBytes: 16, hash: "sha256" },
  { id: 0xc02c, certificateKey: "ec", aead: "aes-256-gcm", keyBytes: 32, hash: "sha384" },
  { id: 0xc030, certificateKey: "rsa", aead: "aes-256-gcm", keyBytes: 32, hash: "sha384" },
];

/** The bytes of the nonce that are derived and not sent. RFC 5288 section 3. */
export const IMPLICIT_NONCE_BYTES = 4;
