import { ByteReader, Malformed, u16Vector, uint, vector } from "./byte-reader.ts";

/** Handshake message types. RFC 5246 section 7.4, RFC 6347 section 4.3.2. */
export const HANDSHAKE = {
  clientHello: 1,
  serverHello: 2,
  helloVerifyRequest: 3,
  certificate: 11,
  serverKeyExchange: 12,
  certificateRequest: 13,
  serverHelloDone: 14,
  certificateVerify: 15,
  clientKeyExchange: 16,
  finished: 20,
} as const;

/** Type, length, message number, fragment offset and length. RFC 6347 section 4.2.2. */
export const HANDSHAKE_HEADER_BYTES = 12;

/** One whole handshake message. */
export interface HandshakeMessage {
  readonly type: number;
  /** Its number on its sender's side, from 0. */
  readonly sequence: number;
  readonly body: Buffer;
}

/** Encodes a message, or a part of it, under its header. */
export function encodeHandshake(message: HandshakeMessage, from = 0, to: number = message.body.length): Buffer {
  const { type, sequence, body } = message;
  return Buffer.concat([
    uint(type, 1),
    uint(body.length, 3),
    uint(sequence, 2),
    uint(from, 3),
    uint(to - from, 3),
    body.subarray(from, to),
  ]);
}

/** `Certificate` with our certificate, or none. */
export function encodeCertificate(der: Buffer | undefined): Buffer {
  return vector(3, ...(der ? [vector(3, der)] : []));
}

/** The first certificate of the chain, as DER; `undefined` when there is none. @throws Malformed */
export function parseCertificate(body: Buffer): Buffer | undefined {
  const reader = new ByteReader(body);
  const list = new ByteReader(reader.vector(3));
  reader.end();
  return list.left === 0 ? undefined : list.vector(3);
}

/** A signature and how it was made. */
export interface DigitallySigned {
  readonly scheme: number;
  readonly signature: Buffer;
}

function readSigned(reader: ByteReader): DigitallySigned {
  const scheme = reader.u16();
  const signature = reader.vector(2);
  reader.end();
  return { scheme, signature };
}

function encodeSigned({ scheme, signature }: DigitallySigned): Buffer {
  return Buffer.concat([uint(scheme, 2), vector(2, signature)]);
}

/** The parameters of a ServerKeyExchange: what is signed, together with both randoms. RFC 8422 section 5.4. */
export function encodeEcdhParams(group: number, publicKey: Buffer): Buffer {
  return Buffer.concat([uint(3, 1), uint(group, 2), vector(1, publicKey)]);
}

/** Encodes a ServerKeyExchange. */
export function encodeServerKeyExchange(params: Buffer, signed: DigitallySigned): Buffer {
  return Buffer.concat([params, encodeSigned(signed)]);
}

/** @throws Malformed */
export function parseServerKeyExchange(
  body: Buffer,
): DigitallySigned & { readonly group: number; readonly publicKey: Buffer; readonly params: Buffer } {
  const reader = new ByteReader(body);
  // named_curve, the only kind of curve there is.
  if (reader.u8() !== 3) throw new Malformed("not a named curve");
  const group = reader.u16();
  const publicKey = reader.vector(1);
  const params = body.subarray(0, body.length - reader.left);
  return { ...readSigned(reader), group, publicKey, params };
}

/** Asks for a certificate with an ECDSA or RSA key, from whatever authority. */
export function encodeCertificateRequest(schemes: readonly number[]): Buffer {
  // ecdsa_sign and rsa_sign. RFC 8422 section 5.5, RFC 5246 section 7.4.4.
  return Buffer.concat([vector(1, Buffer.of(64, 1)), u16Vector(2, schemes), vector(2)]);
}

/** The signatures a CertificateRequest takes. @throws Malformed */
export function parseCertificateRequest(body: Buffer): readonly number[] {
  const reader = new ByteReader(body);
  reader.vector(1);
  const schemes = reader.u16Vector(2);
  reader.vector(2);
  reader.end();
  return schemes;
}

/** Encodes a CertificateVerify. */
export function encodeCertificateVerify(signed: DigitallySigned): Buffer {
  return encodeSigned(signed);
}

/** @throws Malformed */
export function parseCertificateVerify(body: Buffer): DigitallySigned {
  return readSigned(new ByteReader(body));
}

/** Encodes a ClientKeyExchange: our public key. RFC 8422 section 5.7. */
export function encodeClientKeyExchange(publicKey: Buffer): Buffer {
  return vector(1, publicKey);
}

/** @throws Malformed */
export function parseClientKeyExchange(body: Buffer): Buffer {
  const reader = new ByteReader(body);
  const publicKey = reader.vector(1);
  reader.end();
  return publicKey;
}
