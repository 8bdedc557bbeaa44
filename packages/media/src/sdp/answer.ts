import { type MediaDescription, type SessionDescription, write } from "sdp-transform";
import { DATA_MESSAGE_LIMIT_BYTES } from "../data-channel.ts";
import { SCTP_PORT } from "../data-channels.ts";
import type { DtlsRole } from "../dtls/dtls-link.ts";
import type { IceCredentials } from "../ice/ice-types.ts";
import { type CodecName, chooseCodecs, type SectionCodec } from "./codecs.ts";
import type { Direction, Offer, OfferedSection } from "./offer.ts";
import { EXTENSION_URI, type ExtensionName, type Section } from "./section.ts";

/** The SSRCs of what we send in one section. */
export interface SectionSsrcs {
  readonly ssrc: number;
  readonly rtxSsrc: number;
}

/** Decides what each offered section becomes. */
export function answerSections(
  offer: Offer,
  options: { readonly videoCodecs: readonly CodecName[]; readonly ssrcsOf: (mid: string) => SectionSsrcs },
): Section[] {
  return offer.sections.map((offered) => answerSection(offered, options));
}

function answerSection(
  offered: OfferedSection,
  options: { readonly videoCodecs: readonly CodecName[]; readonly ssrcsOf: (mid: string) => SectionSsrcs },
): Section {
  const { mid, kind } = offered;
  const codecs = kind === "application" ? [] : chooseCodecs(kind, offered.codecs, options.videoCodecs);
  const rejected = offered.rejected || (kind !== "application" && codecs.length === 0);
  const direction = rejected ? "inactive" : reverse(offered.direction);
  const sends = kind !== "application" && !rejected && direction.startsWith("send");
  const ssrcs = sends ? options.ssrcsOf(mid) : undefined;
  const hasRtx = codecs.some(({ rtxPayloadType }) => rtxPayloadType !== undefined);
  return {
    mid,
    kind,
    direction,
    rids: offered.rids,
    sendSsrc: ssrcs?.ssrc,
    rtxSsrc: hasRtx ? ssrcs?.rtxSsrc : undefined,
    codecs,
    extensions: agreeExtensions(offered, codecs),
    remoteSsrcs: offered.ssrcs,
    rejected,
  };
}

function reverse(direction: Direction): Direction {
  if (direction === "sendonly") return "recvonly";
  if (direction === "recvonly") return "sendonly";
  return direction;
}

function agreeExtensions(
  offered: OfferedSection,
  codecs: readonly SectionCodec[],
): Partial<Record<ExtensionName, number>> {
  const agreed: Partial<Record<ExtensionName, number>> = {};
  for (const [name, uri] of Object.entries(EXTENSION_URI) as [ExtensionName, string][]) {
    const found = offered.extensions.find((extension) => extension.uri === uri);
    // We write the one-byte form, whose ids end at 14.
    if (found && found.id >= 1 && found.id <= 14) agreed[name] = found.id;
  }
  // Numbers that nobody gives feedback for are bytes for nothing.
  if (!codecs.some(({ feedback }) => feedback.includes("transport-cc"))) delete agreed.transportSequence;
  // Chromium leaves the temporal layer out of a VP8 descriptor where this says it, and the packet kernel reads only that one.
  const [first] = codecs;
  if (first?.name !== "av1" && first?.name !== "vp9") delete agreed.dependencyDescriptor;
  return agreed;
}

/** A host candidate of ours. */
export interface HostCandidate {
  readonly address: string;
  readonly port: number;
  /** Default `udp`; `tcp` is one that the browser connects to. RFC 6544. */
  readonly transport?: "udp" | "tcp" | undefined;
}

/**
 * Writes the answer. RFC 8829 section 5.3.
 *
 * @param sections - As {@link answerSections} decided, in the offer's order.
 */
export function writeAnswer(options: {
  readonly offer: Offer;
  readonly sections: readonly Section[];
  readonly sessionId: string;
  readonly version: number;
  readonly ice: IceCredentials;
  readonly fingerprint: string;
  readonly dtlsRole: DtlsRole;
  readonly candidates: readonly HostCandidate[];
  readonly cname: string;
}): string {
  const { offer, sections } = options;
  const accepted = sections.filter(({ rejected }) => !rejected);
  const session: SessionDescription = {
    version: 0,
    origin: {
      username: "-",
      sessionId: options.sessionId,
      sessionVersion: options.version,
      netType: "IN",
      ipVer: 4,
      address: "127.0.0.1",
    },
    name: "-",
    timing: { start: 0, stop: 0 },
    groups: [{ type: "BUNDLE", mids: accepted.map(({ mid }) => mid).join(" ") }],
    ...(offer.mixedExtensions ? { extmapAllowMixed: "extmap-allow-mixed" } : {}),
    msidSemantic: { semantic: "WMS", token: "*" },
    media: sections.map((section, index) => writeSection(section, offer.sections[index] as OfferedSection, options)),
  };
  const first = session.media.find((media) => media.port !== 0);
  if (first) {
    first.candidates = options.candidates.map(({ address, port, transport = "udp" }, index) => ({
      foundation: String(index + 1),
      component: 1,
      transport,
      // Host type preference 126, RFC 8445 section 5.1.2.1; earlier addresses first. TCP only where UDP fails: 90.
      priority: (transport === "udp" ? 126 : 90) * 2 ** 24 + (65_535 - index) * 2 ** 8 + 255,
      ip: address,
      port,
      type: "host",
      ...(transport === "tcp" ? { tcptype: "passive" } : {}),
    }));
    first.endOfCandidates = "end-of-candidates";
  }
  return write(session);
}

