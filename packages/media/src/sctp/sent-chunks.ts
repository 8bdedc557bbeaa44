import type { MonoMs } from "@lodeline/base";
import type { StartedMessage } from "./outgoing-queue.ts";
import { ahead32, step32 } from "./serial.ts";

/** One DATA chunk that was sent and is not acknowledged by the cumulative number yet. */
export interface SentChunk {
  readonly tsn: number;
  readonly message: StartedMessage;
  readonly from: number;
  readonly to: number;
  /** How often it was sent. */
  transmits: number;
  sentAtMs: MonoMs;
  /** Grows with every transmission of any chunk: which of two was sent later. */
  order: number;
  inFlight: boolean;
  /** A SACK said that it has come, though not everything before it. */
  acked: boolean;
  /** In how many SACKs later ones had come and it had not. */
  missing: number;
  /** It waits to be sent again. */
  due: boolean;
}

/** The chunks that were sent, in order of their numbers, which follow each other without a gap. */
export class SentChunks {
  #chunks: SentChunk[] = [];
  #head = 0;
  #nextTsn: number;
  #order = 0;
  /** Payload bytes under way. */
  flightBytes = 0;

  constructor(initialTsn: number) {
    this.#nextTsn = initialTsn;
  }

  /** The number that the next chunk will have. */
  get nextTsn(): number {
    return this.#nextTsn;
  }

  get count(): number {
    return this.#chunks.length - this.#head;
  }

  /** Everything before this was acknowledged. */
  get firstTsn(): number {
    return step32(this.#nextTsn, -this.count);
  }

  /** The first chunk that is not acknowledged for good. */
  get first(): SentChunk | undefined {
    return this.#chunks[this.#head];
  }

  /** The chunk of a number, if it was sent and is still kept. */
  at(tsn: number): SentChunk | undefined {
    const index = ahead32(tsn, this.firstTsn);
    return index < 0 ? undefined : this.#chunks[this.#head + index];
  }

  /** All of them in order. */
  *[Symbol.iterator](): Iterator<SentChunk> {
    for (let index = this.#head; index < this.#chunks.length; index++) yield this.#chunks[index] as SentChunk;
  }

  /** Adds a chunk that is being sent for the first time. */
  add(message: StartedMessage, from: number, to: number, now: MonoMs): SentChunk {
    const chunk: SentChunk = {
      tsn: this.#nextTsn,
      message,
      from,
      to,
      transmits: 1,
      sentAtMs: now,
      order: ++this.#order,
      inFlight: true,
      acked: false,
      missing: 0,
      due: false,
    };
    this.#nextTsn = step32(this.#nextTsn, 1);
    this.flightBytes += to - from;
    this.#chunks.push(chunk);
    return chunk;
  }

  /** It is no longer under way: it has come, was given up, or is taken for lost. */
  landed(chunk: SentChunk): void {
    if (!chunk.inFlight) return;
    chunk.inFlight = false;
    this.flightBytes -= chunk.to - chunk.from;
  }

  /** It is sent again. */
  again(chunk: SentChunk, now: MonoMs): void {
    chunk.due = false;
    chunk.missing = 0;
    chunk.transmits++;
    chunk.sentAtMs = now;
    chunk.order = ++this.#order;
    chunk.inFlight = true;
    this.flightBytes += chunk.to - chunk.from;
  }

  /** Removes the first one, which was acknowledged for good. */
  shift(): SentChunk | undefined {
    const chunk = this.first;
    if (chunk === undefined) return undefined;
    this.landed(chunk);
    chunk.due = false;
    this.#head++;
    if (this.#head >= 512 && 2 * this.#head >= this.#chunks.length) {
      this.#chunks = this.#chunks.slice(this.#head);
      this.#head = 0;
    }
    return chunk;
  }
}
