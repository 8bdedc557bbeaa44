import type { RtpPacket } from "./rtp-packet.ts";

/** Profile of one-byte header extensions. RFC 8285 section 4.2. */
export const ONE_BYTE_PROFILE = 0xbede;
/** Profile of two-byte header extensions, its low four bits are free. RFC 8285 section 4.3. */
export const TWO_BYTE_PROFILE = 0x1000;

/** Where {@link findExtension} found an element. Reused by the caller from packet to packet. */
export interface ExtensionPlace {
  /** Where the element's data begins within the packet's bytes. */
  offset: number;
  /** Bytes of data; a two-byte element may have 0. */
  lengthBytes: number;
}

/**
 * Finds one header extension element, whichever of the two forms the packet uses. RFC 8285 section 4.
 *
 * @param packet - A parsed packet.
 * @param id - The negotiated id, 1 .. 14 (one-byte form) or 1 .. 255 (two-byte form).
 * @param place - Filled in when found.
 * @returns Whether the packet carries that element. Malformed elements end the search.
 */
export function findExtension(packet: RtpPacket, id: number, place: ExtensionPlace): boolean {
  if (packet.extensionBytes === 0) return false;
  if (packet.extensionProfile === ONE_BYTE_PROFILE) return findOneByte(packet, id, place);
  if ((packet.extensionProfile & 0xfff0) === TWO_BYTE_PROFILE) return findTwoByte(packet, id, place);
  return false;
}

function findOneByte(packet: RtpPacket, id: number, place: ExtensionPlace): boolean {
  const { bytes } = packet;
  let at = packet.extensionOffset;
  const end = at + packet.extensionBytes;
  while (at < end) {
    const head = bytes[at] as number;
    // A zero byte is padding between elements.
    if (head === 0) {
      at++;
      continue;
    }
    const elementId = head >> 4;
    // Id 15 is reserved and ends the search.
    if (elementId === 15) return false;
    const lengthBytes = (head & 0x0f) + 1;
    if (at + 1 + lengthBytes > end) return false;
    if (elementId === id) {
      place.offset = at + 1;
      place.lengthBytes = lengthBytes;
      return true;
    }
    at += 1 + lengthBytes;
  }
  return false;
}

function findTwoByte(packet: RtpPacket, id: number, place: ExtensionPlace): boolean {
  const { bytes } = packet;
  let at = packet.extensionOffset;
  const end = at + packet.extensionBytes;
  while (at < end) {
    const elementId = bytes[at] as number;
    if (elementId === 0) {
      at++;
      continue;
    }
    if (at + 2 > end) return false;
    const lengthBytes = bytes[at + 1] as number;
    if (at + 2 + lengthBytes > end) return false;
    if (elementId === id) {
      place.offset = at + 2;
      place.lengthBytes = lengthBytes;
      return true;
    }
    at += 2 + lengthBytes;
  }
  return false;
}

/**
 * The text of an element such as a MID or a RID: ASCII. RFC 9143 section 15, RFC 8852 section 3.
 *
 * @returns The text, or `undefined` when the packet does not carry the element.
 */
export function readTextExtension(packet: RtpPacket, id: number, place: ExtensionPlace): string | undefined {
  if (!findExtension(packet, id, place)) return undefined;
  let text = "";
  for (let i = 0; i < place.lengthBytes; i++) text += String.fromCharCode(packet.bytes[place.offset + i] as number);
  return text;
}

/**
 * The transport-wide sequence number. draft-holmer-rmcat-transport-wide-cc-extensions-01 section 2.
 *
 * @returns 0 .. 65535, or -1 when the packet carries none.
 */
export function readTransportSequence(packet: RtpPacket, id: number, place: ExtensionPlace): number {
  if (!findExtension(packet, id, place) || place.lengthBytes < 2) return -1;
  return ((packet.bytes[place.offset] as number) << 8) | (packet.bytes[place.offset + 1] as number);
}

/** A voice activity flag and a level, as a sender measured them. RFC 6464. */
export interface AudioLevel {
  readonly voice: boolean;
  /** -dBov: 0 is the loudest, 127 is silence. */
  readonly levelDbov: number;
}

