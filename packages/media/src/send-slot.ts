import { integer, type MonoMs, type Random } from "@lodeline/base";
import {
  BITRATE_METER_FIELDS,
  BitrateMeter,
  ExtensionWriter,
  encodeDescriptor,
  PacketCache,
  type PacketUrgency,
  type PayloadInspector,
  REWRITER_FIELDS,
  type ReportBlock,
  RTP_HEADER_BYTES,
  RTX_HEADER_BYTES,
  type RtpPacket,
  type ScalableLayers,
  StreamRewriter,
  sequenceDistance,
  writeRtpHeader,
  writeRtxHeader,
} from "@lodeline/rtp";
import type { IncomingStream } from "./incoming-stream.ts";
import type { BuiltPacket, RtpEgress } from "./rtp-egress.ts";
import type { SectionCodec } from "./sdp/codecs.ts";
import type { Section } from "./sdp/section.ts";
import { blankPacket, type SentPacket, writePayload } from "./sent-packet.ts";
import { type SlotCounters, SlotReports } from "./slot-reports.ts";

/** Packets kept for retransmission: about 2 s of 3 Mbit/s video. */
const CACHE_PACKETS = 512;

/** A packet is not sent again sooner than this, or than the round trip: the first repetition may be under way. */
const RESEND_INTERVAL_MS = 20;

/** A longer header extension element needs the two-byte form. RFC 8285 section 4.2. */
const ONE_BYTE_LIMIT = 16;

/** Ticks per second of what is sent. RFC 7587 section 4.1; every video payload format here has 90 kHz. */
const CLOCK_RATE = { audio: 48_000, video: 90_000 } as const;

/** Numbers in the record of a {@link SendSlot}: the rewriter's, the meter's, then {@link FIELD}. */
const OWN = REWRITER_FIELDS + BITRATE_METER_FIELDS;

/** Where the record of a slot has what; -1 stands for none yet. */
const FIELD = {
  packets: OWN,
  octets: OWN + 1,
  bytes: OWN + 2,
  lastSentAtMs: OWN + 3,
  lastKeyFrame: OWN + 4,
  rtxSequence: OWN + 5,
} as const;

/** Numbers in the record of a {@link SendSlot}. */
export const SLOT_FIELDS = OWN + 6;

/** How a packet is forwarded, where not just as it came. */
export interface ForwardAs {
  /** Fault injection: everything is done but sending. */
  readonly dropped: boolean;
  /** It only fills its number: it goes without payload. */
  readonly blank?: boolean | undefined;
  /** In place of the packet's own. */
  readonly marker?: boolean | undefined;
  /** In place of the payload's own, not cut to its width. */
  readonly pictureId?: number | undefined;
  /** The stream's layers, whose last packet this is, where the receiver may be told its dependency descriptor. */
  readonly described?: ScalableLayers | undefined;
  /** The decode targets that the receiver gets; `undefined`: as the sender says. */
  readonly activeTargets?: number | undefined;
}

/**
 * One sending section: a fixed SSRC and RTX SSRC into which any source can be put, one after the other. What makes
 * the stream continuous lives here and not in the forwarder, so a slot may be given to another publication without
 * the receiver noticing more than a new picture. RFC 3550, RFC 4588. What changes with every packet is in its record, so
 * that whatever moves the packets can go on where another stopped.
 */
export class SendSlot {
  readonly mid: string;
  readonly kind: "audio" | "video";
  readonly ssrc: number;
  readonly rtxSsrc: number | undefined;
  /** {@link SLOT_FIELDS} numbers. */
  readonly record = new Float64Array(SLOT_FIELDS);
  readonly #egress: RtpEgress;
  readonly #rewriter: StreamRewriter;
  readonly #cache: PacketCache<SentPacket> | undefined;
  readonly #extensions = new ExtensionWriter();
  readonly midBytes: Uint8Array;
  readonly #meter = new BitrateMeter(this.record.subarray(REWRITER_FIELDS));
  readonly #reports: SlotReports;
  #section: Section;
  /** Where the packet built last has its transport-wide number, 0 when it has none. */
  #transportSequenceAt = 0;
  #source: IncomingStream | undefined;
  /** The frame number of the last dependency descriptor sent, -1 before the first; and what is added to the source's. */
  #frameNumber = -1;
  #frameOffset: number | undefined = 0;

