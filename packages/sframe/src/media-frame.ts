import { join } from "./subtle.ts";

/** Codecs whose frames can be encrypted; see ADR 19 for the others. */
export type EncryptedCodec = "opus" | "vp8";

/** Bytes of a VP8 key frame that say what it is: tag, start code, width and height. RFC 6386 section 9.1. */
const VP8_KEY_FRAME_CLEAR = 10;
/** Of any other VP8 frame: its tag. */
const VP8_CLEAR = 3;

/**
 * How many bytes at the start of a frame stay readable: what the packetizer and the server look at, and no more. Of VP8
 * whether it is a key frame, and the picture's size then; of Opus nothing. They are authenticated all the same.
 *
 * Sender and receiver come to the same number, since it follows from the first byte, which is one of them. A frame that
 * has fewer is none.
 */
export function clearBytesOf(codec: EncryptedCodec, frame: Uint8Array): number {
  const first = frame[0];
  if (codec === "opus" || first === undefined) return 0;
  return (first & 1) === 0 ? VP8_KEY_FRAME_CLEAR : VP8_CLEAR;
}

/** Whether a frame is a VP8 key frame, by its start code (RFC 6386 section 9.1): no other codec's begins like it. */
export function isVp8KeyFrame(frame: Uint8Array): boolean {
  if (frame.length < VP8_KEY_FRAME_CLEAR) return false;
  return ((frame[0] as number) & 1) === 0 && frame[3] === 0x9d && frame[4] === 0x01 && frame[5] === 0x2a;
}

/** What is authenticated beside a frame: its readable bytes, and what it is a frame of, so that none passes for another. */
export function metadataOf(label: Uint8Array, clear: Uint8Array): Uint8Array<ArrayBuffer> {
  return join(Uint8Array.of(label.length), label, clear);
}
