import { readU16, readU24, readU32, writeU16, writeU24, writeU32 } from "./bytes.ts";

/** Header extension of the transport-wide sequence number. draft-holmer-rmcat-transport-wide-cc-extensions-01 section 2. */
export const TRANSPORT_SEQUENCE_URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/** Feedback message type of transport-wide feedback, within the packet type of transport feedback. Section 3.1. */
export const TRANSPORT_FEEDBACK_FORMAT = 15;

/** Unit of an arrival delta: 250 µs. Section 3.1.5. */
const TICKS_PER_MS = 4;

/** Unit of the reference time: 64 ms. Section 3.1. */
const REFERENCE_MS = 64;

/** The reference time has 24 bits: the arrival clock in a feedback wraps after this long. */
export const FEEDBACK_CLOCK_WRAP_MS = REFERENCE_MS * 2 ** 24;

/**
 * Most packets that one feedback may speak of. A run-length chunk of two bytes covers 8191, so a small packet could claim
 * the whole circle; an honest one covers a tenth of a second.
 */
export const FEEDBACK_PACKET_LIMIT = 8192;

/** Arrivals of packets by their transport-wide sequence numbers, as the receiver saw them. */
export interface TransportFeedback {
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  /** Transport-wide number of the first packet. */
  readonly baseSequence: number;
  /** 0 .. 255; goes up by one from one feedback to the next, so that lost ones show. */
  readonly feedbackCount: number;
  /**
   * For each number from `baseSequence` on: ms on the receiver's clock, which wraps at {@link FEEDBACK_CLOCK_WRAP_MS};
   * `NaN` for one that did not arrive.
   */
  readonly arrivalsMs: Float64Array;
}

/** Status of one packet in a chunk. Section 3.1.1. */
const STATUS = { lost: 0, small: 1, large: 2 } as const;

/** Packets in one chunk. Sections 3.1.3 and 3.1.4. */
const RUN_LIMIT = 0x1fff;
const ONE_BIT_SYMBOLS = 14;
const TWO_BIT_SYMBOLS = 7;

/**
 * Parses the body of a transport-wide feedback.
 *
 * @param at - Where its RTCP header begins.
 * @param end - Where it ends, padding excluded.
 * @returns `undefined` when it is malformed: too short for what it announces, or a reserved status.
 */
export function parseTransportFeedback(bytes: Uint8Array, at: number, end: number): TransportFeedback | undefined {
  if (at + 20 > end) return undefined;
  const count = readU16(bytes, at + 14);
  if (count === 0 || count > FEEDBACK_PACKET_LIMIT) return undefined;
  const statuses = new Uint8Array(count);
  let from = readStatuses(bytes, at + 20, end, statuses);
  if (from < 0) return undefined;
  const arrivalsMs = new Float64Array(count);
  // Whole ticks until the end: quarters are exact in floating point too.
  let ticks = readU24(bytes, at + 16) * REFERENCE_MS * TICKS_PER_MS;
  for (let i = 0; i < count; i++) {
    const status = statuses[i];
    if (status === STATUS.lost) {
      arrivalsMs[i] = Number.NaN;
      continue;
    }
    const size = status === STATUS.small ? 1 : 2;
    if (from + size > end) return undefined;
    ticks += size === 1 ? (bytes[from] as number) : (readU16(bytes, from) << 16) >> 16;
    from += size;
    arrivalsMs[i] = ticks / TICKS_PER_MS;
  }
  return {
    senderSsrc: readU32(bytes, at + 4),
    mediaSsrc: readU32(bytes, at + 8),
    baseSequence: readU16(bytes, at + 12),
    feedbackCount: bytes[at + 19] as number,
    arrivalsMs,
  };
}

/** Fills in every status. @returns Where the deltas begin, or -1 when the chunks do not cover all or one is reserved. */
function readStatuses(bytes: Uint8Array, from: number, end: number, into: Uint8Array): number {
  let at = from;
  let index = 0;
  while (index < into.length) {
    if (at + 2 > end) return -1;
    const chunk = readU16(bytes, at);
    at += 2;
    if ((chunk & 0x8000) === 0) {
      const status = (chunk >> 13) & 3;
      const run = chunk & RUN_LIMIT;
      if (status === 3 || run === 0) return -1;
      into.fill(status, index, Math.min(into.length, index + run));
      index += run;
      continue;
    }
    const bits = (chunk & 0x4000) === 0 ? 1 : 2;
    for (let shift = 14 - bits; shift >= 0 && index < into.length; shift -= bits) {
      const status = (chunk >> shift) & (bits === 1 ? 1 : 3);
      if (status === 3) return -1;
      into[index++] = status;
    }
  }
  return at;
}

