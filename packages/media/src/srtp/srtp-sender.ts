import { SequenceUnwrapper } from "@lodeline/rtp";
import {
  applyCounterMode,
  authenticationTag,
  sealGcm,
  tagBytes,
  writeCounterBlock,
  writeGcmRtcpNonce,
  writeGcmRtpNonce,
} from "./srtp-cipher.ts";
import { deriveSessionKeys, isGcm, type SessionKeys, type SrtpMaster, type SrtpProfile } from "./srtp-keys.ts";

/** Protects one direction of SRTP and SRTCP in place. RFC 3711, RFC 7714. */
export class SrtpSender {
  readonly #profile: SrtpProfile;
  readonly #rtp: SessionKeys;
  readonly #rtcp: SessionKeys;
  readonly #sources = new Map<number, SequenceUnwrapper>();
  readonly #nonce = Buffer.alloc(12);
  readonly #counter = Buffer.alloc(16);
  readonly #rollover = Buffer.alloc(4);
  #rtcpIndex = 0;

  constructor(profile: SrtpProfile, master: SrtpMaster) {
    this.#profile = profile;
    this.#rtp = deriveSessionKeys(profile, master, "rtp");
    this.#rtcp = deriveSessionKeys(profile, master, "rtcp");
  }

  /** Bytes that protecting adds to an RTP packet. */
  get overheadBytes(): number {
    return tagBytes(this.#profile);
  }

  /**
   * Protects an RTP packet in place. RFC 3711 section 3.3.
   * A sequence number of an SSRC must never carry two different packets: both ciphers break then.
   *
   * @param bytes - The packet from 0 to `lengthBytes`, with {@link overheadBytes} of room after it.
   * @param payloadOffset - Where the payload begins.
   * @returns The protected length in bytes.
   */
  protectRtp(bytes: Buffer, payloadOffset: number, lengthBytes: number, ssrc: number, sequenceNumber: number): number {
    let source = this.#sources.get(ssrc);
    if (source === undefined) {
      source = new SequenceUnwrapper();
      this.#sources.set(ssrc, source);
    }
    const index = source.unwrap(sequenceNumber);
    if (isGcm(this.#profile)) {
      writeGcmRtpNonce(this.#nonce, this.#rtp.salt, ssrc, index);
      sealGcm(this.#rtp, this.#nonce, bytes.subarray(0, payloadOffset), bytes, payloadOffset, lengthBytes);
      return lengthBytes + 16;
    }
    writeCounterBlock(this.#counter, this.#rtp.salt, ssrc, index);
    applyCounterMode(this.#rtp, this.#counter, bytes, payloadOffset, lengthBytes);
    this.#rollover.writeUInt32BE(Math.floor(index / 65536));
    bytes.set(authenticationTag(this.#rtp, bytes.subarray(0, lengthBytes), this.#rollover), lengthBytes);
    return lengthBytes + 10;
  }

  /**
   * Protects an RTCP compound. RFC 3711 section 3.4, RFC 7714 section 9.
   *
   * @param compound - At least 8 bytes; copied.
   */
  protectRtcp(compound: Uint8Array): Buffer {
    const index = this.#rtcpIndex++ & 0x7fffffff;
    const tag = tagBytes(this.#profile);
    const bytes = Buffer.alloc(compound.length + tag + 4);
    bytes.set(compound);
    const ssrc = bytes.readUInt32BE(4);
    const word = (0x80000000 | index) >>> 0;
    if (isGcm(this.#profile)) {
      bytes.writeUInt32BE(word, bytes.length - 4);
      const additional = Buffer.concat([bytes.subarray(0, 8), bytes.subarray(bytes.length - 4)]);
      writeGcmRtcpNonce(this.#nonce, this.#rtcp.salt, ssrc, index);
      sealGcm(this.#rtcp, this.#nonce, additional, bytes, 8, compound.length);
      return bytes;
    }
    writeCounterBlock(this.#counter, this.#rtcp.salt, ssrc, index);
    applyCounterMode(this.#rtcp, this.#counter, bytes, 8, compound.length);
    bytes.writeUInt32BE(word, compound.length);
    bytes.set(authenticationTag(this.#rtcp, bytes.subarray(0, compound.length + 4)), compound.length + 4);
    return bytes;
  }
}
