import type { MonoMs } from "@lodeline/base";
import { writePictureId } from "@lodeline/rtp";
import type { SectionCodec } from "./sdp/codecs.ts";

/** What is needed to build a packet again. The bytes are the incoming packet's own. */
export interface SentPacket {
  bytes: Uint8Array;
  payloadOffset: number;
  payloadBytes: number;
  marker: boolean;
  codec: SectionCodec;
  timestamp: number;
  pictureIdBits: 0 | 7 | 15;
  pictureId: number;
  pictureIdOffset: number;
  hasTl0PicIdx: boolean;
  tl0PicIdx: number;
  tl0PicIdxOffset: number;
  /** The dependency descriptor that it had, where it had one. */
  descriptor: Uint8Array | undefined;
  /** When it was last repeated. */
  repeatedAtMs: MonoMs;
}

/** An entry to be filled in. */
export function blankPacket(codec: SectionCodec): SentPacket {
  return {
    bytes: new Uint8Array(0),
    payloadOffset: 0,
    payloadBytes: 0,
    marker: false,
    codec,
    timestamp: 0,
    pictureIdBits: 0,
    pictureId: 0,
    pictureIdOffset: 0,
    hasTl0PicIdx: false,
    tl0PicIdx: 0,
    tl0PicIdxOffset: 0,
    descriptor: undefined,
    repeatedAtMs: -Infinity,
  };
}

/**
 * Copies the payload and puts the rewritten picture numbers into the copy.
 *
 * @returns Where the packet ends.
 */
export function writePayload(out: Buffer, at: number, sent: SentPacket): number {
  const { bytes, payloadOffset, payloadBytes } = sent;
  out.set(bytes.subarray(payloadOffset, payloadOffset + payloadBytes), at);
  writePictureId(out, at + sent.pictureIdOffset, sent.pictureIdBits, sent.pictureId);
  if (sent.hasTl0PicIdx) out[at + sent.tl0PicIdxOffset] = sent.tl0PicIdx;
  return at + payloadBytes;
}
