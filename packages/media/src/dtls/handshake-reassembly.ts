import { HANDSHAKE, HANDSHAKE_HEADER_BYTES, type HandshakeMessage } from "./handshake-messages.ts";

/** Longest message taken: a certificate chain, or a ClientHello with post-quantum key shares. */
const MESSAGE_LIMIT_BYTES = 16_384;

/** How many messages ahead of the next one are kept: the longest flight has five. */
const AHEAD_LIMIT = 8;

/** Separate pieces of one message that are kept. */
const RANGE_LIMIT = 32;

interface Partial {
  readonly type: number;
  readonly isProtected: boolean;
  readonly body: Buffer;
  /** Received parts, apart from each other and in order. */
  ranges: [from: number, to: number][];
}

/**
 * Puts handshake messages together from fragments in any order, and gives them out in the order of their numbers.
 * RFC 6347 section 4.2.3. Holds at most {@link AHEAD_LIMIT} messages of {@link MESSAGE_LIMIT_BYTES}.
 */
export class HandshakeReassembly {
  readonly #partials = new Map<number, Partial>();
  #next = 0;
  /** Fragments that fit nowhere. */
  malformed = 0;
  /** Fragments of messages that had been given out: the other side repeats itself. */
  repeated = 0;

  /** Takes the content of one handshake record: one or more fragments. */
  handle(content: Buffer, isProtected: boolean): void {
    let at = 0;
    while (at < content.length) {
      if (at + HANDSHAKE_HEADER_BYTES > content.length) return void this.malformed++;
      const fragmentBytes = content.readUIntBE(at + 9, 3);
      const end = at + HANDSHAKE_HEADER_BYTES + fragmentBytes;
      if (end > content.length) return void this.malformed++;
      this.#fragment(content.subarray(at, end), isProtected);
      at = end;
    }
  }

  #fragment(bytes: Buffer, isProtected: boolean): void {
    const type = bytes[0] as number;
    const lengthBytes = bytes.readUIntBE(1, 3);
    const sequence = bytes.readUInt16BE(4);
    const from = bytes.readUIntBE(6, 3);
    const to = from + bytes.length - HANDSHAKE_HEADER_BYTES;
    if (sequence < this.#next) return void this.repeated++;
    const fits = to <= lengthBytes && lengthBytes <= MESSAGE_LIMIT_BYTES && sequence < this.#next + AHEAD_LIMIT;
    // Finished is the one protected message of a handshake; anything else there, or Finished in clear, is not one.
    if (!fits || (type === HANDSHAKE.finished) !== isProtected) return void this.malformed++;
    const partial = this.#partialOf(sequence, type, lengthBytes, isProtected);
    bytes.copy(partial.body, from, HANDSHAKE_HEADER_BYTES);
    this.#cover(partial, from, to);
  }

  /** A fragment that contradicts the earlier ones replaces them: a forged first one must not stop the handshake. */
  #partialOf(sequence: number, type: number, lengthBytes: number, isProtected: boolean): Partial {
    const known = this.#partials.get(sequence);
    if (known?.type === type && known.body.length === lengthBytes) return known;
    const partial: Partial = { type, isProtected, body: Buffer.alloc(lengthBytes), ranges: [] };
    this.#partials.set(sequence, partial);
    return partial;
  }

  #cover(partial: Partial, from: number, to: number): void {
    const ranges = [...partial.ranges, [from, to] as [number, number]].sort((a, b) => a[0] - b[0]);
    const merged: [number, number][] = [];
    for (const [start, end] of ranges) {
      const last = merged.at(-1);
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else merged.push([start, end]);
    }
    if (merged.length > RANGE_LIMIT) this.malformed++;
    else partial.ranges = merged;
  }

  /** The next message in order, once it is whole. */
  poll(): HandshakeMessage | undefined {
    const partial = this.#partials.get(this.#next);
    const [only] = partial?.ranges ?? [];
    if (partial === undefined || only === undefined || only[0] !== 0 || only[1] !== partial.body.length)
      return undefined;
    this.#partials.delete(this.#next);
    return { type: partial.type, sequence: this.#next++, body: partial.body };
  }

  /** The message given out last was no good: it may come again. */
  reject(): void {
    this.#next--;
    this.malformed++;
  }
}
