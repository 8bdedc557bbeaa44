import { verify, X509Certificate } from "node:crypto";

/** Hashes of a TLS 1.2 signature. RFC 5246 section 7.4.1.4.1. */
const HASHES: Readonly<Record<number, string>> = { 4: "sha256", 5: "sha384", 6: "sha512" };

/** Signatures of TLS 1.2 that browsers' certificates use. RFC 5246 section 7.4.1.4.1. */
const SIGNATURE = { rsa: 1, ecdsa: 3 } as const;

/**
 * Whether a ServerKeyExchange was signed by the holder of a certificate. RFC 8422 section 5.4.
 * werift 0.25.2 does not check it; without the check anybody in the path could present the browser's certificate,
 * which is public, with a key of their own.
 *
 * @param body - The handshake message's body, reassembled.
 * @param certificateDer - The certificate whose fingerprint the offer announced.
 * @param clientRandom - 32 bytes.
 * @param serverRandom - 32 bytes.
 */
export function keyExchangeIsProven(
  body: Buffer,
  certificateDer: Buffer,
  clientRandom: Buffer,
  serverRandom: Buffer,
): boolean {
  // curve type (1), curve (2), point length (1), point, hash (1), signature kind (1), length (2), signature.
  const paramsEnd = 4 + (body[3] ?? 0);
  const signatureAt = paramsEnd + 4;
  if (body.length < signatureAt || body[0] !== 3) return false;
  const hash = HASHES[body[paramsEnd] as number];
  const kind = body[paramsEnd + 1] as number;
  const signature = body.subarray(signatureAt, signatureAt + body.readUInt16BE(paramsEnd + 2));
  if (hash === undefined || (kind !== SIGNATURE.rsa && kind !== SIGNATURE.ecdsa)) return false;
  const { publicKey } = new X509Certificate(certificateDer);
  if (publicKey.asymmetricKeyType !== (kind === SIGNATURE.rsa ? "rsa" : "ec")) return false;
  return verify(hash, Buffer.concat([clientRandom, serverRandom, body.subarray(0, paramsEnd)]), publicKey, signature);
}
