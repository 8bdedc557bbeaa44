import { readU16 } from "./bytes.ts";

/** The VP9 payload descriptor. RFC 9628 section 4.2. Reusable. */
export class Vp9Descriptor {
  /** Bytes of descriptor before the VP9 data. */
  lengthBytes = 0;
  startOfFrame = false;
  endOfFrame = false;
  /** First packet of a picture that depends on no other: no inter-picture prediction, lowest spatial layer. */
  keyFrame = false;
  pictureIdBits: 0 | 7 | 15 = 0;
  pictureId = 0;
  /** Where the picture id stands, relative to the payload. */
  pictureIdOffset = 0;
  hasTl0PicIdx = false;
  tl0PicIdx = 0;
  tl0PicIdxOffset = 0;
  /** The layer indices are there. */
  hasLayers = false;
  temporalLayer = 0;
  spatialLayer = 0;
  /** Depends on another picture (P). */
  interPicture = false;
  /** Depends on the next lower spatial layer of its picture (D). */
  interLayer = false;
  /** What follows in higher temporal layers depends on none of theirs before it (U). */
  switchingUp = false;
  /** No higher spatial layer of its picture depends on it (Z). */
  notReference = false;
  /** Spatial layers by the scalability structure; 0 when there is none. */
  spatialCount = 0;
  /** Pixels of each, in pairs, as far as told. */
  readonly sizes = new Uint16Array(16);
  /** Pixels of the highest spatial layer, from the scalability structure; 0 when there is none. */
  width = 0;
  height = 0;

  /**
   * Looks at a payload.
   *
   * @returns False when it is not a well-formed VP9 payload.
   */
  parse(bytes: Uint8Array, offset: number, lengthBytes: number): boolean {
    this.#clear();
    const end = offset + lengthBytes;
    if (end > bytes.length || lengthBytes < 1) return false;
    const first = bytes[offset] as number;
    const predicted = (first & 0x40) !== 0;
    this.interPicture = predicted;
    this.notReference = (first & 0x01) !== 0;
    const layers = (first & 0x20) !== 0;
    const flexible = (first & 0x10) !== 0;
    this.startOfFrame = (first & 0x08) !== 0;
    this.endOfFrame = (first & 0x04) !== 0;
    let at = offset + 1;
    if ((first & 0x80) !== 0) at = this.#parsePictureId(bytes, offset, at, end);
    if (at >= 0 && layers) at = this.#parseLayers(bytes, offset, at, end, flexible);
    if (at >= 0 && flexible && predicted) at = skipReferences(bytes, at, end);
    if (at >= 0 && (first & 0x02) !== 0) at = this.#parseStructure(bytes, at, end);
    if (at < 0 || at > end) return false;
    this.lengthBytes = at - offset;
    this.keyFrame = !predicted && this.startOfFrame && this.spatialLayer === 0;
    return true;
  }

  #parsePictureId(bytes: Uint8Array, offset: number, at: number, end: number): number {
    if (at >= end) return -1;
    const long = ((bytes[at] as number) & 0x80) !== 0;
    if (long && at + 2 > end) return -1;
    this.pictureIdBits = long ? 15 : 7;
    this.pictureId = long ? readU16(bytes, at) & 0x7fff : (bytes[at] as number);
    this.pictureIdOffset = at - offset;
    return at + (long ? 2 : 1);
  }

  #parseLayers(bytes: Uint8Array, offset: number, at: number, end: number, flexible: boolean): number {
    if (at >= end) return -1;
    const value = bytes[at] as number;
    this.hasLayers = true;
    this.temporalLayer = value >> 5;
    this.switchingUp = (value & 0x10) !== 0;
    this.interLayer = (value & 0x01) !== 0;
    this.spatialLayer = (value >> 1) & 0x07;
    if (flexible) return at + 1;
    if (at + 2 > end) return -1;
    this.hasTl0PicIdx = true;
    this.tl0PicIdx = bytes[at + 1] as number;
    this.tl0PicIdxOffset = at + 1 - offset;
    return at + 2;
  }

  /** The scalability structure: sizes of the spatial layers, then a description of the picture group. */
  #parseStructure(bytes: Uint8Array, from: number, end: number): number {
    let at = from;
    if (at >= end) return -1;
    const head = bytes[at++] as number;
    const layerCount = (head >> 5) + 1;
    this.spatialCount = layerCount;
    if ((head & 0x10) !== 0) {
      if (at + 4 * layerCount > end) return -1;
      for (let i = 0; i < 2 * layerCount; i++) this.sizes[i] = readU16(bytes, at + 2 * i);
      this.width = readU16(bytes, at + 4 * (layerCount - 1));
      this.height = readU16(bytes, at + 4 * (layerCount - 1) + 2);
      at += 4 * layerCount;
    }
    if ((head & 0x08) !== 0) {
      if (at >= end) return -1;
      const pictures = bytes[at++] as number;
      for (let i = 0; i < pictures; i++) {
        if (at >= end) return -1;
        at += 1 + (((bytes[at] as number) >> 2) & 0x03);
      }
    }
    return at;
  }

  #clear(): void {
    this.lengthBytes = 0;
    this.pictureIdBits = 0;
    this.pictureId = 0;
    this.pictureIdOffset = 0;
    this.hasTl0PicIdx = false;
    this.tl0PicIdx = 0;
    this.tl0PicIdxOffset = 0;
    this.hasLayers = false;
    this.temporalLayer = 0;
    this.spatialLayer = 0;
    this.interPicture = false;
    this.interLayer = false;
    this.switchingUp = false;
    this.notReference = false;
    this.spatialCount = 0;
    this.keyFrame = false;
    this.width = 0;
    this.height = 0;
  }
}

/** Up to three reference differences, each saying whether another follows. */
function skipReferences(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  for (let i = 0; i < 3; i++) {
    if (at >= end) return -1;
    const more = ((bytes[at++] as number) & 0x01) !== 0;
    if (!more) return at;
  }
  return at;
}
