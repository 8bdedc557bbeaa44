import { readU16, readU24, readU32 } from "./bytes.ts";
import { parseTransportFeedback, TRANSPORT_FEEDBACK_FORMAT, type TransportFeedback } from "./transport-feedback.ts";

/** Packet types. RFC 3550 section 12.1, RFC 4585 section 6.1. */
export const RTCP_TYPE = {
  senderReport: 200,
  receiverReport: 201,
  sourceDescription: 202,
  bye: 203,
  transportFeedback: 205,
  payloadFeedback: 206,
} as const;

/** Feedback formats used here. RFC 4585 sections 6.2.1 and 6.3.1, RFC 5104 section 4.3.1, REMB draft section 2.2. */
export const RTCP_FORMAT = { nack: 1, pli: 1, fir: 4, applicationLayer: 15 } as const;

/** What a receiver says of one SSRC. RFC 3550 section 6.4.1. */
export interface ReportBlock {
  readonly ssrc: number;
  /** Share lost since the last report, in 1/256. */
  readonly fractionLost: number;
  /** Lost since the beginning; signed 24 bits, duplicates make it negative. */
  readonly cumulativeLost: number;
  /** Highest sequence number received, with the count of cycles in the upper 16 bits. */
  readonly highestSequence: number;
  /** Interarrival jitter in ticks of the payload's clock. */
  readonly jitter: number;
  /** Middle 32 bits of the NTP time of the last sender report, 0 when there was none. */
  readonly lastSenderReport: number;
  /** Delay since that report, in 1/65536 s. */
  readonly delaySinceLastSenderReport: number;
}

/** One packet of an RTCP compound, parsed. */
export type RtcpPacket =
  | {
      readonly kind: "sender-report";
      readonly ssrc: number;
      /** NTP time: seconds since 1900 in the upper, 2^-32 s in the lower word. */
      readonly ntpSeconds: number;
      readonly ntpFraction: number;
      readonly rtpTimestamp: number;
      readonly packetCount: number;
      readonly octetCount: number;
      readonly blocks: readonly ReportBlock[];
    }
  | { readonly kind: "receiver-report"; readonly ssrc: number; readonly blocks: readonly ReportBlock[] }
  | {
      readonly kind: "source-description";
      readonly chunks: readonly { readonly ssrc: number; readonly cname: string | undefined }[];
    }
  | { readonly kind: "bye"; readonly ssrcs: readonly number[] }
  | {
      readonly kind: "nack";
      readonly senderSsrc: number;
      readonly mediaSsrc: number;
      readonly sequenceNumbers: readonly number[];
    }
  | { readonly kind: "pli"; readonly senderSsrc: number; readonly mediaSsrc: number }
  | {
      readonly kind: "fir";
      readonly senderSsrc: number;
      readonly entries: readonly { readonly ssrc: number; readonly commandSequence: number }[];
    }
  | {
      readonly kind: "remb";
      readonly senderSsrc: number;
      readonly bitrateBps: number;
      readonly ssrcs: readonly number[];
    }
  | ({ readonly kind: "transport-feedback" } & TransportFeedback);

/**
 * Parses a compound or a reduced-size RTCP packet. RFC 3550 section 6.1, RFC 5506.
 *
 * @param bytes - Unprotected.
 * @returns What was understood, in order; unknown types are skipped, a malformed one ends the list.
 */
export function parseRtcp(bytes: Uint8Array): RtcpPacket[] {
  const packets: RtcpPacket[] = [];
  let at = 0;
  while (at + 4 <= bytes.length) {
    const first = bytes[at] as number;
    if (first >> 6 !== 2) break;
    const end = at + 4 * (readU16(bytes, at + 2) + 1);
    if (end > bytes.length) break;
    const padding = (first & 0x20) !== 0 ? (bytes[end - 1] as number) : 0;
    const bodyEnd = end - padding;
    if (bodyEnd < at + 4) break;
    const packet = parseOne(bytes, at, bodyEnd, first & 0x1f, bytes[at + 1] as number);
    if (packet) packets.push(packet);
    at = end;
  }
  return packets;
}

function parseOne(bytes: Uint8Array, at: number, end: number, count: number, type: number): RtcpPacket | undefined {
  switch (type) {
    case RTCP_TYPE.senderReport:
      return parseSenderReport(bytes, at, end, count);
    case RTCP_TYPE.receiverReport:
      if (at + 8 > end) return undefined;
      return { kind: "receiver-report", ssrc: readU32(bytes, at + 4), blocks: parseBlocks(bytes, at + 8, end, count) };
    case RTCP_TYPE.sourceDescription:
      return parseSourceDescription(bytes, at + 4, end, count);
    case RTCP_TYPE.bye:
      return parseBye(bytes, at + 4, end, count);
    case RTCP_TYPE.transportFeedback:
      return parseRtpFeedback(bytes, at, end, count);
    case RTCP_TYPE.payloadFeedback:
      return parsePayloadFeedback(bytes, at, end, count);
    default:
      return undefined;
  }
}

function parseSenderReport(bytes: Uint8Array, at: number, end: number, count: number): RtcpPacket | undefined {
  if (at + 28 > end) return undefined;
  return {
    kind: "sender-report",
    ssrc: readU32(bytes, at + 4),
    ntpSeconds: readU32(bytes, at + 8),
    ntpFraction: readU32(bytes, at + 12),
    rtpTimestamp: readU32(bytes, at + 16),
    packetCount: readU32(bytes, at + 20),
    octetCount: readU32(bytes, at + 24),
    blocks: parseBlocks(bytes, at + 28, end, count),
  };
}

