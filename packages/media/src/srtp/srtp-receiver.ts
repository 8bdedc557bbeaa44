import { ReplayWindow, type RtpPacket, SequenceUnwrapper } from "@lodeline/rtp";
import {
  applyCounterMode,
  authenticationTag,
  openGcm,
  tagBytes,
  tagsEqual,
  writeCounterBlock,
  writeGcmRtcpNonce,
  writeGcmRtpNonce,
} from "./srtp-cipher.ts";
import { deriveSessionKeys, isGcm, type SessionKeys, type SrtpMaster, type SrtpProfile } from "./srtp-keys.ts";

/** Why a packet was not accepted, counted for statistics. */
export interface SrtpRefusals {
  /** Received before, or too old to know. */
  replayed: number;
  /** The tag does not fit, or the packet is too short. */
  forged: number;
}

/** At most this many SSRCs have replay state at a time: a peer cannot make us hold more. */
const SSRC_LIMIT = 256;

interface Source {
  readonly unwrapper: SequenceUnwrapper;
  readonly replay: ReplayWindow;
}

/** Unprotects one direction of SRTP and SRTCP, in place, behind replay windows. RFC 3711, RFC 7714. */
export class SrtpReceiver {
  readonly #profile: SrtpProfile;
  readonly #rtp: SessionKeys;
  readonly #rtcp: SessionKeys;
  readonly #sources = new Map<number, Source>();
  readonly #rtcpReplay = new Map<number, ReplayWindow>();
  readonly #nonce = Buffer.alloc(12);
  readonly #counter = Buffer.alloc(16);
  readonly #rollover = Buffer.alloc(4);
  /** What was refused so far. */
  readonly refusals: SrtpRefusals = { replayed: 0, forged: 0 };

  constructor(profile: SrtpProfile, master: SrtpMaster) {
    this.#profile = profile;
    this.#rtp = deriveSessionKeys(profile, master, "rtp");
    this.#rtcp = deriveSessionKeys(profile, master, "rtcp");
  }

  /**
   * Unprotects an RTP packet in place. RFC 3711 section 3.3.
   *
   * @param bytes - The datagram; changed only when it is authentic.
   * @param packet - Already parsed as a header over `bytes`.
   * @returns The plain packet's length in bytes, or -1.
   */
  unprotectRtp(bytes: Buffer, packet: RtpPacket): number {
    const source = this.#sourceOf(packet.ssrc);
    // RFC 3711 section 3.3.1: the index nearest to the newest one. Before the first packet the rollover counter is 0.
    const index = source.unwrapper.peek(packet.sequenceNumber);
    if (!source.replay.check(index)) {
      this.refusals.replayed++;
      return -1;
    }
    const end = bytes.length - tagBytes(this.#profile);
    if (end < packet.payloadOffset || !this.#openRtp(bytes, packet, index, end)) {
      this.refusals.forged++;
      return -1;
    }
    source.unwrapper.unwrap(packet.sequenceNumber);
    source.replay.commit(index);
    if (!this.#sources.has(packet.ssrc)) this.#keep(packet.ssrc, source);
    return end;
  }

  /** Whether authentic packets of this source have come: a cheap question before an expensive one. */
  knows(ssrc: number): boolean {
    return this.#sources.has(ssrc) || this.#rtcpReplay.has(ssrc);
  }

  #openRtp(bytes: Buffer, packet: RtpPacket, index: number, end: number): boolean {
    if (isGcm(this.#profile)) {
      writeGcmRtpNonce(this.#nonce, this.#rtp.salt, packet.ssrc, index);
      return openGcm(this.#rtp, this.#nonce, bytes.subarray(0, packet.payloadOffset), bytes, packet.payloadOffset, end);
    }
    this.#rollover.writeUInt32BE(Math.floor(index / 65536));
    const expected = authenticationTag(this.#rtp, bytes.subarray(0, end), this.#rollover);
    if (!tagsEqual(expected, bytes.subarray(end))) return false;
    writeCounterBlock(this.#counter, this.#rtp.salt, packet.ssrc, index);
    applyCounterMode(this.#rtp, this.#counter, bytes, packet.payloadOffset, end);
    return true;
  }

  #sourceOf(ssrc: number): Source {
    return this.#sources.get(ssrc) ?? { unwrapper: new SequenceUnwrapper(), replay: new ReplayWindow() };
  }

  #keep(ssrc: number, source: Source): void {
    if (this.#sources.size >= SSRC_LIMIT) return;
    this.#sources.set(ssrc, source);
  }

  /**
   * Unprotects an RTCP packet. RFC 3711 section 3.4, RFC 7714 section 9.
   *
   * @param bytes - The datagram; changed only when it is authentic.
   * @returns The plain compound, a part of `bytes`, or `undefined`.
   */
  unprotectRtcp(bytes: Buffer): Buffer | undefined {
    const gcm = isGcm(this.#profile);
    if (bytes.length < 12 + tagBytes(this.#profile)) {
      this.refusals.forged++;
      return undefined;
    }
    const ssrc = bytes.readUInt32BE(4);
    const wordAt = gcm ? bytes.length - 4 : bytes.length - 4 - 10;
    const word = bytes.readUInt32BE(wordAt);
    const index = word & 0x7fffffff;
    const replay = this.#rtcpReplay.get(ssrc) ?? new ReplayWindow(128);
    if (!replay.check(index)) {
      this.refusals.replayed++;
      return undefined;
    }
    const encrypted = word >>> 31 === 1;
    const plain = gcm
      ? this.#openRtcpGcm(bytes, ssrc, index, encrypted)
      : this.#openRtcpCounter(bytes, ssrc, index, encrypted);
    if (plain === undefined) {
      this.refusals.forged++;
      return undefined;
    }
    replay.commit(index);
    if (this.#rtcpReplay.size < SSRC_LIMIT) this.#rtcpReplay.set(ssrc, replay);
    return plain;
  }

  #openRtcpGcm(bytes: Buffer, ssrc: number, index: number, encrypted: boolean): Buffer | undefined {
    // RTCP in clear is authenticated as a whole (RFC 7714 section 9.3); browsers never send it.
    if (!encrypted) return undefined;
    const end = bytes.length - 4 - 16;
    const additional = Buffer.concat([bytes.subarray(0, 8), bytes.subarray(bytes.length - 4)]);
    writeGcmRtcpNonce(this.#nonce, this.#rtcp.salt, ssrc, index);
    return openGcm(this.#rtcp, this.#nonce, additional, bytes, 8, end) ? bytes.subarray(0, end) : undefined;
  }

  #openRtcpCounter(bytes: Buffer, ssrc: number, index: number, encrypted: boolean): Buffer | undefined {
    const end = bytes.length - 10;
    if (!tagsEqual(authenticationTag(this.#rtcp, bytes.subarray(0, end)), bytes.subarray(end))) return undefined;
    if (encrypted) {
      writeCounterBlock(this.#counter, this.#rtcp.salt, ssrc, index);
      applyCounterMode(this.#rtcp, this.#counter, bytes, 8, end - 4);
    }
    return bytes.subarray(0, end - 4);
  }
}
