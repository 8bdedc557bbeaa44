import type { MonoMs } from "@lodeline/base";
import {
  encodeNack,
  encodePli,
  encodeReceiverReport,
  encodeRemb,
  encodeSourceDescription,
  joinRtcp,
} from "@lodeline/rtp";
import type { IncomingStream } from "./incoming-stream.ts";
import type { BitrateBounds } from "./plane-owner.ts";
import type { Section } from "./sdp/section.ts";

/** Most report blocks in one packet: the count has five bits. RFC 3550 section 6.4.1. */
const BLOCKS_PER_REPORT = 31;

/** Added to the bound for audio, which REMB counts in. */
const AUDIO_ALLOWANCE_BPS = 100_000;

/** What one transport tells the browser about what the browser sends: requests, reports, and its bound. */
export class UpstreamFeedback {
  /** The SSRC that speaks; it sends no media. */
  readonly ssrc: number;
  readonly #cname: string;
  readonly #bounds: BitrateBounds;

  constructor(ssrc: number, cname: string, bounds: BitrateBounds) {
    this.ssrc = ssrc;
    this.#cname = cname;
    this.#bounds = bounds;
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

  /** A receiver report on everything that arrives, with the bound; `undefined` when nothing does. */
  report(streams: Iterable<IncomingStream>, sections: readonly Section[], now: MonoMs): Uint8Array | undefined {
    const active = [...streams].filter((stream) => stream.isActive(now)).slice(0, BLOCKS_PER_REPORT);
    if (active.length === 0) return undefined;
    const blocks = active.map((stream) => stream.statistics.report(stream.ssrc, now));
    const compound = [encodeReceiverReport(this.ssrc, blocks), encodeSourceDescription(this.ssrc, this.#cname)];
    const video = active.filter(({ kind }) => kind === "video");
    if (video.length > 0) {
      const ssrcs = video.map(({ ssrc }) => ssrc);
      compound.push(encodeRemb(this.ssrc, this.#boundBps(video, sections), ssrcs));
    }
    return joinRtcp(compound);
  }

  /** What the browser may send in all its video sections together: REMB covers a whole connection. */
  #boundBps(streams: readonly IncomingStream[], sections: readonly Section[]): number {
    const { simulcastBps, singleBps } = this.#bounds;
    const mids = new Set(streams.map(({ mid }) => mid));
    const sending = sections.filter(({ mid }) => mids.has(mid));
    return sending.reduce((sum, { rids }) => sum + (rids.length > 1 ? simulcastBps : singleBps), AUDIO_ALLOWANCE_BPS);
  }
}
