import { type ExtensionPlace, type RtpPacket, readTextExtension } from "@lodeline/rtp";
import { IncomingStream } from "./incoming-stream.ts";
import type { SectionCodec } from "./sdp/codecs.ts";
import type { Section } from "./sdp/section.ts";

/** What an SSRC is. */
export type Demuxed =
  | { readonly kind: "primary"; readonly stream: IncomingStream }
  | { readonly kind: "rtx"; readonly stream: IncomingStream };

/** A layer whose SSRCs are known before its first packet. */
export interface ExpectedLayer {
  readonly rid: string;
  readonly ssrc: number;
  readonly rtxSsrc: number;
}

/** At most this many SSRCs are learnt: a peer that invents them cannot make us keep more. */
const SSRC_LIMIT = 256;

/**
 * Finds the stream of an incoming packet: by SSRC once learnt, else by the SSRCs of the offer, the MID and RID it
 * carries, or at last its payload type. RFC 9143 section 9.2, RFC 8852.
 */
export class RtpDemux {
  readonly #known = new Map<number, Demuxed>();
  readonly #place: ExtensionPlace = { offset: 0, lengthBytes: 0 };
  #sections: readonly Section[] = [];
  /** By MID, then by RID. */
  readonly #streams = new Map<string, Map<string, IncomingStream>>();
  /** Packets of no known stream. */
  unknown = 0;
  readonly #onGone: (stream: IncomingStream) => void;

  /** @param onGone - A stream gave its place to another, or its SSRC began anew. */
  constructor(onGone: (stream: IncomingStream) => void = () => {}) {
    this.#onGone = onGone;
  }

  /** SSRCs that repeat a stream's packets. */
  repairsOf(stream: IncomingStream): number[] {
    return [...this.#known]
      .filter(([, known]) => known.kind === "rtx" && known.stream === stream)
      .map(([ssrc]) => ssrc);
  }

  /** The sections as negotiated now. Learnt SSRCs stay. */
  negotiated(sections: readonly Section[]): void {
    this.#sections = sections.filter(({ kind, rejected }) => kind !== "application" && !rejected);
  }

  /** The streams of one section, by RID; the same map for the life of the transport. */
  streamsOf(mid: string): Map<string, IncomingStream> {
    let streams = this.#streams.get(mid);
    if (streams === undefined) {
      streams = new Map();
      this.#streams.set(mid, streams);
    }
    return streams;
  }

  /** Every stream learnt so far. */
  *streams(): Iterable<IncomingStream> {
    for (const streams of this.#streams.values()) yield* streams.values();
  }

  /** The primary stream of an SSRC, if it is one. */
  primary(ssrc: number): IncomingStream | undefined {
    const known = this.#known.get(ssrc);
    return known?.kind === "primary" ? known.stream : undefined;
  }

  /** The stream of a parsed packet, or `undefined` while nothing says what it is. */
  find(packet: RtpPacket): Demuxed | undefined {
    const known = this.#known.get(packet.ssrc);
    if (known?.kind === "rtx" || known?.stream.codec.payloadType === packet.payloadType) return known;
    // Another payload type on a known SSRC: the sender changed its codec, which is a new stream to everybody.
    if (known) return this.#changeCodec(known.stream, packet);
    const learnt = this.#known.size < SSRC_LIMIT ? this.#learn(packet) : undefined;
    if (learnt) this.#known.set(packet.ssrc, learnt);
    else this.unknown++;
    return learnt;
  }

  /** Binds the SSRCs of a layer of a negotiated section. Another codec of the section is taken when it comes. */
  expect(mid: string, { rid, ssrc, rtxSsrc }: ExpectedLayer): void {
    const section = this.#sections.find((one) => one.mid === mid);
    const codec = section?.codecs[0];
    if (!section || !codec) return;
    const kind = section.kind === "audio" ? "audio" : "video";
    const stream = new IncomingStream({ ssrc, rid, mid, kind, codec });
    this.streamsOf(mid).set(rid, stream);
    this.#known.set(ssrc, { kind: "primary", stream });
    this.#known.set(rtxSsrc, { kind: "rtx", stream });
  }

  /** Forgets every stream of a section. */
  forgetSection(mid: string): void {
    const streams = this.streamsOf(mid);
    for (const stream of streams.values()) this.#forget(stream);
    streams.clear();
  }

  #learn(packet: RtpPacket): Demuxed | undefined {
    const section = this.#sectionOf(packet);
    if (section === undefined) return undefined;
    const main = section.codecs.find(({ payloadType }) => payloadType === packet.payloadType);
    if (main) return this.#learnPrimary(packet, section, main);
    const isRtx = section.codecs.some(({ rtxPayloadType }) => rtxPayloadType === packet.payloadType);
    const stream = isRtx ? this.#repaired(packet, section) : undefined;
    return stream && { kind: "rtx", stream };
  }

  #changeCodec(stream: IncomingStream, packet: RtpPacket): Demuxed | undefined {
    const section = this.#sections.find(({ mid }) => mid === stream.mid);
    const codec = section?.codecs.find(({ payloadType }) => payloadType === packet.payloadType);
    if (codec === undefined) return undefined;
    const { ssrc, rid, mid, kind } = stream;
    const next = { kind: "primary", stream: new IncomingStream({ ssrc, rid, mid, kind, codec }) } as const;
    for (const [known, what] of this.#known) {
      if (what.stream === stream) this.#known.set(known, { kind: what.kind, stream: next.stream });
    }
    this.streamsOf(mid).set(rid, next.stream);
    this.#onGone(stream);
    return next;
  }

