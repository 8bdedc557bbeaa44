import { createECDH, createPublicKey, diffieHellman, generateKeyPairSync } from "node:crypto";
import { Malformed } from "./byte-reader.ts";

/** Named groups, best first. RFC 8422 section 5.1.1. */
export const GROUPS = { x25519: 29, secp256r1: 23 } as const;

/** The numbers of {@link GROUPS}. */
export const GROUP_IDS: readonly number[] = Object.values(GROUPS);

/** Our half of an ephemeral Diffie-Hellman exchange, used once. */
export interface KeyAgreement {
  readonly group: number;
  /** What the other side is sent: 32 bytes, or an uncompressed point of 65. */
  readonly publicKey: Buffer;
  /**
   * The premaster secret. RFC 8422 section 5.10.
   *
   * @throws Malformed where the other half is no point of the group, or leads to a secret that everybody knows.
   */
  agree(theirs: Buffer): Buffer;
}

/** SubjectPublicKeyInfo of an X25519 key, up to the key. RFC 8410 section 4. */
const X25519_SPKI = Buffer.from("302a300506032b656e032100", "hex");

/** Makes a fresh key in a group of {@link GROUPS}. */
export function createKeyAgreement(group: number): KeyAgreement {
  return group === GROUPS.x25519 ? x25519() : secp256r1();
}

function x25519(): KeyAgreement {
  const pair = generateKeyPairSync("x25519");
  return {
    group: GROUPS.x25519,
    publicKey: pair.publicKey.export({ format: "der", type: "spki" }).subarray(X25519_SPKI.length),
    agree(theirs) {
      if (theirs.length !== 32) throw new Malformed("not an X25519 key");
      const secret = orMalformed(() => {
        const key = Buffer.concat([X25519_SPKI, theirs]);
        const publicKey = createPublicKey({ key, format: "der", type: "spki" });
        return diffieHellman({ privateKey: pair.privateKey, publicKey });
      });
      // RFC 7748 section 6.1: a point of small order gives zeros.
      if (secret.every((byte) => byte === 0)) throw new Malformed("a point of small order");
      return secret;
    },
  };
}

function secp256r1(): KeyAgreement {
  const ecdh = createECDH("prime256v1");
  const publicKey = ecdh.generateKeys();
  return {
    group: GROUPS.secp256r1,
    publicKey,
    agree(theirs) {
      if (theirs.length !== 65 || theirs[0] !== 4) throw new Malformed("not an uncompressed point");
      return orMalformed(() => ecdh.computeSecret(theirs));
    },
  };
}

function orMalformed(compute: () => Buffer): Buffer {
  try {
    return compute();
  } catch {
    throw new Malformed("not a point of the group");
  }
}
