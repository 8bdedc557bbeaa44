import { readU16, writeU16 } from "./bytes.ts";

/** The VP8 payload descriptor and, on a key frame, the picture's size. RFC 7741 section 4.2. Reusable. */
export class Vp8Descriptor {
  /** Bytes of descriptor before the VP8 data. */
  lengthBytes = 0;
  /** First packet of a frame: start of partition 0. */
  startOfFrame = false;
  keyFrame = false;
  /** Width of a picture id: 0 (absent), 7 or 15 bits. */
  pictureIdBits: 0 | 7 | 15 = 0;
  pictureId = 0;
  /** Where the picture id stands, relative to the payload. */
  pictureIdOffset = 0;
  hasTl0PicIdx = false;
  tl0PicIdx = 0;
  tl0PicIdxOffset = 0;
  /** TID and Y are told. */
  hasTemporalLayer = false;
  temporalLayer = 0;
  /** Of the frames before it this one refers to none but the last of the lowest layer: a layer may be added here. */
  layerSync = false;
  /** Pixels; 0 unless this is the first packet of a key frame. */
  width = 0;
  height = 0;

  /**
   * Looks at a payload.
   *
   * @returns False when it is not a well-formed VP8 payload.
   */
  parse(bytes: Uint8Array, offset: number, lengthBytes: number): boolean {
    this.#clear();
    const end = offset + lengthBytes;
    if (end > bytes.length || lengthBytes < 1) return false;
    const first = bytes[offset] as number;
    let at = offset + 1;
    this.startOfFrame = (first & 0x10) !== 0 && (first & 0x07) === 0;
    if ((first & 0x80) !== 0) {
      at = this.#parseExtended(bytes, offset, at, end);
      if (at < 0) return false;
    }
    if (at > end) return false;
    this.lengthBytes = at - offset;
    if (this.startOfFrame && at < end) this.#parseHeader(bytes, at, end);
    return true;
  }

  #parseExtended(bytes: Uint8Array, offset: number, from: number, end: number): number {
    let at = from;
    if (at >= end) return -1;
    const flags = bytes[at++] as number;
    if ((flags & 0x80) !== 0) {
      if (at >= end) return -1;
      const long = ((bytes[at] as number) & 0x80) !== 0;
      if (long && at + 2 > end) return -1;
      this.pictureIdBits = long ? 15 : 7;
      this.pictureId = long ? readU16(bytes, at) & 0x7fff : (bytes[at] as number);
      this.pictureIdOffset = at - offset;
      at += long ? 2 : 1;
    }
    if ((flags & 0x40) !== 0) {
      if (at >= end) return -1;
      this.hasTl0PicIdx = true;
      this.tl0PicIdx = bytes[at] as number;
      this.tl0PicIdxOffset = at - offset;
      at++;
    }
    if ((flags & 0x30) !== 0) {
      if (at >= end) return -1;
      if ((flags & 0x20) !== 0) this.#parseLayer(bytes[at] as number);
      at++;
    }
    return at;
  }

  #parseLayer(byte: number): void {
    this.hasTemporalLayer = true;
    this.temporalLayer = byte >> 6;
    this.layerSync = (byte & 0x20) !== 0;
  }

  /** The VP8 frame header: bit 0 clear is a key frame, whose size follows a start code. RFC 6386 section 9.1. */
  #parseHeader(bytes: Uint8Array, at: number, end: number): void {
    this.keyFrame = ((bytes[at] as number) & 0x01) === 0;
    if (!this.keyFrame || at + 10 > end) return;
    if (bytes[at + 3] !== 0x9d || bytes[at + 4] !== 0x01 || bytes[at + 5] !== 0x2a) return;
    this.width = ((bytes[at + 6] as number) | ((bytes[at + 7] as number) << 8)) & 0x3fff;
    this.height = ((bytes[at + 8] as number) | ((bytes[at + 9] as number) << 8)) & 0x3fff;
  }

  #clear(): void {
    this.lengthBytes = 0;
    this.startOfFrame = false;
    this.keyFrame = false;
    this.pictureIdBits = 0;
    this.pictureId = 0;
    this.pictureIdOffset = 0;
    this.hasTl0PicIdx = false;
    this.tl0PicIdx = 0;
    this.tl0PicIdxOffset = 0;
    this.hasTemporalLayer = false;
    this.temporalLayer = 0;
    this.layerSync = false;
    this.width = 0;
    this.height = 0;
  }
}

/**
 * Writes a picture id in the width that the descriptor has. RFC 7741 section 4.2, RFC 9628 section 4.2.
 *
 * @param at - Where it stands in `bytes`.
 * @param bits - 7 or 15.
 */
export function writePictureId(bytes: Uint8Array, at: number, bits: 0 | 7 | 15, pictureId: number): void {
  if (bits === 15) writeU16(bytes, at, 0x8000 | (pictureId & 0x7fff));
  else if (bits === 7) bytes[at] = pictureId & 0x7f;
}
