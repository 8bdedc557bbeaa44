/** Whether a payload begins a key frame, for codecs whose descriptor is not rewritten. */

/** NAL unit types. RFC 6184 section 5.2, ITU-T H.264 table 7-1. */
const NAL = { sps: 7, stapA: 24 } as const;

/**
 * Whether an H.264 payload carries a sequence parameter set, alone or in an aggregate. RFC 6184 sections 5.6, 5.7.1.
 * Browsers send one before every IDR picture, and a decoder that starts there needs it: so it, not the IDR slice,
 * marks where a receiver may begin.
 */
export function h264StartsKeyFrame(bytes: Uint8Array, offset: number, lengthBytes: number): boolean {
  if (lengthBytes < 1) return false;
  const type = (bytes[offset] as number) & 0x1f;
  if (type === NAL.sps) return true;
  if (type !== NAL.stapA) return false;
  const end = offset + lengthBytes;
  let at = offset + 1;
  while (at + 3 <= end) {
    const sizeBytes = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
    if (((bytes[at + 2] as number) & 0x1f) === NAL.sps) return true;
    at += 2 + sizeBytes;
  }
  return false;
}

/**
 * Whether an AV1 payload is the first of a coded video sequence: the N bit of the aggregation header.
 * "RTP Payload Format For AV1" section 4.4.
 */
export function av1StartsKeyFrame(bytes: Uint8Array, offset: number, lengthBytes: number): boolean {
  return lengthBytes >= 1 && ((bytes[offset] as number) & 0x08) !== 0;
}