  #sectionOf(packet: RtpPacket): Section | undefined {
    for (const section of this.#sections) {
      const { mid: id } = section.extensions;
      const mid = id === undefined ? undefined : readTextExtension(packet, id, this.#place);
      if (mid !== undefined) return this.#sections.find((other) => other.mid === mid);
    }
    const announced = this.#sections.find(({ remoteSsrcs }) =>
      remoteSsrcs.some(({ ssrc, rtxSsrc }) => ssrc === packet.ssrc || rtxSsrc === packet.ssrc),
    );
    if (announced) return announced;
    const fitting = this.#sections.filter(
      ({ direction, codecs }) =>
        (direction === "recvonly" || direction === "sendrecv") &&
        codecs.some(({ payloadType }) => payloadType === packet.payloadType),
    );
    return fitting.length === 1 ? fitting[0] : undefined;
  }

  #learnPrimary(packet: RtpPacket, section: Section, codec: SectionCodec): Demuxed | undefined {
    const { rid: id } = section.extensions;
    const rid = (id === undefined ? undefined : readTextExtension(packet, id, this.#place)) ?? "";
    // Simulcast without a RID: which layer it is will be told by a later packet.
    if (section.rids.length > 0 && !section.rids.includes(rid)) return undefined;
    const layer = section.rids.length > 0 ? rid : "";
    const kind = section.kind === "audio" ? "audio" : "video";
    const stream = new IncomingStream({ ssrc: packet.ssrc, rid: layer, mid: section.mid, kind, codec });
    const streams = this.streamsOf(section.mid);
    const before = streams.get(layer);
    if (before) this.#forget(before);
    streams.set(layer, stream);
    return { kind: "primary", stream };
  }

  /** A layer began anew on another SSRC: the old one and its retransmissions are nothing any more. */
  #forget(stream: IncomingStream): void {
    for (const [ssrc, known] of this.#known) if (known.stream === stream) this.#known.delete(ssrc);
    this.#onGone(stream);
  }

  /** The stream that an RTX SSRC repairs: by its repaired RID, by the offer's FID group, or because it is the only one. */
  #repaired(packet: RtpPacket, section: Section): IncomingStream | undefined {
    const streams = this.streamsOf(section.mid);
    const { repairedRid: id } = section.extensions;
    const rid = id === undefined ? undefined : readTextExtension(packet, id, this.#place);
    if (rid !== undefined) return streams.get(rid);
    const primary = section.remoteSsrcs.find(({ rtxSsrc }) => rtxSsrc === packet.ssrc);
    if (primary) return this.primary(primary.ssrc);
    return streams.size === 1 ? [...streams.values()][0] : undefined;
  }
}