  constructor(options: {
    readonly section: Section;
    readonly ssrc: number;
    readonly random: Random;
    readonly egress: RtpEgress;
  }) {
    const { section, ssrc, random } = options;
    this.mid = section.mid;
    this.kind = section.kind === "audio" ? "audio" : "video";
    this.ssrc = ssrc;
    this.rtxSsrc = section.rtxSsrc;
    this.#section = section;
    this.#egress = options.egress;
    this.#reports = new SlotReports(ssrc, CLOCK_RATE[this.kind]);
    // Both start below 2^15: a receiver that misses the first packets must not take a wrap for a restart.
    const firstSequence = integer(random, 2 ** 15);
    this.#rewriter = new StreamRewriter(CLOCK_RATE[this.kind], firstSequence, random.u32(), this.record);
    this.record[FIELD.lastSentAtMs] = -1;
    this.record[FIELD.lastKeyFrame] = -1;
    this.record[FIELD.rtxSequence] = integer(random, 2 ** 15);
    this.#cache = this.rtxSsrc === undefined ? undefined : new PacketCache(CACHE_PACKETS);
    this.midBytes = new TextEncoder().encode(section.mid);
  }

  /** What was sent over its whole life, whatever was put into it. */
  get counters(): SlotCounters {
    const { record } = this;
    return {
      packets: record[FIELD.packets] as number,
      octets: record[FIELD.octets] as number,
      bytes: record[FIELD.bytes] as number,
    };
  }

  /** When the last packet left, -1 before the first. */
  get lastSentAtMs(): MonoMs {
    return this.record[FIELD.lastSentAtMs] as number;
  }

  /** The source whose packets are sent now. */
  get source(): IncomingStream | undefined {
    return this.#source;
  }

  /** A later offer changed the section: codecs or extension ids may be others. */
  renegotiated(section: Section): void {
    this.#section = section;
  }

  /** The section as agreed now. */
  get section(): Section {
    return this.#section;
  }

  /** The agreed codec that a source's packets can be sent as. */
  codecFor(source: IncomingStream): SectionCodec | undefined {
    return this.#section.codecs.find(({ name }) => name === source.codec.name);
  }

  /** Nothing is sent any more: what is kept for repair is let go, and feedback has no effect. */
  idle(): void {
    this.#source = undefined;
    this.#cache?.clear();
  }

  /** Whether the receiver's keys are there: before that nothing can be sent, and nothing may be used up. */
  get isSecured(): boolean {
    return this.#egress.isSecured;
  }

  /** Ticks per second of what is sent. */
  get clockRate(): number {
    return CLOCK_RATE[this.kind];
  }

  /** Least time between two repetitions of a packet. */
  get resendIntervalMs(): number {
    return Math.max(RESEND_INTERVAL_MS, this.roundTripMs ?? 0);
  }

  /** The packet kernel has begun a source in this slot. */
  tookOver(source: IncomingStream): void {
    this.#source = source;
  }

  /** The packet kernel sends from now on: what was kept for repair is soon of other packets. */
  forgetSent(): void {
    this.#cache?.clear();
  }

  /** Whether packets wait for their turn, so that none may overtake them. */
  get isPaced(): boolean {
    return this.#egress.isPaced;
  }

  /** The number of the packet that was sent `back` packets ago; repeating it probes the path. */
  recentNumber(back: number): number {
    return (this.#rewriter.newestNumber - back) & 0xffff;
  }

  /** Begins a source with its first packet: what is sent from now on continues what was sent before. */
  begin(source: IncomingStream, packet: RtpPacket, sequence: number, now: MonoMs): void {
    this.#source = source;
    this.#frameOffset = undefined;
    this.#rewriter.begin(sequence, packet.timestamp, now);
  }

  /**
   * The source's own numbers are taken again, after some were left out.
   *
   * @param from - The next packet's extended sequence number; what comes later from before it is not sent.
   */
  closeGaps(packets: number, pictures: number, from: number): void {
    this.#rewriter.closeGaps(packets, pictures, from);
  }

  /**
   * Rewrites, protects and sends a packet of the current source.
   *
   * @returns Bytes sent, 0 when nothing was.
   */
  forward(
    source: IncomingStream,
    packet: RtpPacket,
    payload: PayloadInspector,
    codec: SectionCodec,
    sequence: number,
    now: MonoMs,
    as: ForwardAs,
  ): number {
    const { record } = this;
    const egress = this.#egress;
    if (!egress.isSecured || packet.payloadBytes > egress.payloadLimitBytes) return 0;
    const rewriter = this.#rewriter;
    if (!rewriter.rewrite(sequence, packet.timestamp, payload, now, as.pictureId) || as.dropped) return 0;
    if (payload.keyFrame && !as.blank) record[FIELD.lastKeyFrame] = rewriter.sequenceNumber;
    const sent = this.#remember(packet, payload, codec, as);
    const out = egress.next();
    const at = this.#writeHeader(
      out,
      sent,
      codec.payloadType,
      rewriter.sequenceNumber,
      rewriter.timestamp,
      this.ssrc,
      source,
    );
    const lengthBytes = writePayload(out, at, sent);
    this.#meter.add(lengthBytes, now);
    const { ssrc } = this;
    const { sequenceNumber } = rewriter;
    const built = this.#built(out, at, lengthBytes, ssrc, sequenceNumber);
    const sentBytes = egress.send(built, this.kind, now);
    record[FIELD.packets] = (record[FIELD.packets] as number) + 1;
    record[FIELD.octets] = (record[FIELD.octets] as number) + sent.payloadBytes;
    record[FIELD.bytes] = (record[FIELD.bytes] as number) + sentBytes;
    record[FIELD.lastSentAtMs] = now;
    return sentBytes;
  }

