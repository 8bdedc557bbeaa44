import { createHash, timingSafeEqual } from "node:crypto";
import { type CipherSuite, IMPLICIT_NONCE_BYTES } from "./cipher-suites.ts";
import type { RecordKeys } from "./dtls-records.ts";
import { prf } from "./prf.ts";

const MASTER_SECRET_BYTES = 48;
const VERIFY_DATA_BYTES = 12;

/** What follows from a finished key exchange. RFC 5246 section 8.1, RFC 7627. */
export class HandshakeSecrets {
  readonly #suite: CipherSuite;
  readonly #clientRandom: Buffer;
  readonly #serverRandom: Buffer;
  readonly #master: Buffer;

  /**
   * @param transcript - Every message up to and with the ClientKeyExchange: the extended master secret covers them.
   */
  constructor(
    suite: CipherSuite,
    randoms: { readonly client: Buffer; readonly server: Buffer },
    premaster: Buffer,
    transcript: Buffer,
  ) {
    this.#suite = suite;
    this.#clientRandom = randoms.client;
    this.#serverRandom = randoms.server;
    const session = createHash(suite.hash).update(transcript).digest();
    this.#master = prf(suite.hash, premaster, "extended master secret", session, MASTER_SECRET_BYTES);
  }

  /** The keys of both directions. RFC 5246 section 6.3. */
  recordKeys(): { readonly client: RecordKeys; readonly server: RecordKeys } {
    const { keyBytes, aead, hash } = this.#suite;
    const seed = Buffer.concat([this.#serverRandom, this.#clientRandom]);
    const block = prf(hash, this.#master, "key expansion", seed, 2 * (keyBytes + IMPLICIT_NONCE_BYTES));
    const nonces = block.subarray(2 * keyBytes);
    return {
      client: { aead, key: block.subarray(0, keyBytes), implicitNonce: nonces.subarray(0, IMPLICIT_NONCE_BYTES) },
      server: {
        aead,
        key: block.subarray(keyBytes, 2 * keyBytes),
        implicitNonce: nonces.subarray(IMPLICIT_NONCE_BYTES),
      },
    };
  }

  /** The content of a Finished message. RFC 5246 section 7.4.9. */
  verifyData(sender: "client" | "server", transcript: Buffer): Buffer {
    const digest = createHash(this.#suite.hash).update(transcript).digest();
    return prf(this.#suite.hash, this.#master, `${sender} finished`, digest, VERIFY_DATA_BYTES);
  }

  /** Whether a Finished message is right. */
  verifies(sender: "client" | "server", transcript: Buffer, verifyData: Buffer): boolean {
    const expected = this.verifyData(sender, transcript);
    return verifyData.length === expected.length && timingSafeEqual(verifyData, expected);
  }

  /** Keying material for another protocol, without a context. RFC 5705 section 4. */
  export(label: string, lengthBytes: number): Buffer {
    const seed = Buffer.concat([this.#clientRandom, this.#serverRandom]);
    return prf(this.#suite.hash, this.#master, label, seed, lengthBytes);
  }
}
