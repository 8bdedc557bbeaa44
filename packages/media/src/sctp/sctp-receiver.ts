import type { MonoMs } from "@lodeline/base";
import { ReceivedTsns } from "./received-tsns.ts";
import { CHUNK, CHUNK_HEADER_BYTES, DATA_HEADER_BYTES, type PacketBuilder } from "./sctp-packet.ts";
import { type DataChunk, type SctpMessage, SctpReassembly } from "./sctp-reassembly.ts";
import type { Sack } from "./sctp-sender.ts";
import { ahead32 } from "./serial.ts";

/** What may be held for messages that are not whole or not due. */
export const RECEIVE_WINDOW_BYTES = 2 * 1024 * 1024;

/** An acknowledgement waits so long for company. RFC 9260 section 6.2 allows 500 ms, and one for two packets. */
const SACK_DELAY_MS = 20;

/** Why an association cannot go on with what arrived. */
export type Overrun = "message-too-long" | "window-ignored";

/** The receiving half of an association. RFC 9260 section 6.2. */
export class SctpReceiver {
  readonly #tsns: ReceivedTsns;
  readonly #reassembly: SctpReassembly;
  readonly #messageLimitBytes: number;
  #sackAtMs: MonoMs | undefined;
  #packetsSinceSack = 0;

  constructor(options: {
    readonly initialTsn: number;
    readonly messageLimitBytes: number;
    readonly deliver: (message: SctpMessage) => void;
  }) {
    this.#tsns = new ReceivedTsns(options.initialTsn);
    this.#reassembly = new SctpReassembly(options.deliver);
    this.#messageLimitBytes = options.messageLimitBytes;
  }

  get cumulative(): number {
    return this.#tsns.cumulative;
  }

  /** When an acknowledgement is due. */
  get deadlineMs(): MonoMs | undefined {
    return this.#sackAtMs;
  }

  get bufferedBytes(): number {
    return this.#reassembly.bufferedBytes;
  }

  /**
   * Takes a DATA chunk. What does not fit into the window is dropped and not acknowledged.
   *
   * @returns What makes the association impossible, if anything.
   */
  handleData(chunk: DataChunk, now: MonoMs): Overrun | undefined {
    const isNew = this.#tsns.isNew(chunk.tsn);
    const isNext = ahead32(chunk.tsn, this.#tsns.cumulative) === 1;
    const isFull = this.#reassembly.bufferedBytes + chunk.payload.length > RECEIVE_WINDOW_BYTES;
    if (!isNew || (isFull && !isNext)) {
      this.#sackAtMs = now;
      return undefined;
    }
    this.#tsns.add(chunk.tsn);
    this.#reassembly.handle(chunk);
    // The next in order is taken past the limit, since it may be what everything waits for; not for ever.
    if (this.#reassembly.longestBytes > this.#messageLimitBytes) return "message-too-long";
    const limit = RECEIVE_WINDOW_BYTES + this.#messageLimitBytes;
    return this.#reassembly.bufferedBytes > limit ? "window-ignored" : undefined;
  }

  /** A packet with DATA was handled: when it is acknowledged follows from RFC 9260 sections 6.2 and 6.7. */
  packetHandled(immediately: boolean, now: MonoMs): void {
    this.#packetsSinceSack++;
    const atOnce = immediately || this.#packetsSinceSack >= 2 || this.#tsns.ranges.length > 0;
    this.#sackAtMs = atOnce ? now : Math.min(this.#sackAtMs ?? Infinity, now + SACK_DELAY_MS);
  }

  /** The other side gave up on everything up to `tsn`. RFC 3758 section 3.6. */
  skip(tsn: number, skipped: readonly { readonly stream: number; readonly ssn: number }[], now: MonoMs): void {
    this.#sackAtMs = now;
    if (ahead32(tsn, this.#tsns.cumulative) <= 0) return;
    this.#tsns.skipTo(tsn);
    this.#reassembly.skip(tsn, skipped);
  }

  reset(streams: readonly number[]): void {
    this.#reassembly.reset(streams);
  }

  /** Writes a SACK when one is due, or when one waits and there is a packet to go with. */
  writeSack(packet: PacketBuilder, now: MonoMs, hasCompany: boolean): void {
    if (this.#sackAtMs === undefined || (now < this.#sackAtMs && !hasCompany)) return;
    this.#sackAtMs = undefined;
    this.#packetsSinceSack = 0;
    const { cumulative, ranges } = this.#tsns;
    const doubled = this.#tsns.takeDoubled();
    const value = packet.chunk(CHUNK.sack, 0, 12 + 4 * (ranges.length + doubled.length));
    value.writeUInt32BE(cumulative, 0);
    value.writeUInt32BE(Math.max(0, RECEIVE_WINDOW_BYTES - this.#reassembly.bufferedBytes), 4);
    value.writeUInt16BE(ranges.length, 8);
    value.writeUInt16BE(doubled.length, 10);
    let at = 12;
    for (const [first, last] of ranges) {
      value.writeUInt16BE(first, at);
      value.writeUInt16BE(last, at + 2);
      at += 4;
    }
    for (const tsn of doubled) {
      value.writeUInt32BE(tsn, at);
      at += 4;
    }
  }
}

/** @returns `undefined` for what is malformed, or has no payload. */
export function parseData(flags: number, value: Buffer): DataChunk | undefined {
  if (value.length <= DATA_HEADER_BYTES - CHUNK_HEADER_BYTES) return undefined;
  return {
    tsn: value.readUInt32BE(0),
    stream: value.readUInt16BE(4),
    ssn: value.readUInt16BE(6),
    ppid: value.readUInt32BE(8),
    unordered: (flags & 4) !== 0,
    begins: (flags & 2) !== 0,
    ends: (flags & 1) !== 0,
    payload: value.subarray(12),
  };
}

/** @returns `undefined` for what is malformed. */
export function parseSack(value: Buffer): Sack | undefined {
  if (value.length < 12) return undefined;
  const count = value.readUInt16BE(8);
  if (12 + 4 * count > value.length) return undefined;
  const ranges = Array.from(
    { length: count },
    (_, index) => [value.readUInt16BE(12 + 4 * index), value.readUInt16BE(14 + 4 * index)] as const,
  );
  return { cumulative: value.readUInt32BE(0), windowBytes: value.readUInt32BE(4), ranges };
}
