import { ahead16, ahead32, step32 } from "./serial.ts";

/** One DATA chunk, read. RFC 9260 section 3.3.1. */
export interface DataChunk {
  readonly tsn: number;
  readonly stream: number;
  /** Number of the message in its stream; of no meaning when it is unordered. */
  readonly ssn: number;
  readonly ppid: number;
  readonly unordered: boolean;
  readonly begins: boolean;
  readonly ends: boolean;
  readonly payload: Buffer;
}

/** A whole message. */
export interface SctpMessage {
  readonly stream: number;
  /** Says what the bytes are. RFC 8831 section 8. */
  readonly ppid: number;
  readonly bytes: Buffer;
}

/** Consecutive chunks of one message. */
interface Run {
  readonly stream: number;
  readonly ssn: number;
  readonly ppid: number;
  readonly unordered: boolean;
  first: number;
  last: number;
  begins: boolean;
  ends: boolean;
  pieces: Buffer[];
  sizeBytes: number;
}

interface IncomingStream {
  nextSsn: number;
  /** Whole messages that wait for an earlier one. */
  readonly waiting: Map<number, SctpMessage>;
}

/**
 * Puts messages together from chunks in any order, and gives them out: ordered ones in the order of their stream,
 * unordered ones as soon as they are whole. RFC 9260 sections 6.5, 6.6 and 6.9; skipping by RFC 3758 section 3.6.
 */
export class SctpReassembly {
  readonly #deliver: (message: SctpMessage) => void;
  /** By their first and by their last number; the same objects. */
  readonly #byFirst = new Map<number, Run>();
  readonly #byLast = new Map<number, Run>();
  readonly #streams = new Map<number, IncomingStream>();
  /** Bytes that are held for messages that are not whole or not due. */
  bufferedBytes = 0;
  /** Bytes of the longest message that is not whole. */
  longestBytes = 0;

  constructor(deliver: (message: SctpMessage) => void) {
    this.#deliver = deliver;
  }

  /** Takes a chunk that was not there before. The payload is kept as it is, or copied where it must wait. */
  handle(chunk: DataChunk): void {
    if (chunk.begins && chunk.ends) return this.#whole(chunk, chunk.payload);
    const left = this.#byLast.get(step32(chunk.tsn, -1));
    const right = this.#byFirst.get(step32(chunk.tsn, 1));
    const before = left && !left.ends && !chunk.begins && isSame(left, chunk) ? left : undefined;
    const after = right && !right.begins && !chunk.ends && isSame(right, chunk) ? right : undefined;
    const run = before ?? this.#newRun(chunk);
    if (before) this.#append(before, chunk);
    if (after) this.#join(run, after);
    this.longestBytes = Math.max(this.longestBytes, run.sizeBytes);
    if (!run.begins || !run.ends) return;
    this.#forget(run);
    this.#whole(run, Buffer.concat(run.pieces));
  }

  #newRun(chunk: DataChunk): Run {
    const { tsn, stream, ssn, ppid, unordered, begins, ends } = chunk;
    const payload = Buffer.from(chunk.payload);
    const run: Run = {
      stream,
      ssn,
      ppid,
      unordered,
      first: tsn,
      last: tsn,
      begins,
      ends,
      pieces: [payload],
      sizeBytes: payload.length,
    };
    this.bufferedBytes += payload.length;
    this.#byFirst.set(tsn, run);
    this.#byLast.set(tsn, run);
    return run;
  }

  #append(run: Run, chunk: DataChunk): void {
    this.#byLast.delete(run.last);
    run.last = chunk.tsn;
    run.ends = chunk.ends;
    run.pieces.push(Buffer.from(chunk.payload));
    run.sizeBytes += chunk.payload.length;
    this.bufferedBytes += chunk.payload.length;
    this.#byLast.set(run.last, run);
  }

  #join(run: Run, after: Run): void {
    this.#byLast.delete(run.last);
    this.#byFirst.delete(after.first);
    run.last = after.last;
    run.ends = after.ends;
    for (const piece of after.pieces) run.pieces.push(piece);
    run.sizeBytes += after.sizeBytes;
    this.#byLast.set(run.last, run);
  }

  #forget(run: Run): void {
    this.#byFirst.delete(run.first);
    this.#byLast.delete(run.last);
    this.bufferedBytes -= run.sizeBytes;
  }

  #whole(of: { stream: number; ssn: number; ppid: number; unordered: boolean }, bytes: Buffer): void {
    const message = { stream: of.stream, ppid: of.ppid, bytes };
    if (of.unordered) return this.#deliver(message);
    const stream = this.#streamOf(of.stream);
    const early = ahead16(of.ssn, stream.nextSsn);
    if (early < 0) return;
    if (early > 0) {
      const held = stream.waiting.get(of.ssn);
      if (held) this.bufferedBytes -= held.bytes.length;
      // A message in one chunk is a part of the datagram it came in.
      stream.waiting.set(of.ssn, { ...message, bytes: Buffer.from(bytes) });
      this.bufferedBytes += bytes.length;
      return;
    }
    stream.nextSsn = (stream.nextSsn + 1) & 0xffff;
    this.#deliver(message);
    this.#deliverDue(stream);
  }

  #streamOf(id: number): IncomingStream {
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      stream = { nextSsn: 0, waiting: new Map() };
      this.#streams.set(id, stream);
    }
    return stream;
  }

  #deliverDue(stream: IncomingStream): void {
    for (let due = stream.waiting.get(stream.nextSsn); due; due = stream.waiting.get(stream.nextSsn)) {
      stream.waiting.delete(stream.nextSsn);
      stream.nextSsn = (stream.nextSsn + 1) & 0xffff;
      this.bufferedBytes -= due.bytes.length;
      this.#deliver(due);
    }
  }

  /**
   * The sender gave up on everything up to `tsn` that has not come: parts of it are dropped, and ordered streams go on.
   *
   * @param skipped - The last message number given up in each ordered stream.
   */
  skip(tsn: number, skipped: readonly { readonly stream: number; readonly ssn: number }[]): void {
    for (const run of [...this.#byFirst.values()]) if (ahead32(run.first, tsn) <= 0) this.#forget(run);
    for (const { stream: id, ssn } of skipped) {
      const stream = this.#streamOf(id);
      if (ahead16(ssn, stream.nextSsn) < 0) continue;
      // What is whole before the gap is still worth having, in its order.
      const whole = [...stream.waiting.keys()].filter((waiting) => ahead16(ssn, waiting) >= 0);
      for (const early of whole.sort((one, other) => ahead16(one, other))) {
        const message = stream.waiting.get(early) as SctpMessage;
        stream.waiting.delete(early);
        this.bufferedBytes -= message.bytes.length;
        this.#deliver(message);
      }
      stream.nextSsn = (ssn + 1) & 0xffff;
      this.#deliverDue(stream);
    }
  }

  /** The other side begins these streams anew, or all. RFC 6525 section 5.2.2. */
  reset(streams: readonly number[]): void {
    const ids = streams.length === 0 ? [...this.#streams.keys()] : streams;
    for (const id of ids) {
      for (const { bytes } of this.#streams.get(id)?.waiting.values() ?? []) this.bufferedBytes -= bytes.length;
      this.#streams.delete(id);
    }
  }
}

function isSame(run: Run, chunk: DataChunk): boolean {
  return (
    run.stream === chunk.stream &&
    run.unordered === chunk.unordered &&
    (run.unordered || run.ssn === chunk.ssn) &&
    run.ppid === chunk.ppid
  );
}
