import { Fifo } from "./fifo.ts";

/** How much a {@link FrameBuffer} keeps. */
export interface BufferLimits {
  readonly frames: number;
  /** Characters of all kept messages together, in UTF-16 units. */
  readonly length: number;
}

/**
 * The messages sent and not yet acknowledged, numbered from 1 without gaps. Bounded: a message too many is not taken, and
 * from then on the link cannot be resumed.
 */
export class FrameBuffer {
  readonly #limits: BufferLimits;
  readonly #messages = new Fifo<string>();
  #dropped = 0;
  #length = 0;

  constructor(limits: BufferLimits) {
    this.#limits = limits;
  }

  /** How many are kept. */
  get count(): number {
    return this.#messages.size;
  }

  /** The number of the last message ever added; 0 before the first. */
  get last(): number {
    return this.#dropped + this.#messages.size;
  }

  /** The number of the last message that was acknowledged and dropped. */
  get dropped(): number {
    return this.#dropped;
  }

  /**
   * Keeps one message.
   *
   * @param message - Its JSON.
   * @returns Its number, or `undefined` when there is no room for it.
   */
  add(message: string): number | undefined {
    if (this.#messages.size >= this.#limits.frames) return undefined;
    if (this.#length + message.length > this.#limits.length) return undefined;
    this.#length += message.length;
    this.#messages.push(message);
    return this.last;
  }

  /** Drops what is acknowledged: everything up to `ack`. A number that was never given drops nothing more. */
  dropThrough(ack: number): void {
    const through = Math.min(ack, this.last);
    while (this.#dropped < through) {
      this.#length -= this.#messages.shift()?.length ?? 0;
      this.#dropped += 1;
    }
  }

  /** The kept message number `seq`; `undefined` when it is dropped or not there yet. */
  get(seq: number): string | undefined {
    return seq <= this.#dropped ? undefined : this.#messages.at(seq - this.#dropped - 1);
  }

  /** Takes the place of another buffer: `messages` are those that follow number `dropped`. What was kept is forgotten. */
  restore(dropped: number, messages: readonly string[]): void {
    this.reset();
    this.#dropped = dropped;
    for (const message of messages) {
      this.#length += message.length;
      this.#messages.push(message);
    }
  }

  /** Forgets all and counts from 1 again. */
  reset(): void {
    this.#messages.clear();
    this.#dropped = 0;
    this.#length = 0;
  }
}
