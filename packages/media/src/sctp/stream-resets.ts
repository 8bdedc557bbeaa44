import type { MonoMs } from "@lodeline/base";
import { CHUNK, CHUNK_HEADER_BYTES, encodeParameter, type PacketBuilder, parseParameters } from "./sctp-packet.ts";
import { ahead32, step32 } from "./serial.ts";

/** Parameter types of RE-CONFIG. RFC 6525 section 4. */
const PARAMETER = { outgoingReset: 13, incomingReset: 14, response: 16 } as const;

/** Results of a request. RFC 6525 section 4.4. */
const RESULT = { nothingToDo: 0, performed: 1, denied: 2, inProgress: 6 } as const;

/** Streams in one request: so many fit in a packet beside everything else. */
const REQUEST_STREAM_LIMIT = 64;

interface Request {
  readonly sequence: number;
  readonly streams: readonly number[];
  readonly lastTsn: number;
  dueAtMs: MonoMs;
}

/** What {@link StreamResets} needs of its association. */
export interface StreamResetHost {
  /** Everything up to this number has come. */
  readonly receivedTsn: () => number;
  /** The last number that was sent. */
  readonly sentTsn: () => number;
  /** Whether all that waits in a stream was sent. */
  readonly isDrained: (stream: number) => boolean;
  readonly timeoutMs: () => number;
  /** The other side begins these streams anew; none of them means all. */
  readonly onIncoming: (streams: readonly number[]) => void;
  /** The other side knows that we begin these anew. */
  readonly onOutgoing: (streams: readonly number[]) => void;
}

/** Closing and reusing streams, which is how data channels are closed. RFC 6525, RFC 8831 section 6.7. */
export class StreamResets {
  readonly #host: StreamResetHost;
  #nextSequence: number;
  #theirNext: number;
  /** Streams that are to be reset once they are drained. */
  readonly #wanted = new Set<number>();
  /** One request is under way at a time. Section 5.1.1. */
  #request: Request | undefined;
  #answers: Buffer[] = [];
  #lastResult: number = RESULT.nothingToDo;

  constructor(host: StreamResetHost, initialTsn: number, theirInitialTsn: number) {
    this.#host = host;
    this.#nextSequence = initialTsn;
    this.#theirNext = theirInitialTsn;
  }

  get deadlineMs(): MonoMs | undefined {
    return this.#request?.dueAtMs;
  }

  /** Resets a stream of ours once all that waits in it was sent. */
  want(stream: number): void {
    this.#wanted.add(stream);
  }

  /** Writes what is due: answers, and one request. */
  write(packet: PacketBuilder, now: MonoMs): void {
    this.#makeRequest(now);
    const parts = this.#answers.splice(0);
    const request = this.#request;
    if (request && request.dueAtMs <= now) {
      request.dueAtMs = now + this.#host.timeoutMs();
      parts.push(this.#encode(request));
    }
    if (parts.length === 0) return;
    const value = Buffer.concat(parts);
    if (CHUNK_HEADER_BYTES + value.length > packet.room) {
      // Beside a long SACK: in the next packet.
      if (request) request.dueAtMs = now;
      return;
    }
    value.copy(packet.chunk(CHUNK.reconfig, 0, value.length));
  }

  #makeRequest(now: MonoMs): void {
    if (this.#request) return;
    const streams = [...this.#wanted].filter(this.#host.isDrained).slice(0, REQUEST_STREAM_LIMIT);
    if (streams.length === 0) return;
    for (const stream of streams) this.#wanted.delete(stream);
    this.#request = { sequence: this.#nextSequence, streams, lastTsn: this.#host.sentTsn(), dueAtMs: now };
    this.#nextSequence = step32(this.#nextSequence, 1);
  }

  #encode({ sequence, streams, lastTsn }: Request): Buffer {
    const value = Buffer.alloc(12 + 2 * streams.length);
    value.writeUInt32BE(sequence, 0);
    value.writeUInt32BE(step32(this.#theirNext, -1), 4);
    value.writeUInt32BE(lastTsn, 8);
    for (const [index, stream] of streams.entries()) value.writeUInt16BE(stream, 12 + 2 * index);
    return encodeParameter(PARAMETER.outgoingReset, value);
  }

  /** A RE-CONFIG chunk arrived. */
  handle(value: Buffer, now: MonoMs): void {
    for (const { type, value: parameter } of parseParameters(value).slice(0, 2)) {
      if (type === PARAMETER.response && parameter.length >= 8)
        this.#response(parameter.readUInt32BE(0), parameter.readUInt32BE(4), now);
      else if (type === PARAMETER.outgoingReset && parameter.length >= 12) this.#theirReset(parameter);
      else if (parameter.length >= 4) this.#answer(parameter.readUInt32BE(0), RESULT.denied);
    }
  }

  #response(sequence: number, result: number, now: MonoMs): void {
    const request = this.#request;
    if (request === undefined || request.sequence !== sequence) return;
    if (result === RESULT.inProgress) {
      request.dueAtMs = now + this.#host.timeoutMs();
      return;
    }
    // Refused or done: there is nothing more that we could do to close these.
    this.#request = undefined;
    this.#host.onOutgoing(request.streams);
  }

  /** Their outgoing streams begin anew, once all that they sent before has come. Section 5.2.2. */
  #theirReset(parameter: Buffer): void {
    const sequence = parameter.readUInt32BE(0);
    // A repetition of the last one, whose answer was lost.
    if (sequence === step32(this.#theirNext, -1)) return this.#answer(sequence, this.#lastResult);
    if (sequence !== this.#theirNext) return;
    if (ahead32(parameter.readUInt32BE(8), this.#host.receivedTsn()) > 0)
      return this.#answer(sequence, RESULT.inProgress);
    this.#theirNext = step32(this.#theirNext, 1);
    const streams: number[] = [];
    for (let at = 12; at + 2 <= parameter.length; at += 2) streams.push(parameter.readUInt16BE(at));
    this.#lastResult = RESULT.performed;
    this.#answer(sequence, RESULT.performed);
    this.#host.onIncoming(streams);
  }

  #answer(sequence: number, result: number): void {
    // The other side has one request under way; more than a few answers are nonsense.
    if (this.#answers.length >= 4) return;
    const value = Buffer.alloc(8);
    value.writeUInt32BE(sequence, 0);
    value.writeUInt32BE(result, 4);
    this.#answers.push(encodeParameter(PARAMETER.response, value));
  }
}
