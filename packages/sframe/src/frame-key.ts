import { LodelineError } from "@lodeline/base";
import { type Aead, makeAead } from "./aead.ts";
import { type CipherSuite, NONCE_BYTES } from "./cipher-suite.ts";
import { encodeHeader, parseHeader, type SFrameHeader } from "./header.ts";
import { ascii, type Bytes, bigEndian, hkdf, join, type Subtle } from "./subtle.ts";

const KEY_LABEL = "SFrame 1.0 Secret key ";
const SALT_LABEL = "SFrame 1.0 Secret salt ";
const RATCHET_LABEL = "SFrame 1.0 Ratchet";

/** What frames are encrypted or decrypted with under one KID. RFC 9605 sections 4.4.2 to 4.4.4. */
export class FrameKey {
  readonly kid: bigint;
  readonly #aead: Aead;
  readonly #salt: Bytes;

  private constructor(kid: bigint, aead: Aead, salt: Bytes) {
    this.kid = kid;
    this.#aead = aead;
    this.#salt = salt;
  }

  /** Derives key and salt for a KID from its base key. */
  static async derive(subtle: Subtle, suite: CipherSuite, kid: bigint, baseKey: Bytes): Promise<FrameKey> {
    const bound = join(bigEndian(kid, 8), bigEndian(BigInt(suite.id), 2));
    const [key, salt] = await Promise.all([
      hkdf(subtle, suite.hash, baseKey, join(ascii(KEY_LABEL), bound), suite.keyBytes),
      hkdf(subtle, suite.hash, baseKey, join(ascii(SALT_LABEL), bound), NONCE_BYTES),
    ]);
    return new FrameKey(kid, await makeAead(subtle, suite, key), salt);
  }

  /**
   * Encrypts a frame.
   *
   * @param ctr - Never twice under one key: that is the caller's affair.
   * @param metadata - Authenticated beside the frame, and not in the result.
   * @returns Header and ciphertext.
   */
  async encrypt(ctr: bigint, metadata: Uint8Array, plaintext: Bytes): Promise<Bytes> {
    const header = encodeHeader(this.kid, ctr);
    const ciphertext = await this.#aead.seal(this.#nonce(ctr), join(header, metadata), plaintext);
    return join(header, ciphertext);
  }

  /**
   * Decrypts what {@link encrypt} gave.
   *
   * @param header - Of this frame, parsed; its KID is this key's.
   * @returns `undefined` when it is not authentic.
   * @throws LodelineError `encryption/malformed` when the header cannot be read, or names another key.
   */
  decrypt(metadata: Uint8Array, frame: Bytes, header: SFrameHeader = parseHeader(frame)): Promise<Bytes | undefined> {
    if (header.kid !== this.kid)
      throw new LodelineError("encryption/malformed", { detail: "The frame names another key." });
    const aad = join(frame.subarray(0, header.lengthBytes), metadata);
    return this.#aead.open(this.#nonce(header.ctr), aad, frame.slice(header.lengthBytes));
  }

  #nonce(ctr: bigint): Bytes {
    const nonce = bigEndian(ctr, NONCE_BYTES);
    for (let i = 0; i < NONCE_BYTES; i++) nonce[i] = (nonce[i] as number) ^ (this.#salt[i] as number);
    return nonce;
  }
}

/** The next base key of a sender: what was encrypted before cannot be read with it. RFC 9605 section 5.1. */
export function ratchet(subtle: Subtle, suite: CipherSuite, baseKey: Bytes): Promise<Bytes> {
  return hkdf(subtle, suite.hash, baseKey, ascii(RATCHET_LABEL), suite.hashBytes);
}