/** Reads the client-to-mixer audio level. RFC 6464 section 3. */
export function readAudioLevel(packet: RtpPacket, id: number, place: ExtensionPlace): AudioLevel | undefined {
  if (!findExtension(packet, id, place) || place.lengthBytes < 1) return undefined;
  const value = packet.bytes[place.offset] as number;
  return { voice: (value & 0x80) !== 0, levelDbov: value & 0x7f };
}

/**
 * Builds the extension block of outgoing packets in place: {@link open}, any number of `add…`,
 * {@link close}. One writer serves a whole transport.
 */
export class ExtensionWriter {
  #into: Uint8Array = new Uint8Array(0);
  #start = 0;
  #at = 0;
  #twoByte = false;

  /**
   * Starts a block at `offset` of `into`, which needs room for 4 bytes, the elements and 3 bytes of padding.
   *
   * @param twoByte - In the two-byte form, for elements of more than 16 bytes; where both sides agreed to mix the forms.
   */
  open(into: Uint8Array, offset: number, twoByte = false): void {
    this.#twoByte = twoByte;
    this.#into = into;
    this.#start = offset;
    this.#at = offset + 4;
  }

  #head(id: number, lengthBytes: number): void {
    if (!this.#twoByte) {
      this.#into[this.#at++] = (id << 4) | (lengthBytes - 1);
      return;
    }
    this.#into[this.#at++] = id;
    this.#into[this.#at++] = lengthBytes;
  }

  /**
   * Adds one element.
   *
   * @param id - 1 .. 14.
   * @param data - 1 .. 16 bytes, up to 255 in the two-byte form; copied.
   */
  add(id: number, data: Uint8Array): void {
    this.#head(id, data.length);
    this.#into.set(data, this.#at);
    this.#at += data.length;
  }

  /** Adds an element of one byte, such as an audio level. */
  addByte(id: number, value: number): void {
    this.#head(id, 1);
    this.#into[this.#at++] = value;
  }

  /**
   * Adds an element of two bytes, such as a transport-wide sequence number.
   *
   * @returns Where its data lies, for a number that is known only when the packet leaves.
   */
  addU16(id: number, value: number): number {
    this.#head(id, 2);
    this.#into[this.#at++] = (value >>> 8) & 0xff;
    this.#into[this.#at++] = value & 0xff;
    return this.#at - 2;
  }

  /** Adds an element of three bytes, such as an absolute send time. */
  addU24(id: number, value: number): void {
    this.#head(id, 3);
    this.#into[this.#at++] = (value >>> 16) & 0xff;
    this.#into[this.#at++] = (value >>> 8) & 0xff;
    this.#into[this.#at++] = value & 0xff;
  }

  /**
   * Pads to four bytes and writes the block's head.
   *
   * @returns Where the payload begins; `offset` of {@link open} when no element was added, so that no block is sent.
   */
  close(): number {
    let lengthBytes = this.#at - this.#start - 4;
    if (lengthBytes === 0) return this.#start;
    while (lengthBytes % 4 !== 0) {
      this.#into[this.#at++] = 0;
      lengthBytes++;
    }
    const profile = this.#twoByte ? TWO_BYTE_PROFILE : ONE_BYTE_PROFILE;
    this.#into[this.#start] = profile >> 8;
    this.#into[this.#start + 1] = profile & 0xff;
    this.#into[this.#start + 2] = (lengthBytes / 4) >> 8;
    this.#into[this.#start + 3] = (lengthBytes / 4) & 0xff;
    return this.#at;
  }
}

/**
 * The absolute send time of a moment: 6.18 fixed-point seconds, wrapping every 64 s.
 * "RTP Header Extension for Absolute Sender Time" (webrtc.org experiments).
 *
 * @param nowMs - Monotonic ms.
 */
export function absoluteSendTime(nowMs: number): number {
  return Math.floor((nowMs / 1000) * 2 ** 18) % 2 ** 24;
}
