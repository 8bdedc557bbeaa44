import type { MonoMs } from "@lodeline/base";

/** A message to send, and how much is to be done for it. */
export interface OutgoingMessage {
  readonly stream: number;
  readonly ppid: number;
  readonly ordered: boolean;
  readonly bytes: Buffer;
  /** How often a part of it may be sent again; `undefined` for as often as needed. RFC 8831 section 6.1. */
  readonly maxRetransmits: number | undefined;
  /** After this it is not worth sending any more. */
  readonly expiresAtMs: MonoMs | undefined;
}

/** A message of which a part was sent. */
export interface StartedMessage extends OutgoingMessage {
  /** Its number in its stream, given when its first part is sent. */
  readonly ssn: number;
  /** Bytes that were put into chunks. */
  cutBytes: number;
  /** It was given up: nothing of it is sent any more. */
  abandoned: boolean;
}

interface OutgoingStream {
  readonly id: number;
  readonly waiting: OutgoingMessage[];
  nextSsn: number;
  bufferedBytes: number;
}

/**
 * Messages that wait to be sent: each stream in its order, streams in turn. The parts of one message follow each other
 * without a break, as RFC 9260 section 6.9 demands.
 */
export class OutgoingQueue {
  readonly #streams = new Map<number, OutgoingStream>();
  /** Streams that have something, whose turn comes in this order. */
  readonly #turns: OutgoingStream[] = [];
  #current: StartedMessage | undefined;
  /** Bytes of all streams that were not sent yet. */
  bufferedBytes = 0;
  /** Messages that were too old before their turn came. */
  expired = 0;

  /** Bytes of a stream that were not sent yet. */
  bufferedBytesOf(stream: number): number {
    return this.#streams.get(stream)?.bufferedBytes ?? 0;
  }

  /** Whether all messages of a stream were sent, or given up. */
  isDrained(stream: number): boolean {
    return (this.#streams.get(stream)?.waiting.length ?? 0) === 0 && this.#current?.stream !== stream;
  }

  push(message: OutgoingMessage): void {
    const stream = this.#streamOf(message.stream);
    if (stream.waiting.length === 0) this.#turns.push(stream);
    stream.waiting.push(message);
    this.#count(stream, message.bytes.length);
  }

  #streamOf(id: number): OutgoingStream {
    let stream = this.#streams.get(id);
    if (stream === undefined) {
      stream = { id, waiting: [], nextSsn: 0, bufferedBytes: 0 };
      this.#streams.set(id, stream);
    }
    return stream;
  }

  #count(stream: OutgoingStream, bytes: number): void {
    stream.bufferedBytes += bytes;
    this.bufferedBytes += bytes;
  }

  /** The message whose next part is to be sent. */
  current(now: MonoMs): StartedMessage | undefined {
    while (this.#current === undefined) {
      const [stream] = this.#turns;
      if (stream === undefined) return undefined;
      this.#start(stream, now);
    }
    return this.#current;
  }

  #start(stream: OutgoingStream, now: MonoMs): void {
    this.#turns.shift();
    const message = stream.waiting.shift();
    if (stream.waiting.length > 0) this.#turns.push(stream);
    if (message === undefined) return;
    if (message.expiresAtMs !== undefined && message.expiresAtMs <= now) {
      this.expired++;
      return this.#count(stream, -message.bytes.length);
    }
    const ssn = stream.nextSsn;
    if (message.ordered) stream.nextSsn = (ssn + 1) & 0xffff;
    this.#current = { ...message, ssn: message.ordered ? ssn : 0, cutBytes: 0, abandoned: false };
  }

  /** So many more bytes of the current message were put into a chunk. */
  cut(message: StartedMessage, bytes: number): void {
    message.cutBytes += bytes;
    this.#count(this.#streamOf(message.stream), -bytes);
    if (message.cutBytes >= message.bytes.length) this.#current = undefined;
  }

  /** A message is given up: what was not sent of it never will be. */
  abandon(message: StartedMessage): void {
    message.abandoned = true;
    if (message !== this.#current) return;
    this.#count(this.#streamOf(message.stream), message.cutBytes - message.bytes.length);
    this.#current = undefined;
  }

  /** A stream begins anew, after all of it was sent. */
  reset(stream: number): void {
    if (this.isDrained(stream)) this.#streams.delete(stream);
  }

  /** Forgets what waits in a stream. */
  clear(stream: number): void {
    const known = this.#streams.get(stream);
    if (known === undefined) return;
    const bytes = known.waiting.splice(0).reduce((sum, message) => sum + message.bytes.length, 0);
    this.#count(known, -bytes);
    const turn = this.#turns.indexOf(known);
    if (turn >= 0) this.#turns.splice(turn, 1);
  }
}
