import { constants, type KeyObject, verify, X509Certificate } from "node:crypto";

interface Scheme {
  readonly hash: "sha256" | "sha384" | "sha512";
  readonly key: "ec" | "rsa";
  readonly pss: boolean;
}

/** How we sign. Our certificate's key is on P-256. */
export const ECDSA_SHA256 = 0x0403;

/** Signatures that are believed: hash and kind, as in RFC 5246 section 7.4.1.4.1 and RFC 8446 section 4.2.3. */
const SCHEMES: ReadonlyMap<number, Scheme> = new Map([
  [ECDSA_SHA256, { hash: "sha256", key: "ec", pss: false }],
  [0x0503, { hash: "sha384", key: "ec", pss: false }],
  [0x0603, { hash: "sha512", key: "ec", pss: false }],
  [0x0804, { hash: "sha256", key: "rsa", pss: true }],
  [0x0805, { hash: "sha384", key: "rsa", pss: true }],
  [0x0806, { hash: "sha512", key: "rsa", pss: true }],
  [0x0401, { hash: "sha256", key: "rsa", pss: false }],
  [0x0501, { hash: "sha384", key: "rsa", pss: false }],
  [0x0601, { hash: "sha512", key: "rsa", pss: false }],
]);

/** The schemes that are believed, best first. */
export const SIGNATURE_SCHEMES: readonly number[] = [...SCHEMES.keys()];

/** Smaller RSA keys can be broken; larger ones only cost time. */
const RSA_BITS = { min: 2048, max: 8192 };

/** The key of a certificate, if it is one that we can verify with. @returns `undefined` for anything else. */
export function certificateKey(der: Buffer): KeyObject | undefined {
  try {
    const { publicKey } = new X509Certificate(der);
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = publicKey;
    if (type === "ec") return publicKey;
    const bits = details?.modulusLength ?? 0;
    return type === "rsa" && bits >= RSA_BITS.min && bits <= RSA_BITS.max ? publicKey : undefined;
  } catch {
    return undefined;
  }
}

/** Whether `signed` was signed by the holder of `key`, with a scheme that fits the key and is believed. */
export function signatureIsGood(key: KeyObject, scheme: number, signed: Buffer, signature: Buffer): boolean {
  const known = SCHEMES.get(scheme);
  if (known === undefined || known.key !== key.asymmetricKeyType) return false;
  const padding = known.pss
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : {};
  try {
    return verify(known.hash, signed, { key, ...padding }, signature);
  } catch {
    return false;
  }
}
