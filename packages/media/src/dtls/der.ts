/** Writes ASN.1 in DER, as far as a certificate needs it. ITU-T X.690. */

/** One value: its tag, its length, its content. */
export function derValue(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  if (body.length < 128) return Buffer.concat([Buffer.of(tag, body.length), body]);
  const lengthBytes = body.length < 256 ? Buffer.of(0x81, body.length) : Buffer.of(0x82, body.length >> 8, body.length);
  return Buffer.concat([Buffer.of(tag), lengthBytes, body]);
}

/** A SEQUENCE. */
export function derSequence(...content: readonly Uint8Array[]): Buffer {
  return derValue(0x30, ...content);
}

/** An INTEGER of at most 2^31, or of positive bytes. */
export function derInteger(value: number | Buffer): Buffer {
  if (typeof value !== "number") return derValue(0x02, (value[0] ?? 0) >= 0x80 ? Buffer.of(0) : Buffer.alloc(0), value);
  return derValue(0x02, Buffer.of(value));
}

/** An OBJECT IDENTIFIER by its content in hex. */
export function derOid(hex: string): Buffer {
  return derValue(0x06, Buffer.from(hex, "hex"));
}

/** A UTF8String. */
export function derUtf8(text: string): Buffer {
  return derValue(0x0c, Buffer.from(text, "utf8"));
}

/** A BIT STRING of whole bytes. */
export function derBits(bytes: Uint8Array): Buffer {
  return derValue(0x03, Buffer.of(0), bytes);
}

/** A UTCTime, for years up to 2049. RFC 5280 section 4.1.2.5.1. */
export function derUtcTime(time: Date): Buffer {
  const digits = time.toISOString().replace(/\D/g, "").slice(2, 14);
  return derValue(0x17, Buffer.from(`${digits}Z`, "latin1"));
}
