import { writeU16, writeU24, writeU32 } from "./bytes.ts";
import { type ReportBlock, RTCP_FORMAT, RTCP_TYPE } from "./rtcp.ts";

/** What {@link encodeSenderReport} needs. RFC 3550 section 6.4.1. */
export interface SenderReportFields {
  readonly ssrc: number;
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
  /** At most 31. */
  readonly blocks?: readonly ReportBlock[];
}

/** A sender report. RFC 3550 section 6.4.1. */
export function encodeSenderReport(fields: SenderReportFields): Uint8Array {
  const blocks = fields.blocks ?? [];
  const bytes = packet(RTCP_TYPE.senderReport, blocks.length, 28 + 24 * blocks.length);
  writeU32(bytes, 4, fields.ssrc);
  writeU32(bytes, 8, fields.ntpSeconds);
  writeU32(bytes, 12, fields.ntpFraction);
  writeU32(bytes, 16, fields.rtpTimestamp);
  writeU32(bytes, 20, fields.packetCount);
  writeU32(bytes, 24, fields.octetCount);
  writeBlocks(bytes, 28, blocks);
  return bytes;
}

/**
 * A receiver report. RFC 3550 section 6.4.2.
 *
 * @param blocks - At most 31.
 */
export function encodeReceiverReport(ssrc: number, blocks: readonly ReportBlock[]): Uint8Array {
  const bytes = packet(RTCP_TYPE.receiverReport, blocks.length, 8 + 24 * blocks.length);
  writeU32(bytes, 4, ssrc);
  writeBlocks(bytes, 8, blocks);
  return bytes;
}

function writeBlocks(bytes: Uint8Array, from: number, blocks: readonly ReportBlock[]): void {
  let at = from;
  for (const block of blocks) {
    writeU32(bytes, at, block.ssrc);
    bytes[at + 4] = block.fractionLost;
    writeU24(bytes, at + 5, block.cumulativeLost);
    writeU32(bytes, at + 8, block.highestSequence);
    writeU32(bytes, at + 12, block.jitter);
    writeU32(bytes, at + 16, block.lastSenderReport);
    writeU32(bytes, at + 20, block.delaySinceLastSenderReport);
    at += 24;
  }
}

/**
 * A source description with one CNAME. RFC 3550 section 6.5.
 *
 * @param cname - ASCII, at most 255 characters.
 */
export function encodeSourceDescription(ssrc: number, cname: string): Uint8Array {
  const itemBytes = 2 + cname.length;
  // At least one zero ends the chunk, and it is padded to a word.
  const chunkBytes = 4 * Math.ceil((4 + itemBytes + 1) / 4);
  const bytes = packet(RTCP_TYPE.sourceDescription, 1, 4 + chunkBytes);
  writeU32(bytes, 4, ssrc);
  bytes[8] = 1;
  bytes[9] = cname.length;
  for (let i = 0; i < cname.length; i++) bytes[10 + i] = cname.charCodeAt(i);
  return bytes;
}

/**
 * A goodbye. RFC 3550 section 6.6.
 *
 * @param ssrcs - 1 .. 31.
 */
export function encodeBye(ssrcs: readonly number[]): Uint8Array {
  const bytes = packet(RTCP_TYPE.bye, ssrcs.length, 4 + 4 * ssrcs.length);
  for (const [index, ssrc] of ssrcs.entries()) writeU32(bytes, 4 + 4 * index, ssrc);
  return bytes;
}

/**
 * A request to send packets again. RFC 4585 section 6.2.1.
 *
 * @param sequenceNumbers - Ascending on the 16-bit circle, at least one.
 */
export function encodeNack(senderSsrc: number, mediaSsrc: number, sequenceNumbers: readonly number[]): Uint8Array {
  const items: { first: number; following: number }[] = [];
  for (const sequenceNumber of sequenceNumbers) {
    const last = items.at(-1);
    const ahead = last === undefined ? 0 : (sequenceNumber - last.first) & 0xffff;
    if (last !== undefined && ahead >= 1 && ahead <= 16) last.following |= 1 << (ahead - 1);
    else items.push({ first: sequenceNumber, following: 0 });
  }
  const bytes = packet(RTCP_TYPE.transportFeedback, RTCP_FORMAT.nack, 12 + 4 * items.length);
  writeU32(bytes, 4, senderSsrc);
  writeU32(bytes, 8, mediaSsrc);
  for (const [index, item] of items.entries()) {
    writeU16(bytes, 12 + 4 * index, item.first);
    writeU16(bytes, 14 + 4 * index, item.following);
  }
  return bytes;
}

/** A picture loss indication. RFC 4585 section 6.3.1. */
export function encodePli(senderSsrc: number, mediaSsrc: number): Uint8Array {
  const bytes = packet(RTCP_TYPE.payloadFeedback, RTCP_FORMAT.pli, 12);
  writeU32(bytes, 4, senderSsrc);
  writeU32(bytes, 8, mediaSsrc);
  return bytes;
}

/**
 * A full intra request. RFC 5104 section 4.3.1.
 *
 * @param commandSequence - 0 .. 255; a repeated number is a repetition, not a new request.
 */
export function encodeFir(senderSsrc: number, mediaSsrc: number, commandSequence: number): Uint8Array {
  const bytes = packet(RTCP_TYPE.payloadFeedback, RTCP_FORMAT.fir, 20);
  writeU32(bytes, 4, senderSsrc);
  writeU32(bytes, 12, mediaSsrc);
  bytes[16] = commandSequence;
  return bytes;
}

/**
 * A receiver's estimated maximum bitrate. draft-alvestrand-rmcat-remb section 2.2.
 *
 * @param bitrateBps - Rounded down to 18 significant bits.
 * @param ssrcs - The streams it covers, at most 255.
 */
export function encodeRemb(senderSsrc: number, bitrateBps: number, ssrcs: readonly number[]): Uint8Array {
  let exponent = 0;
  let mantissa = Math.floor(bitrateBps);
  while (mantissa > 0x3ffff) {
    mantissa = Math.floor(mantissa / 2);
    exponent++;
  }
  const bytes = packet(RTCP_TYPE.payloadFeedback, RTCP_FORMAT.applicationLayer, 20 + 4 * ssrcs.length);
  writeU32(bytes, 4, senderSsrc);
  writeU32(bytes, 12, 0x52454d42);
  bytes[16] = ssrcs.length;
  writeU24(bytes, 17, (exponent << 18) | mantissa);
  for (const [index, ssrc] of ssrcs.entries()) writeU32(bytes, 20 + 4 * index, ssrc);
  return bytes;
}

/** Joins packets into one compound. RFC 3550 section 6.1. */
export function joinRtcp(packets: readonly Uint8Array[]): Uint8Array {
  let lengthBytes = 0;
  for (const each of packets) lengthBytes += each.length;
  const bytes = new Uint8Array(lengthBytes);
  let at = 0;
  for (const each of packets) {
    bytes.set(each, at);
    at += each.length;
  }
  return bytes;
}

function packet(type: number, count: number, lengthBytes: number): Uint8Array {
  const bytes = new Uint8Array(lengthBytes);
  bytes[0] = 0x80 | count;
  bytes[1] = type;
  writeU16(bytes, 2, lengthBytes / 4 - 1);
  return bytes;
}
