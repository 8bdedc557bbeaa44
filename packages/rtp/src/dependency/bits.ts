/** Reads numbers of any width from bytes, most significant bit first. Past the end it gives zeros and says so. */
export class BitReader {
  #bytes: Uint8Array = new Uint8Array(0);
  /** In bits. */
  #at = 0;
  #end = 0;
  /** Something was read past the end. */
  failed = false;

  /** Begins at the first bit of `offset`. */
  open(bytes: Uint8Array, offset: number, lengthBytes: number): void {
    this.#bytes = bytes;
    this.#at = 8 * offset;
    this.#end = 8 * Math.min(bytes.length, offset + lengthBytes);
    this.failed = false;
  }

  /** @param width - 0 .. 32. */
  read(width: number): number {
    if (this.#at + width > this.#end) {
      this.failed = true;
      this.#at = this.#end;
      return 0;
    }
    let value = 0;
    for (let left = width; left > 0; ) {
      const used = this.#at & 7;
      const take = Math.min(left, 8 - used);
      const byte = this.#bytes[this.#at >> 3] as number;
      value = value * 2 ** take + ((byte >> (8 - used - take)) & ((1 << take) - 1));
      this.#at += take;
      left -= take;
    }
    return value;
  }

  /** One bit. */
  flag(): boolean {
    return this.read(1) === 1;
  }

  /** A number below `limit`, in the fewest bits. AV1 bitstream specification section 4.10.7, `ns(n)`. */
  readBelow(limit: number): number {
    const width = 32 - Math.clz32(limit);
    const short = 2 ** width - limit;
    const value = this.read(width - 1);
    return value < short ? value : 2 * value - short + this.read(1);
  }
}

/** Writes what {@link BitReader} reads, into bytes of its own. */
export class BitWriter {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param limitBytes - Room; what goes beyond is let go and {@link lengthBytes} says so. */
  constructor(limitBytes: number) {
    this.#bytes = new Uint8Array(limitBytes);
  }

  /** Bytes begun so far; more than the room when it did not suffice. */
  get lengthBytes(): number {
    return (this.#at + 7) >> 3;
  }

  /** What was written; zero bits fill the last byte. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.lengthBytes);
  }

  /** @param width - 0 .. 32. */
  write(value: number, width: number): void {
    for (let bit = width - 1; bit >= 0; bit--) {
      const byte = this.#at >> 3;
      if (byte < this.#bytes.length && Math.floor(value / 2 ** bit) % 2 === 1) {
        this.#bytes[byte] = (this.#bytes[byte] as number) | (0x80 >> (this.#at & 7));
      }
      this.#at++;
    }
  }

  /** See {@link BitReader.readBelow}. */
  writeBelow(value: number, limit: number): void {
    const width = 32 - Math.clz32(limit);
    const short = 2 ** width - limit;
    if (value < short) this.write(value, width - 1);
    else this.write(value + short, width);
  }
}