function writeSection(
  section: Section,
  offered: OfferedSection,
  options: {
    readonly ice: IceCredentials;
    readonly fingerprint: string;
    readonly dtlsRole: DtlsRole;
    readonly cname: string;
    readonly sections: readonly Section[];
  },
): MediaDescription {
  const base = {
    type: section.kind,
    port: section.rejected ? 0 : 9,
    protocol: offered.protocol,
    payloads: section.kind === "application" || section.rejected ? offered.formats : payloads(section),
    connection: { version: 4, ip: "0.0.0.0" },
    rtp: [],
    fmtp: [],
    mid: section.mid,
  };
  if (section.rejected) return { ...base, direction: "inactive" };
  const transport = {
    ...base,
    iceUfrag: options.ice.usernameFragment,
    icePwd: options.ice.password,
    fingerprint: { type: "sha-256", hash: options.fingerprint },
    setup: options.dtlsRole === "client" ? ("active" as const) : ("passive" as const),
  };
  if (section.kind === "application")
    return { ...transport, sctpPort: SCTP_PORT, maxMessageSize: DATA_MESSAGE_LIMIT_BYTES } as MediaDescription;
  return { ...transport, ...writeRtp(section, options) };
}

function payloads(section: Section): string {
  return section.codecs
    .flatMap(({ payloadType, rtxPayloadType }) =>
      rtxPayloadType === undefined ? [payloadType] : [payloadType, rtxPayloadType],
    )
    .join(" ");
}

function writeRtp(
  section: Section,
  options: { readonly cname: string; readonly sections: readonly Section[] },
): Partial<MediaDescription> {
  const names: Record<string, string> = { opus: "opus", vp8: "VP8", vp9: "VP9", h264: "H264", av1: "AV1" };
  const rtp = section.codecs.flatMap((codec) => {
    const main = {
      payload: codec.payloadType,
      codec: names[codec.name] as string,
      rate: codec.clockRate,
      ...(codec.name === "opus" ? { encoding: 2 } : {}),
    };
    return codec.rtxPayloadType === undefined
      ? [main]
      : [main, { payload: codec.rtxPayloadType, codec: "rtx", rate: codec.clockRate }];
  });
  const fmtp = section.codecs.flatMap((codec) => [
    ...(codec.fmtp === "" ? [] : [{ payload: codec.payloadType, config: codec.fmtp }]),
    ...(codec.rtxPayloadType === undefined
      ? []
      : [{ payload: codec.rtxPayloadType, config: `apt=${codec.payloadType}` }]),
  ]);
  const rtcpFb = section.codecs.flatMap((codec) =>
    codec.feedback.map((one) => {
      const [type = "", subtype] = one.split(" ");
      return subtype === undefined
        ? { payload: codec.payloadType, type }
        : { payload: codec.payloadType, type, subtype };
    }),
  );
  const ext = (Object.entries(section.extensions) as [ExtensionName, number][]).map(([name, id]) => ({
    value: id,
    uri: EXTENSION_URI[name],
  }));
  return {
    rtp,
    fmtp,
    rtcpFb,
    ext,
    direction: section.direction,
    rtcpMux: "rtcp-mux",
    rtcpRsize: "rtcp-rsize",
    ...simulcast(section),
    ...ssrcLines(section, options),
  };
}

function simulcast(section: Section): Partial<MediaDescription> {
  if (section.rids.length === 0 || section.direction === "sendonly" || section.direction === "inactive") return {};
  return {
    rids: section.rids.map((id) => ({ id, direction: "recv" })),
    simulcast: { dir1: "recv", list1: section.rids.join(";") },
  };
}

/**
 * The k-th sending audio and the k-th sending video section share a stream id: browsers keep the sound and the
 * picture of one stream in step, so the two slots of one participant should have the same number.
 */
function ssrcLines(
  section: Section,
  options: { readonly cname: string; readonly sections: readonly Section[] },
): Partial<MediaDescription> {
  if (section.sendSsrc === undefined) return {};
  const alike = options.sections.filter(({ kind, sendSsrc }) => kind === section.kind && sendSsrc !== undefined);
  const stream = `slot-${alike.indexOf(section)}`;
  const ids = section.rtxSsrc === undefined ? [section.sendSsrc] : [section.sendSsrc, section.rtxSsrc];
  return {
    msid: [{ id: stream, appdata: `${stream}-${section.kind}` }] as never,
    ssrcs: ids.map((id) => ({ id, attribute: "cname", value: options.cname })),
    ...(section.rtxSsrc === undefined ? {} : { ssrcGroups: [{ semantics: "FID", ssrcs: ids.join(" ") }] }),
  };
}