function parseBlocks(bytes: Uint8Array, from: number, end: number, count: number): ReportBlock[] {
  const blocks: ReportBlock[] = [];
  for (let at = from; blocks.length < count && at + 24 <= end; at += 24) {
    blocks.push({
      ssrc: readU32(bytes, at),
      fractionLost: bytes[at + 4] as number,
      cumulativeLost: (readU24(bytes, at + 5) << 8) >> 8,
      highestSequence: readU32(bytes, at + 8),
      jitter: readU32(bytes, at + 12),
      lastSenderReport: readU32(bytes, at + 16),
      delaySinceLastSenderReport: readU32(bytes, at + 20),
    });
  }
  return blocks;
}

function parseSourceDescription(bytes: Uint8Array, from: number, end: number, count: number): RtcpPacket {
  const chunks: { ssrc: number; cname: string | undefined }[] = [];
  let at = from;
  while (chunks.length < count && at + 4 <= end) {
    const ssrc = readU32(bytes, at);
    let cname: string | undefined;
    at += 4;
    while (at < end && bytes[at] !== 0) {
      const lengthBytes = bytes[at + 1] ?? 0;
      if (at + 2 + lengthBytes > end) return { kind: "source-description", chunks };
      // Item 1 is CNAME. RFC 3550 section 6.5.1.
      if (bytes[at] === 1) cname = ascii(bytes, at + 2, lengthBytes);
      at += 2 + lengthBytes;
    }
    // Each chunk ends with at least one zero and is padded to a word.
    at += 4 - ((at - from) % 4);
    chunks.push({ ssrc, cname });
  }
  return { kind: "source-description", chunks };
}

function ascii(bytes: Uint8Array, at: number, lengthBytes: number): string {
  let text = "";
  for (let i = 0; i < lengthBytes; i++) text += String.fromCharCode(bytes[at + i] as number);
  return text;
}

function parseBye(bytes: Uint8Array, from: number, end: number, count: number): RtcpPacket {
  const ssrcs: number[] = [];
  for (let at = from; ssrcs.length < count && at + 4 <= end; at += 4) ssrcs.push(readU32(bytes, at));
  return { kind: "bye", ssrcs };
}

function parseRtpFeedback(bytes: Uint8Array, at: number, end: number, format: number): RtcpPacket | undefined {
  if (format === RTCP_FORMAT.nack) return parseNack(bytes, at, end);
  if (format !== TRANSPORT_FEEDBACK_FORMAT) return undefined;
  const feedback = parseTransportFeedback(bytes, at, end);
  return feedback && { kind: "transport-feedback", ...feedback };
}

function parseNack(bytes: Uint8Array, at: number, end: number): RtcpPacket | undefined {
  if (at + 12 > end) return undefined;
  const sequenceNumbers: number[] = [];
  for (let item = at + 12; item + 4 <= end; item += 4) {
    const first = readU16(bytes, item);
    const following = readU16(bytes, item + 2);
    sequenceNumbers.push(first);
    for (let bit = 0; bit < 16; bit++) {
      if ((following & (1 << bit)) !== 0) sequenceNumbers.push((first + bit + 1) & 0xffff);
    }
  }
  return { kind: "nack", senderSsrc: readU32(bytes, at + 4), mediaSsrc: readU32(bytes, at + 8), sequenceNumbers };
}

function parsePayloadFeedback(bytes: Uint8Array, at: number, end: number, format: number): RtcpPacket | undefined {
  if (at + 12 > end) return undefined;
  const senderSsrc = readU32(bytes, at + 4);
  if (format === RTCP_FORMAT.pli) return { kind: "pli", senderSsrc, mediaSsrc: readU32(bytes, at + 8) };
  if (format === RTCP_FORMAT.fir) return parseFir(bytes, at, end, senderSsrc);
  if (format === RTCP_FORMAT.applicationLayer) return parseRemb(bytes, at, end, senderSsrc);
  return undefined;
}

function parseFir(bytes: Uint8Array, at: number, end: number, senderSsrc: number): RtcpPacket {
  const entries: { ssrc: number; commandSequence: number }[] = [];
  for (let item = at + 12; item + 8 <= end; item += 8) {
    entries.push({ ssrc: readU32(bytes, item), commandSequence: bytes[item + 4] as number });
  }
  return { kind: "fir", senderSsrc, entries };
}

/** "REMB" in ASCII, the mark of this application-layer feedback. */
const REMB_MARK = 0x52454d42;

function parseRemb(bytes: Uint8Array, at: number, end: number, senderSsrc: number): RtcpPacket | undefined {
  if (at + 20 > end || readU32(bytes, at + 12) !== REMB_MARK) return undefined;
  const count = bytes[at + 16] as number;
  const packed = readU24(bytes, at + 17);
  const ssrcs: number[] = [];
  for (let item = at + 20; ssrcs.length < count && item + 4 <= end; item += 4) ssrcs.push(readU32(bytes, item));
  return { kind: "remb", senderSsrc, bitrateBps: (packed & 0x3ffff) * 2 ** (packed >> 18), ssrcs };
}