/** What {@link encodeTransportFeedback} needs. */
export interface TransportFeedbackFields {
  readonly senderSsrc: number;
  readonly mediaSsrc: number;
  readonly baseSequence: number;
  /** Taken modulo 256. */
  readonly feedbackCount: number;
  /** From `baseSequence` on: monotonic ms, `NaN` for what did not arrive. At least one arrived. */
  readonly arrivalsMs: ArrayLike<number>;
}

/** A feedback as bytes, and how much of what it was given went in. */
export interface EncodedTransportFeedback {
  readonly bytes: Uint8Array;
  /** Packets covered; fewer than given when two arrived more than 8 s apart, which no delta can say. */
  readonly packets: number;
}

/** Encodes a transport-wide feedback. draft-holmer-rmcat-transport-wide-cc-extensions-01 section 3.1. */
export function encodeTransportFeedback(fields: TransportFeedbackFields): EncodedTransportFeedback {
  const { arrivalsMs } = fields;
  const statuses: number[] = [];
  const deltas: number[] = [];
  let reference: number | undefined;
  let before = 0;
  for (let i = 0; i < arrivalsMs.length; i++) {
    const arrivalMs = arrivalsMs[i] as number;
    if (Number.isNaN(arrivalMs)) {
      statuses.push(STATUS.lost);
      continue;
    }
    // Rounded once and then subtracted, so that errors do not add up.
    const ticks = Math.round(arrivalMs * TICKS_PER_MS);
    if (reference === undefined) {
      reference = Math.floor(ticks / (REFERENCE_MS * TICKS_PER_MS));
      before = reference * REFERENCE_MS * TICKS_PER_MS;
    }
    const delta = ticks - before;
    if (delta < -0x8000 || delta > 0x7fff) break;
    before = ticks;
    statuses.push(delta >= 0 && delta <= 0xff ? STATUS.small : STATUS.large);
    deltas.push(delta);
  }
  const chunks = packStatuses(statuses);
  const deltaBytes = deltas.reduce((sum, delta) => sum + (delta >= 0 && delta <= 0xff ? 1 : 2), 0);
  const used = 20 + 2 * chunks.length + deltaBytes;
  const bytes = new Uint8Array(4 * Math.ceil(used / 4));
  writeHead(bytes, used, statuses.length, reference ?? 0, fields);
  let at = 20;
  for (const chunk of chunks) {
    writeU16(bytes, at, chunk);
    at += 2;
  }
  for (const delta of deltas) {
    if (delta >= 0 && delta <= 0xff) bytes[at++] = delta;
    else {
      writeU16(bytes, at, delta & 0xffff);
      at += 2;
    }
  }
  return { bytes, packets: statuses.length };
}

function writeHead(bytes: Uint8Array, used: number, count: number, reference: number, fields: TransportFeedbackFields) {
  const padding = bytes.length - used;
  bytes[0] = 0x80 | (padding > 0 ? 0x20 : 0) | TRANSPORT_FEEDBACK_FORMAT;
  bytes[1] = 205;
  writeU16(bytes, 2, bytes.length / 4 - 1);
  writeU32(bytes, 4, fields.senderSsrc);
  writeU32(bytes, 8, fields.mediaSsrc);
  writeU16(bytes, 12, fields.baseSequence);
  writeU16(bytes, 14, count);
  writeU24(bytes, 16, reference & 0xffffff);
  bytes[19] = fields.feedbackCount & 0xff;
  if (padding > 0) bytes[bytes.length - 1] = padding;
}

/** The fewest chunks for a list of statuses, chosen from left to right. */
function packStatuses(statuses: readonly number[]): number[] {
  const chunks: number[] = [];
  let at = 0;
  while (at < statuses.length) {
    const status = statuses[at] as number;
    let run = 1;
    while (run < RUN_LIMIT && statuses[at + run] === status) run++;
    const left = statuses.length - at;
    const oneBit = !statuses.slice(at, at + ONE_BIT_SYMBOLS).includes(STATUS.large);
    const inVector = Math.min(left, oneBit ? ONE_BIT_SYMBOLS : TWO_BIT_SYMBOLS);
    if (run >= inVector) {
      chunks.push((status << 13) | run);
      at += run;
    } else {
      chunks.push(vector(statuses, at, oneBit));
      at += inVector;
    }
  }
  return chunks;
}

function vector(statuses: readonly number[], at: number, oneBit: boolean): number {
  const bits = oneBit ? 1 : 2;
  let chunk = oneBit ? 0x8000 : 0xc000;
  for (let i = 0, shift = 14 - bits; shift >= 0; i++, shift -= bits) chunk |= (statuses[at + i] ?? 0) << shift;
  return chunk;
}
