import { LodelineError, type MonoMs } from "@lodeline/base";
import {
  type ExtensionPlace,
  isRtcp,
  PayloadInspector,
  parseRtcp,
  type RtcpPacket,
  RtpPacket,
  readAudioLevel,
  unwrapRtx,
} from "@lodeline/rtp";
import { Downlink } from "./downlink.ts";
import type { Forwarder } from "./forwarder.ts";
import type { IncomingStream } from "./incoming-stream.ts";
import { KernelIntake } from "./kernel/kernel-intake.ts";
import type { KernelPath, KernelSession, SessionEvents } from "./kernel/kernel-session.ts";
import { NtpOffset } from "./ntp-offset.ts";
import type { PlaneHost, PlaneOwner } from "./plane-owner.ts";
import { Publication } from "./publication.ts";
import { type ExpectedLayer, RtpDemux } from "./rtp-demux.ts";
import { RtpEgress } from "./rtp-egress.ts";
import type { Section, SectionSsrcs } from "./sdp/section.ts";
import { SlotTable } from "./slot-table.ts";
import type { SpeakerGroup } from "./speaker-group.ts";
import type { SrtpKeys } from "./srtp/srtp-keys.ts";
import { SrtpReceiver } from "./srtp/srtp-receiver.ts";
import { SrtpSender } from "./srtp/srtp-sender.ts";
import { UpstreamFeedback } from "./upstream-feedback.ts";

/** Reports, and the bound for the sender, leave this often. */
const REPORT_INTERVAL_MS = 1000;

/** Without a packet for this long there is nothing to report: longer than after what a stream counts as begun anew. */
const QUIET_MS = 3000;

/** After a new stream the next report leaves this soon: a little later than its siblings begin. */
const FIRST_REPORT_MS = 30;

/** Layers are chosen anew this often, since they come and go; at the same moments for all, so that all wake once. */
const EVALUATE_INTERVAL_MS = 250;

/** The RTP side of one transport: unprotects, finds the stream, hands it to its publication; and feedback both ways. */
export class MediaPlane {
  readonly cname: string;
  /** Where all its RTP leaves. */
  readonly egress: RtpEgress;
  readonly #transport: PlaneOwner;
  readonly #host: PlaneHost;
  readonly #send: (bytes: Buffer) => void;
  readonly #onHeard: (path: number, now: MonoMs) => void;
  readonly #demux = new RtpDemux((stream) => this.session?.unbind(stream));
  readonly #packet = new RtpPacket();
  readonly #payload = new PayloadInspector();
  readonly #place: ExtensionPlace = { offset: 0, lengthBytes: 0 };
  readonly #slots: SlotTable;
  readonly #publications = new Map<string, Publication>();
  readonly #ntpOffset = new NtpOffset();
  readonly #feedback: UpstreamFeedback;
  /** The way to the browser. */
  readonly downlink: Downlink;
  #sections: readonly Section[] = [];
  #intake: KernelIntake | undefined;
  #path: KernelPath | undefined;
  #receiver: SrtpReceiver | undefined;
  #srtp: SrtpSender | undefined;
  /** `Infinity` while nothing arrives and nothing is forwarded: what is idle does not tick. */
  #nextReportAtMs: MonoMs = Infinity;
  #nextEvaluateAtMs: MonoMs = 0;
  #closed = false;