  #remember(packet: RtpPacket, payload: PayloadInspector, codec: SectionCodec, as: ForwardAs): SentPacket {
    const { sequenceNumber, timestamp, pictureId, tl0PicIdx } = this.#rewriter;
    const sent = this.#cache?.recycle(sequenceNumber) ?? blankPacket(codec);
    sent.bytes = packet.bytes;
    sent.payloadOffset = packet.payloadOffset;
    sent.payloadBytes = as.blank ? 0 : packet.payloadBytes;
    sent.marker = as.marker ?? packet.marker;
    sent.descriptor = as.blank ? undefined : this.#describe(as);
    sent.codec = codec;
    sent.timestamp = timestamp;
    sent.pictureIdBits = as.blank ? 0 : payload.pictureIdBits;
    sent.pictureId = pictureId;
    sent.pictureIdOffset = payload.pictureIdOffset;
    sent.hasTl0PicIdx = payload.hasTl0PicIdx && !as.blank;
    sent.tl0PicIdx = tl0PicIdx;
    sent.tl0PicIdxOffset = payload.tl0PicIdxOffset;
    sent.repeatedAtMs = -Infinity;
    this.#cache?.put(sequenceNumber, sent);
    return sent;
  }

  /**
   * The dependency descriptor for this receiver: numbers run on across a change of source, and each packet says what is
   * produced, since one that says it may be lost. AV1 RTP specification, appendix A.8.3.
   */
  #describe({ described, activeTargets }: ForwardAs): Uint8Array | undefined {
    if (this.#section.extensions.dependencyDescriptor === undefined || !described?.described) return undefined;
    const { descriptor, targets } = described;
    this.#frameOffset ??= this.#frameNumber < 0 ? 0 : this.#frameNumber + 1 - descriptor.frameNumber;
    const frameNumber = (descriptor.frameNumber + this.#frameOffset) & 0xffff;
    if (this.#frameNumber < 0 || sequenceDistance(frameNumber, this.#frameNumber) > 0) this.#frameNumber = frameNumber;
    const { startOfFrame, endOfFrame, templateId, attached, customIndications } = descriptor;
    const { customFrameDiffs, customChainDiffs } = descriptor;
    const own = { attached, customIndications, customFrameDiffs, customChainDiffs };
    const fields = { startOfFrame, endOfFrame, templateId, frameNumber, ...own };
    const active = activeTargets ?? descriptor.activeTargets;
    return encodeDescriptor({ ...fields, activeTargets: active }, targets.length);
  }

  #writeHeader(
    out: Buffer,
    { marker, descriptor }: Pick<SentPacket, "marker" | "descriptor">,
    payloadType: number,
    sequenceNumber: number,
    timestamp: number,
    ssrc: number,
    source: IncomingStream | undefined,
  ): number {
    const { mid, audioLevel, transportSequence, dependencyDescriptor } = this.#section.extensions;
    const writer = this.#extensions;
    writer.open(out, RTP_HEADER_BYTES, descriptor !== undefined && descriptor.length > ONE_BYTE_LIMIT);
    if (mid !== undefined) writer.add(mid, this.midBytes);
    this.#transportSequenceAt = transportSequence === undefined ? 0 : writer.addU16(transportSequence, 0);
    const level = source?.audioLevel;
    if (audioLevel !== undefined && level) writer.addByte(audioLevel, (level.voice ? 0x80 : 0) | level.levelDbov);
    if (dependencyDescriptor !== undefined && descriptor) writer.add(dependencyDescriptor, descriptor);
    const at = writer.close();
    writeRtpHeader(out, { marker, payloadType, sequenceNumber, timestamp, ssrc }, at !== RTP_HEADER_BYTES);
    return at;
  }

  /**
   * Answers a receiver's NACK with retransmissions. RFC 4588. Only by RTX: to repeat a packet on its own SSRC would
   * use its SRTP nonce twice.
   *
   * @returns How many were sent, and whether one is beyond repair: it was never sent, or is not kept any more, and no
   * key frame was sent since.
   */
  resend(
    sequenceNumbers: readonly number[],
    now: MonoMs,
    urgency: PacketUrgency = "repair",
  ): { readonly sent: number; readonly beyondRepair: boolean } {
    const { rtxSsrc } = this;
    if (this.#cache === undefined || rtxSsrc === undefined || !this.isSecured || this.#source === undefined) {
      return { sent: 0, beyondRepair: false };
    }
    const interval = this.resendIntervalMs;
    let count = 0;
    let beyondRepair = false;
    for (const sequenceNumber of sequenceNumbers) {
      const sent = this.#cache.get(sequenceNumber);
      if (sent === undefined) {
        // A packet from before the last key frame is not missed by any decoder.
        const lastKeyFrame = this.record[FIELD.lastKeyFrame] as number;
        beyondRepair ||= lastKeyFrame < 0 || sequenceDistance(sequenceNumber, lastKeyFrame) > 0;
        continue;
      }
      if (sent.codec.rtxPayloadType === undefined || now < sent.repeatedAtMs + interval) continue;
      sent.repeatedAtMs = now;
      this.#sendRtx(rtxSsrc, sent, sent.codec.rtxPayloadType, sequenceNumber, urgency, now);
      count++;
    }
    return { sent: count, beyondRepair };
  }

  #sendRtx(
    rtxSsrc: number,
    sent: SentPacket,
    payloadType: number,
    original: number,
    urgency: PacketUrgency,
    now: MonoMs,
  ): void {
    const out = this.#egress.next();
    const sequence = ((this.record[FIELD.rtxSequence] as number) + 1) & 0xffff;
    this.record[FIELD.rtxSequence] = sequence;
    const at = this.#writeHeader(out, sent, payloadType, sequence, sent.timestamp, rtxSsrc, undefined);
    writeRtxHeader(out, at, original);
    const lengthBytes = writePayload(out, at + RTX_HEADER_BYTES, sent);
    this.#meter.add(lengthBytes, now);
    this.#egress.send(this.#built(out, at, lengthBytes, rtxSsrc, sequence), urgency, now);
  }

  #built(bytes: Buffer, payloadOffset: number, lengthBytes: number, ssrc: number, sequenceNumber: number): BuiltPacket {
    return {
      bytes,
      payloadOffset,
      lengthBytes,
      ssrc,
      sequenceNumber,
      transportSequenceAt: this.#transportSequenceAt,
    };
  }

  /**
   * A sender report for what is sent now, or `undefined` while nothing is, or while the source's own clock is unknown.
   *
   * @param ntpOffsetMs - From the sender's wall clock to ours.
   */
  report(cname: string, ntpOffsetMs: number, now: MonoMs): Uint8Array | undefined {
    const clock = this.#source?.clock;
    const { counters } = this;
    if (clock === undefined || counters.packets === 0) return undefined;
    return this.#reports.encode({
      clock,
      ntpOffsetMs,
      cname,
      counters,
      mapTimestamp: (timestamp) => this.#rewriter.mapTimestamp(timestamp),
      now,
    });
  }

  /** A receiver's report on this slot. */
  handleReport(block: ReportBlock, now: MonoMs): void {
    this.#reports.handle(block, now);
  }

  /** Smoothed round trip to the receiver. */
  get roundTripMs(): number | undefined {
    return this.#reports.roundTripMs;
  }

  /** Share lost, 0 .. 1, by the receiver's last report. */
  get fractionLost(): number {
    return this.#reports.fractionLost;
  }

  bitrateBps(now: MonoMs): number {
    return this.#meter.bitrateBps(now);
  }
}
