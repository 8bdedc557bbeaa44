import { type PayloadInspector, RtpPacket } from "@lodeline/rtp";

/** Bytes from text: pairs of hex digits, white space ignored. */
export function hex(text: string): Uint8Array {
  const digits = text.replace(/\s/g, "");
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

/** A parsed view of bytes that must be a packet. */
export function parsed(bytes: Uint8Array): RtpPacket {
  const packet = new RtpPacket();
  if (!packet.parse(bytes)) throw new Error("not an RTP packet");
  return packet;
}

/** What an inspector would have found. */
export function found(fields: Partial<PayloadInspector>): PayloadInspector {
  return {
    keyFrame: false,
    pictureIdBits: 0,
    pictureId: 0,
    pictureIdOffset: 0,
    hasTl0PicIdx: false,
    tl0PicIdx: 0,
    tl0PicIdxOffset: 0,
    width: 0,
    height: 0,
    ...fields,
  } as PayloadInspector;
}
