import type { MonoMs } from "@lodeline/base";
import {
  ArrivalRecorder,
  type ExtensionPlace,
  encodeNack,
  encodePli,
  encodeReceiverReport,
  encodeRemb,
  encodeSourceDescription,
  joinRtcp,
  type RtpPacket,
  readTransportSequence,
} from "@lodeline/rtp";
import type { IncomingStream } from "./incoming-stream.ts";
import type { BitrateBounds } from "./plane-owner.ts";
import type { Section } from "./sdp/section.ts";

/** Most report blocks in one packet: the count has five bits. RFC 3550 section 6.4.1. */
const BLOCKS_PER_REPORT = 31;

/** A bound that is no more: REMB has no word for that. */
const UNBOUNDED_BPS = 100_000_000;

/** A bound that moved by this share is told at once. */
const NOTABLE = 0.03;

/** What sound is taken to need, at least: it counts in REMB and may begin at any moment. */
const AUDIO_BPS = 40_000;

/** The bound of a video section whose browser gets no transport-wide feedback: REMB alone decides then, and it must be some. */
const BOUND_WITHOUT_FEEDBACK_BPS = { simulcast: 3_000_000, single: 1_500_000 } as const;

/** What one transport tells the browser about what the browser sends: arrivals, requests, reports, and its bound. */
export class UpstreamFeedback {
  /** The SSRC that speaks; it sends no media. */
  readonly ssrc: number;
  readonly #cname: string;
  readonly #bounds: BitrateBounds;
  readonly #arrivals: ArrivalRecorder;
  readonly #place: ExtensionPlace = { offset: 0, lengthBytes: 0 };
  #sections: readonly Section[] = [];
  /** What receivers can take, by mid. */
  readonly #demands = new Map<string, number>();
  #toldBps: number | undefined;
  /** The id of the transport-wide number: one for the whole bundle. RFC 8843 section 15. */
  #sequenceId: number | undefined;

  constructor(ssrc: number, cname: string, bounds: BitrateBounds) {
    this.ssrc = ssrc;
    this.#cname = cname;
    this.#bounds = bounds;
    this.#arrivals = new ArrivalRecorder(ssrc);
  }

  /** An offer was answered. */
  negotiated(sections: readonly Section[]): void {
    this.#sections = sections;
    this.#sequenceId = sections.find(hasTransportFeedback)?.extensions.transportSequence;
  }

