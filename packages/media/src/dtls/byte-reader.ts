/** What the other side sent cannot be read. Never leaves `dtls/`: whoever parses catches it. */
export class Malformed extends Error {
  override readonly name = "Malformed";
}

/** Reads the presentation language of TLS (RFC 5246 section 4) from bytes, and throws {@link Malformed} at their end. */
export class ByteReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#take(1).readUInt8(0);
  }

  u16(): number {
    return this.#take(2).readUInt16BE(0);
  }

  u24(): number {
    return this.#take(3).readUIntBE(0, 3);
  }

  /** The next `lengthBytes`, as a view. */
  bytes(lengthBytes: number): Buffer {
    return this.#take(lengthBytes);
  }

  /** A vector whose length stands before it in 1, 2 or 3 bytes. */
  vector(lengthOfLength: 1 | 2 | 3): Buffer {
    return this.#take(this.#take(lengthOfLength).readUIntBE(0, lengthOfLength));
  }

  /** A vector of 16-bit numbers. */
  u16Vector(lengthOfLength: 1 | 2): number[] {
    const bytes = this.vector(lengthOfLength);
    if (bytes.length % 2 !== 0) throw new Malformed("half a number");
    return Array.from({ length: bytes.length / 2 }, (_, index) => bytes.readUInt16BE(2 * index));
  }

  /** Nothing may follow. */
  end(): void {
    if (this.left > 0) throw new Malformed(`${this.left} bytes too many`);
  }

  #take(lengthBytes: number): Buffer {
    if (lengthBytes > this.left) throw new Malformed("too short");
    this.#at += lengthBytes;
    return this.#bytes.subarray(this.#at - lengthBytes, this.#at);
  }
}

/** A number in `lengthBytes` bytes, the highest first. */
export function uint(value: number, lengthBytes: 1 | 2 | 3): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  bytes.writeUIntBE(value, 0, lengthBytes);
  return bytes;
}

/** A vector: its length in `lengthOfLength` bytes, then its parts. */
export function vector(lengthOfLength: 1 | 2 | 3, ...parts: readonly Uint8Array[]): Buffer {
  const lengthBytes = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([uint(lengthBytes, lengthOfLength), ...parts]);
}

/** A vector of 16-bit numbers. */
export function u16Vector(lengthOfLength: 1 | 2, values: readonly number[]): Buffer {
  return vector(lengthOfLength, ...values.map((value) => uint(value, 2)));
}