  /**
   * @param options - `send` takes protected datagrams, whose bytes are reused later; `onHeard` is told when the packet
   * kernel got authentic packets, with the number of their path.
   */
  constructor(options: {
    transport: PlaneOwner;
    host: PlaneHost;
    send: (bytes: Buffer) => void;
    onHeard?: (path: number, now: MonoMs) => void;
  }) {
    this.#transport = options.transport;
    this.#host = options.host;
    this.#send = options.send;
    this.#onHeard = options.onHeard ?? (() => {});
    this.egress = new RtpEgress({ buffers: options.host.buffers, send: options.send });
    this.cname = `lodeline-${options.host.random.u32().toString(36)}`;
    this.#slots = new SlotTable(options.transport, options.host.random, this.egress);
    this.downlink = new Downlink(this.egress, () => this.#slots.forwarders);
    this.egress.onWaiting = (until) => options.host.wake(until);
    this.#feedback = new UpstreamFeedback(this.#slots.newSsrc(), this.cname, options.host.bitrates);
  }

  /** The SSRCs of what is sent in a section: the same for the life of the transport. */
  ssrcsOf(mid: string): SectionSsrcs {
    return this.#slots.ssrcsOf(mid);
  }

  /** An offer was answered. */
  negotiated(sections: readonly Section[]): void {
    this.#sections = sections;
    this.#demux.negotiated(sections);
    this.#slots.negotiated(sections);
    this.#feedback.negotiated(sections);
    this.session?.negotiated(this.#feedback.transportSequenceId);
    this.#intake?.regroup(this.#demux.streams());
    this.downlink.negotiated(sections);
    for (const { mid, rejected } of sections) if (rejected) this.#publications.get(mid)?.close();
  }

  /** DTLS is connected: media may flow. */
  secure(keys: SrtpKeys): void {
    const session = this.#host.kernel?.openSession(keys, this.#sessionEvents);
    if (session) this.#secureByKernel(session);
    else this.#secureByScript(keys);
    for (const forwarder of this.#slots.forwarders) forwarder.secured();
  }

  #secureByScript(keys: SrtpKeys): void {
    this.#receiver = new SrtpReceiver(keys.profile, keys.remote);
    this.#srtp = new SrtpSender(keys.profile, keys.local);
    this.egress.secure(this.#srtp);
    for (const publication of this.#publications.values()) publication.leaveKernel();
  }

  #secureByKernel(session: KernelSession): void {
    this.#intake = new KernelIntake(session, this.#demux, {
      publicationOf: (mid) => this.#publications.get(mid),
      audioLevelId: (mid) => this.#extensions(mid)?.audioLevel,
      descriptorId: (mid) => this.#extensions(mid)?.dependencyDescriptor,
      streamBegan: (now) => this.#hurryReport(now),
      wake: (at) => this.#host.wake(at),
    });
    session.negotiated(this.#feedback.transportSequenceId);
    session.send(this.#path);
    this.egress.secureByKernel(session);
  }

  /** What the kernel has of this transport, once DTLS is connected and where there is a kernel. */
  get session(): KernelSession | undefined {
    return this.#intake?.session;
  }

  /** Packets go another way: one of the kernel's, or by `send`. */
  pathChanged(path: KernelPath | undefined): void {
    this.#path = path;
    this.session?.send(path);
  }

  readonly #sessionEvents: SessionEvents = {
    onRtcp: (bytes, now) => {
      for (const packet of parseRtcp(bytes)) this.#handleRtcp(packet, now);
    },
    onUnknown: (bytes, now) => this.#intake?.handleUnknown(bytes, now),
    onHeard: (path, now) => this.#onHeard(path, now),
    onSealed: (bytes) => this.#send(Buffer.from(bytes)),
    onArrived: (number, ssrc, sizeBytes, now) => {
      if (this.#feedback.numberArrived(number, ssrc, sizeBytes, now)) this.#host.wake(this.#feedback.deadlineMs);
    },
  };

  /**
   * Binds an incoming section. A publication that the section had before is closed.
   *
   * @param speakers - The microphones among which an audio one competes.
   *
   * @throws LodelineError `media/unknown-section`, `media/closed`.
   */
  publish(id: string, mid: string, kind: "audio" | "video", speakers?: SpeakerGroup): Publication {
    const section = this.#section(mid, kind);
    if (section.direction !== "recvonly" && section.direction !== "sendrecv") {
      throw new LodelineError("media/unknown-section", {
        field: mid,
        detail: `the browser does not send in section ${mid}`,
      });
    }
    this.#publications.get(mid)?.close();
    const publication = new Publication({
      id,
      transport: this.#transport,
      mid,
      kind,
      section,
      streams: this.#demux.streamsOf(mid),
      group: this.#srtp === undefined ? this.#host.kernel?.openGroup() : undefined,
      speakers,
      onClose: () => {
        if (this.#publications.get(mid) !== publication) return;
        this.#publications.delete(mid);
        this.#feedback.demand(mid, undefined);
      },
    });
    this.#publications.set(mid, publication);
    this.#intake?.regroup(this.#demux.streamsOf(mid).values());
    return publication;
  }

  /**
   * Puts a publication into a sending section.
   *
   * @param only - The RID of the one layer to forward; default whichever fits what is shown.
   * @throws LodelineError `media/unknown-section`, `media/no-slot` when the slot is taken, `media/closed`.
   */
  forward(id: string, publication: Publication, mid: string, only?: string): Forwarder {
    this.#section(mid, publication.kind);
    const forwarder = this.#slots.forward(id, publication, mid, only);
    this.#nextReportAtMs = Math.min(this.#nextReportAtMs, this.#transport.now());
    this.#transport.wakeNow();
    return forwarder;
  }

  /** Says of which layer an SSRC will be, where no packet does: on a trunk. */
  expect(mid: string, layer: ExpectedLayer): void {
    this.#demux.expect(mid, layer);
  }

  /** Forgets every stream of a section. */
  expectNothing(mid: string): void {
    this.#demux.forgetSection(mid);
  }

  #section(mid: string, kind: "audio" | "video"): Section {
    if (this.#closed)
      throw new LodelineError("media/closed", { detail: `the transport ${this.#transport.id} is closed` });
    const section = this.#sections.find((one) => one.mid === mid && !one.rejected);
    if (section === undefined || section.kind !== kind) {
      throw new LodelineError("media/unknown-section", {
        field: mid,
        detail: `no ${kind} section has the mid ${JSON.stringify(mid)}`,
      });
    }
    return section;
  }

  /** The forwarder of a slot ended. */
  release(forwarder: Forwarder): void {
    this.#slots.release(forwarder);
  }

  /** Whether a datagram that came from an unknown address claims to be of a source that was heard here. */
  claims(bytes: Buffer): boolean {
    const at = isRtcp(bytes) ? 4 : 8;
    return bytes.length >= 12 && (this.session ?? this.#receiver)?.knows(bytes.readUInt32BE(at)) === true;
  }

  /** An RTP or RTCP datagram. @returns Whether it was authentic. */
  handle(bytes: Buffer, now: MonoMs): boolean {
    const receiver = this.#receiver;
    if (this.session && !this.#closed) return this.session.receive(bytes, now);
    if (receiver === undefined || this.#closed) return false;
    if (isRtcp(bytes)) {
      const plain = receiver.unprotectRtcp(bytes);
      if (plain) for (const packet of parseRtcp(plain)) this.#handleRtcp(packet, now);
      return plain !== undefined;
    }
    const packet = this.#packet;
    if (!packet.parseHeader(bytes)) return false;
    const lengthBytes = receiver.unprotectRtp(bytes, packet);
    if (lengthBytes < 0) return false;
    if (packet.parse(bytes, lengthBytes)) {
      if (this.#feedback.arrived(packet, now)) this.#host.wake(this.#feedback.deadlineMs);
      this.#handleRtp(packet, now);
    }
    return true;
  }

  #handleRtp(packet: RtpPacket, now: MonoMs): void {
    const found = this.#demux.find(packet);
    if (found === undefined) return;
    const { stream } = found;
    if (!stream.isActive(now)) this.#hurryReport(now);
    if (found.kind === "rtx" && !unwrapRtx(packet, stream.ssrc, stream.codec.payloadType)) return;
    const sequence = stream.accept(packet.sequenceNumber, packet.timestamp, packet.lengthBytes, now);
    if (sequence === undefined) return;
    if (stream.kind === "video") this.#inspectVideo(stream, packet, sequence, now);
    else this.#inspectAudio(stream, packet);
    this.#publications.get(stream.mid)?.deliver(stream, packet, this.#payload, sequence, now);
  }

  /** A stream begins, or goes on after a while: the sender learns its bound now and not at the next round, or it would start small for a second. */
  #hurryReport(now: MonoMs): void {
    this.#nextReportAtMs = Math.min(this.#nextReportAtMs, now + FIRST_REPORT_MS);
    this.#host.wake(this.#nextReportAtMs);
  }

  #inspectVideo(stream: IncomingStream, packet: RtpPacket, sequence: number, now: MonoMs): void {
    this.#payload.inspect(stream.codec.name, packet);
    stream.layers?.handle(packet, this.#payload, this.#extensions(stream.mid)?.dependencyDescriptor, now);
    stream.temporal.note(this.#payload.temporalLayer, this.#payload.keyFrame, packet.lengthBytes, now);
    if (this.#payload.keyFrame) stream.keyFrameArrived(this.#payload.width, this.#payload.height);
    if (stream.nack.handle(sequence, now)) this.#host.wake(stream.nack.deadlineMs ?? now);
  }

  #inspectAudio(stream: IncomingStream, packet: RtpPacket): void {
    this.#payload.inspect("opus", packet);
    const id = this.#extensions(stream.mid)?.audioLevel;
    if (id !== undefined) stream.audioLevel = readAudioLevel(packet, id, this.#place);
  }

  #extensions(mid: string): Section["extensions"] | undefined {
    return this.#sections.find((section) => section.mid === mid)?.extensions;
  }

  #handleRtcp(packet: RtcpPacket, now: MonoMs): void {
    switch (packet.kind) {
      case "sender-report": {
        const stream = this.#demux.primary(packet.ssrc);
        if (stream) this.#handleSenderReport(stream, packet, now);
        for (const block of packet.blocks) this.#slots.slotOf(block.ssrc)?.handleReport(block, now);
        break;
      }
      case "receiver-report":
        for (const block of packet.blocks) this.#slots.slotOf(block.ssrc)?.handleReport(block, now);
        break;
      case "nack":
        this.#slots.forwarderOf(packet.mediaSsrc)?.handleNack(packet.sequenceNumbers, now);
        break;
      case "pli":
        this.#slots.forwarderOf(packet.mediaSsrc)?.handlePictureLoss();
        break;
      case "fir":
        for (const { ssrc } of packet.entries) this.#slots.forwarderOf(ssrc)?.handlePictureLoss();
        break;
      case "transport-feedback":
        this.downlink.handleFeedback(packet, now);
        this.#host.wake(this.downlink.deadlineMs(now));
        break;
      case "remb":
        this.downlink.handleRemb(packet.bitrateBps, now);
        break;
      case "source-description":
      case "bye":
        break;
    }
  }

  #handleSenderReport(stream: IncomingStream, report: RtcpPacket & { kind: "sender-report" }, now: MonoMs): void {
    const ntpMs = report.ntpSeconds * 1000 + (report.ntpFraction / 2 ** 32) * 1000;
    stream.statistics.handleSenderReport(report.ntpSeconds, report.ntpFraction, now);
    stream.clock = { ntpMs, rtpTimestamp: report.rtpTimestamp, arrivedAtMs: now };
    this.#ntpOffset.observe(ntpMs, this.#host.wallMs());
  }

  /** From the clock in this sender's reports to our own wall clock, in ms. */
  get ntpOffsetMs(): number {
    return this.#ntpOffset.offsetMs;
  }

  /** When {@link tick} has something to do. */
  get deadlineMs(): MonoMs {
    const evaluateAtMs = this.#slots.isIdle ? Infinity : this.#nextEvaluateAtMs;
    const downlinkAtMs = this.#slots.isIdle ? Infinity : this.downlink.deadlineMs(this.#transport.now());
    let earliest = Math.min(this.#nextReportAtMs, evaluateAtMs, this.#feedback.deadlineMs, downlinkAtMs);
    for (const stream of this.#demux.streams()) {
      earliest = Math.min(earliest, stream.nack.deadlineMs ?? Infinity, stream.keyFrameDueAtMs ?? Infinity);
    }
    return earliest;
  }

  /** Requests, reports and layer choices that are due. */
  tick(now: MonoMs): void {
    if (this.#closed) return;
    if (!this.#slots.isIdle) this.downlink.tick(now);
    for (const feedback of this.#feedback.arrivals(now)) this.#sendRtcp(feedback);
    this.#sendBound(now);
    for (const stream of this.#demux.streams()) {
      for (const request of this.#feedback.requests(stream, this.#transport.roundTripMs, now)) this.#sendRtcp(request);
    }
    if (now >= this.#nextEvaluateAtMs) {
      this.#nextEvaluateAtMs = now + EVALUATE_INTERVAL_MS - (now % EVALUATE_INTERVAL_MS);
      for (const forwarder of this.#slots.forwarders) forwarder.evaluate(now);
    }
    if (now >= this.#nextReportAtMs) {
      this.#nextReportAtMs = this.#isQuiet(now) ? Infinity : now + REPORT_INTERVAL_MS;
      this.#sendReports(now);
    }
  }

  #isQuiet(now: MonoMs): boolean {
    if (!this.#slots.isIdle) return false;
    for (const { lastPacketAtMs } of this.#demux.streams()) {
      if (lastPacketAtMs !== undefined && now - lastPacketAtMs < QUIET_MS) return false;
    }
    return true;
  }

  /** What receivers can take of what the browser sends, when that has changed. */
  #sendBound(now: MonoMs): void {
    for (const [mid, publication] of this.#publications) {
      if (publication.kind === "video") this.#feedback.demand(mid, publication.boundBps);
    }
    const bound = this.#feedback.movedBound(this.#demux.streams(), now);
    if (bound) this.#sendRtcp(bound);
  }

  #sendReports(now: MonoMs): void {
    const report = this.#feedback.report(this.#demux.streams(), now);
    if (report) this.#sendRtcp(report);
    for (const forwarder of this.#slots.forwarders) {
      const { slot, publication } = forwarder;
      const sent = slot.report(this.cname, publication.transport.media.ntpOffsetMs, now);
      if (sent) this.#sendRtcp(sent);
    }
  }

  #sendRtcp(compound: Uint8Array): void {
    if (this.session) this.session.sendRtcp(compound, this.#transport.now());
    else if (this.#srtp) this.#send(this.#srtp.protectRtcp(compound));
  }

  /** Ends every publication and forwarder. */
  close(): void {
    if (this.#closed) return;
    for (const publication of [...this.#publications.values()]) publication.close();
    this.#slots.close();
    this.egress.close();
    this.#closed = true;
    this.#intake?.close();
  }
}
