/**
 * The newest packets of one outgoing stream by sequence number, for retransmission. A ring: a new packet takes the
 * place of the one `capacity` numbers before it. Keeps references, so what is stored must not change.
 */
export class PacketCache<T> {
  readonly #capacity: number;
  readonly #numbers: Int32Array;
  readonly #values: (T | undefined)[];

  /**
   * @param capacity - Packets kept; a power of two up to 32768, so that 16-bit numbers wrap evenly.
   */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#numbers = new Int32Array(capacity).fill(-1);
    this.#values = new Array<T | undefined>(capacity);
  }

  /** What is stored in the place that `sequenceNumber` will take: the caller may refill that object. */
  recycle(sequenceNumber: number): T | undefined {
    return this.#values[sequenceNumber & (this.#capacity - 1)];
  }

  /** Stores a packet under its 16-bit number. */
  put(sequenceNumber: number, value: T): void {
    const slot = sequenceNumber & (this.#capacity - 1);
    this.#numbers[slot] = sequenceNumber;
    this.#values[slot] = value;
  }

  /** The packet of that number, or `undefined` when it was never stored or is too old. */
  get(sequenceNumber: number): T | undefined {
    const slot = sequenceNumber & (this.#capacity - 1);
    return this.#numbers[slot] === sequenceNumber ? this.#values[slot] : undefined;
  }

  /** Forgets everything, so that nothing is kept alive. */
  clear(): void {
    this.#numbers.fill(-1);
    this.#values.fill(undefined);
  }
}
