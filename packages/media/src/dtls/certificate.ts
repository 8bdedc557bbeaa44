import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { derBits, derInteger, derOid, derSequence, derUtcTime, derUtf8, derValue } from "./der.ts";

/** The engine's own certificate for DTLS, one for all its transports. Plain data: it may go to another thread. */
export interface DtlsCertificate {
  /** The certificate itself. */
  readonly der: Buffer;
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** `sha-256` over the DER form, as in `a=fingerprint`. RFC 8122 section 5. */
  readonly fingerprint: string;
}

/** Object identifiers, as the content of their DER. */
const OID = {
  /** 1.2.840.10045.4.3.2. RFC 5758 section 3.2. */
  ecdsaWithSha256: "2a8648ce3d040302",
  /** 2.5.4.3. */
  commonName: "550403",
};

const DAY_MS = 86_400_000;
/** Peers look at the fingerprint, not at the dates; a server may run for long. */
const VALID_DAYS = 3650;

/** Makes a fresh self-signed ECDSA P-256 certificate. RFC 8827 section 6.5, RFC 5280 section 4.1. */
export async function createDtlsCertificate(): Promise<DtlsCertificate> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = derSequence(derOid(OID.ecdsaWithSha256));
  const name = derSequence(derValue(0x31, derSequence(derOid(OID.commonName), derUtf8("Lodeline"))));
  const now = Date.now();
  const toBeSigned = derSequence(
    // Version 3.
    derValue(0xa0, derInteger(2)),
    derInteger(Buffer.concat([Buffer.of(1), randomBytes(15)])),
    algorithm,
    name,
    // A day of grace for clocks that are behind.
    derSequence(derUtcTime(new Date(now - DAY_MS)), derUtcTime(new Date(now + VALID_DAYS * DAY_MS))),
    name,
    publicKey.export({ format: "der", type: "spki" }),
  );
  const der = derSequence(toBeSigned, algorithm, derBits(sign("sha256", toBeSigned, privateKey)));
  const base64 = der.toString("base64").replace(/.{64}(?=.)/g, "$&\n");
  return {
    der,
    certificatePem: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
    privateKeyPem: String(privateKey.export({ format: "pem", type: "pkcs8" })),
    fingerprint: fingerprintOf(der, "sha-256"),
  };
}

/** Hash names of `a=fingerprint` that count; MD5 and SHA-1 do not. RFC 8122 section 5. */
export const FINGERPRINT_HASHES: Readonly<Record<string, string>> = {
  "sha-256": "sha256",
  "sha-384": "sha384",
  "sha-512": "sha512",
};

/**
 * The fingerprint of a DER certificate: upper-case hex pairs with colons.
 *
 * @param hash - A key of {@link FINGERPRINT_HASHES}.
 */
export function fingerprintOf(der: Uint8Array, hash: string): string {
  const hex = createHash(FINGERPRINT_HASHES[hash] as string)
    .update(der)
    .digest("hex")
    .toUpperCase();
  return (hex.match(/../g) ?? []).join(":");
}
