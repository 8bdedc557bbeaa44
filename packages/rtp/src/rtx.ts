import { readU16, writeU16 } from "./bytes.ts";
import type { RtpPacket } from "./rtp-packet.ts";

/** Bytes that a retransmission carries before the original payload: the original sequence number. RFC 4588 section 4. */
export const RTX_HEADER_BYTES = 2;

/**
 * Turns the view of a retransmission into the view of the packet it repeats. RFC 4588 section 4. The bytes stay.
 *
 * @param packet - A parsed RTX packet; its sequence number, SSRC, payload type and payload bounds are changed.
 * @param primarySsrc - SSRC of the repaired stream.
 * @param payloadType - The payload type its `apt` names.
 * @returns False for one without an original number: padding, sent to probe.
 */
export function unwrapRtx(packet: RtpPacket, primarySsrc: number, payloadType: number): boolean {
  if (packet.payloadBytes < RTX_HEADER_BYTES) return false;
  packet.sequenceNumber = readU16(packet.bytes, packet.payloadOffset);
  packet.ssrc = primarySsrc;
  packet.payloadType = payloadType;
  packet.payloadOffset += RTX_HEADER_BYTES;
  packet.payloadBytes -= RTX_HEADER_BYTES;
  return true;
}

/**
 * Writes the original sequence number where a retransmission's payload begins. RFC 4588 section 4.
 *
 * @param at - Payload offset; the original payload follows at `at + RTX_HEADER_BYTES`.
 */
export function writeRtxHeader(bytes: Uint8Array, at: number, originalSequenceNumber: number): void {
  writeU16(bytes, at, originalSequenceNumber);
}
