import { createHash, X509Certificate } from "node:crypto";
import { CipherContext, HashAlgorithm, NamedCurveAlgorithm, SignatureAlgorithm } from "werift";

type SelfSigned = Awaited<ReturnType<typeof CipherContext.createSelfSignedCertificateWithKey>>;

/** The engine's own certificate for DTLS, one for all its transports. */
export interface DtlsCertificate {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly signatureHash: SelfSigned["signatureHash"];
  /** `sha-256` over the DER form, as in `a=fingerprint`. RFC 8122 section 5. */
  readonly fingerprint: string;
}

/** Makes a fresh self-signed ECDSA P-256 certificate. RFC 8827 section 6.5. */
export async function createDtlsCertificate(): Promise<DtlsCertificate> {
  const made = await CipherContext.createSelfSignedCertificateWithKey(
    { signature: SignatureAlgorithm.ecdsa_3, hash: HashAlgorithm.sha256_4 },
    NamedCurveAlgorithm.secp256r1_23,
  );
  return {
    certificatePem: made.certPem,
    privateKeyPem: made.keyPem,
    signatureHash: made.signatureHash,
    fingerprint: fingerprintOf(new X509Certificate(made.certPem).raw, "sha-256"),
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