  /**
   * An authentic packet arrived: media, a retransmission or padding.
   *
   * @returns Whether there is a new {@link deadlineMs}.
   */
  arrived(packet: RtpPacket, now: MonoMs): boolean {
    if (this.#sequenceId === undefined) return false;
    const number = readTransportSequence(packet, this.#sequenceId, this.#place);
    return number >= 0 && this.#arrivals.record(number, packet.ssrc, packet.lengthBytes, now);
  }

  /** As {@link arrived}, of a packet that the kernel took in. */
  numberArrived(transportSequence: number, ssrc: number, sizeBytes: number, now: MonoMs): boolean {
    return this.#arrivals.record(transportSequence, ssrc, sizeBytes, now);
  }

  /** The extension id of the transport-wide number in what arrives; `undefined` while it is not agreed. */
  get transportSequenceId(): number | undefined {
    return this.#sequenceId;
  }

  /** When the arrivals noted are to be told; `Infinity` while there are none. */
  get deadlineMs(): MonoMs {
    return this.#arrivals.deadlineMs;
  }

  /** Transport-wide feedback that is due, often none. */
  arrivals(now: MonoMs): Uint8Array[] {
    return this.#arrivals.take(now);
  }

  /** RTCP that asks for what is missing of a stream: packets, or a key frame. Often nothing. */
  requests(stream: IncomingStream, roundTripMs: number | undefined, now: MonoMs): Uint8Array[] {
    if (stream.kind === "audio") return [];
    const { nack } = stream;
    nack.roundTripMs = roundTripMs ?? 0;
    const requests: Uint8Array[] = [];
    const missing = nack.tick(now);
    if (missing.length > 0) requests.push(encodeNack(this.ssrc, stream.ssrc, missing));
    if (nack.keyFrameNeeded) {
      nack.keyFrameNeeded = false;
      stream.wantKeyFrame();
    }
    if (stream.takeKeyFrameRequest(now)) requests.push(encodePli(this.ssrc, stream.ssrc));
    return requests;
  }

  /** A receiver report on everything that arrives, with the bound if there is one; `undefined` when nothing arrives. */
  report(streams: Iterable<IncomingStream>, now: MonoMs): Uint8Array | undefined {
    const active = [...streams].filter((stream) => stream.isActive(now)).slice(0, BLOCKS_PER_REPORT);
    if (active.length === 0) return undefined;
    const blocks = active.map((stream) => stream.statistics.report(stream.ssrc, now));
    const compound = [encodeReceiverReport(this.ssrc, blocks), encodeSourceDescription(this.ssrc, this.#cname)];
    const bound = this.#remb(active, now);
    if (bound) compound.push(bound);
    return joinRtcp(compound);
  }

  /**
   * What receivers can take of a section; `undefined`: whatever there is.
   */
  demand(mid: string, bitrateBps: number | undefined): void {
    if (bitrateBps === undefined) this.#demands.delete(mid);
    else this.#demands.set(mid, bitrateBps);
  }

  /** The bound, when it has moved notably since it was told. */
  movedBound(streams: Iterable<IncomingStream>, now: MonoMs): Uint8Array | undefined {
    if (this.#demands.size === 0 && (this.#toldBps ?? UNBOUNDED_BPS) === UNBOUNDED_BPS) return undefined;
    const active = [...streams].filter((stream) => stream.isActive(now));
    const boundBps = this.#boundBps(active, now) ?? UNBOUNDED_BPS;
    if (Math.abs(boundBps - (this.#toldBps ?? UNBOUNDED_BPS)) <= NOTABLE * boundBps) return undefined;
    return this.#remb(active, now);
  }

  #remb(active: readonly IncomingStream[], now: MonoMs): Uint8Array | undefined {
    const video = active.filter(({ kind }) => kind === "video");
    if (video.length === 0) return undefined;
    const boundBps = this.#boundBps(active, now) ?? (this.#toldBps === undefined ? undefined : UNBOUNDED_BPS);
    if (boundBps === undefined) return undefined;
    this.#toldBps = boundBps;
    return encodeRemb(
      this.ssrc,
      boundBps,
      video.map(({ ssrc }) => ssrc),
    );
  }

  /** What the browser may send in all, or `undefined` when one of its videos is not bounded. REMB covers a connection. */
  #boundBps(active: readonly IncomingStream[], now: MonoMs): number | undefined {
    const mids = new Set(active.filter(({ kind }) => kind === "video").map(({ mid }) => mid));
    const sound = active.filter(({ kind }) => kind === "audio");
    let sum = sound.reduce((all, stream) => all + Math.max(AUDIO_BPS, stream.bitrateBps(now)), 0);
    for (const section of this.#sections) {
      if (!mids.has(section.mid)) continue;
      const bound = this.#sectionBoundBps(section);
      if (bound === undefined) return undefined;
      sum += bound;
    }
    return sum;
  }

  #sectionBoundBps(section: Section): number | undefined {
    const which = section.rids.length > 1 ? "simulcast" : "single";
    const configured = which === "simulcast" ? this.#bounds.simulcastBps : this.#bounds.singleBps;
    const own = configured ?? (hasTransportFeedback(section) ? undefined : BOUND_WITHOUT_FEEDBACK_BPS[which]);
    const demanded = this.#demands.get(section.mid);
    return demanded === undefined || own === undefined ? (demanded ?? own) : Math.min(demanded, own);
  }
}

/** Whether the browser numbers the packets of a section for transport-wide feedback, and takes the feedback. */
export function hasTransportFeedback(section: Section): boolean {
  return (
    section.extensions.transportSequence !== undefined &&
    section.codecs.some(({ feedback }) => feedback.includes("transport-cc"))
  );
}
