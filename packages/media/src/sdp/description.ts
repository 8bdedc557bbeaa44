import { type MediaDescription, type SessionDescription, write } from "sdp-transform";
import { DATA_MESSAGE_LIMIT_BYTES } from "../data-channel.ts";
import { SCTP_PORT } from "../data-channels.ts";
import type { IceCredentials } from "../ice/ice-types.ts";
import type { SectionCodec } from "./codecs.ts";
import { EXTENSION_URI, type ExtensionName, type Section } from "./section.ts";

/**
 * What Chromium supposes of the path before it knows, kbit/s. Its own guess of 300 is too little for its first pictures: it
 * makes them 320x180, and of one encoding alone it takes more than half a minute to enlarge them. It begins no 1280x720
 * below 900. Other browsers ignore it, and so does a renegotiation.
 */
const START_KBPS = 1_000;

/** A host candidate of ours. */
export interface HostCandidate {
  readonly address: string;
  readonly port: number;
  /** Default `udp`; `tcp` is one that the browser connects to. RFC 6544. */
  readonly transport?: "udp" | "tcp" | undefined;
}

/** What an `m=` line says besides its kind: for data and for what is refused, the formats too. */
export interface SectionFrame {
  readonly protocol: string;
  readonly formats: string;
}

/** What a description of ours says. */
export interface Description {
  readonly sections: readonly Section[];
  /** One for each section. */
  readonly frames: readonly SectionFrame[];
  readonly sessionId: string;
  readonly version: number;
  readonly ice: IceCredentials;
  /** As `a=ice-options`, RFC 8839 section 5.6. Default none. */
  readonly iceOptions?: string | undefined;
  readonly fingerprint: string;
  readonly setup: "active" | "passive" | "actpass";
  /** Header extensions of the one-byte and the two-byte form may alternate. RFC 8285 section 4.1.2. */
  readonly mixedExtensions: boolean;
  readonly candidates: readonly HostCandidate[];
  readonly cname: string;
}

/** Writes an offer or an answer, with all our candidates in it. RFC 8829 sections 5.2 and 5.3. */
export function writeDescription(options: Description): string {
  const { sections } = options;
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
    ...(options.iceOptions === undefined ? {} : { iceOptions: options.iceOptions }),
    ...(options.mixedExtensions ? { extmapAllowMixed: "extmap-allow-mixed" } : {}),
    msidSemantic: { semantic: "WMS", token: "*" },
    media: sections.map((section, index) => writeSection(section, options.frames[index] as SectionFrame, options)),
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

function writeSection(section: Section, { protocol, formats }: SectionFrame, options: Description): MediaDescription {
  const base = {
    type: section.kind,
    port: section.rejected ? 0 : 9,
    protocol,
    payloads: section.kind === "application" || section.rejected ? formats : payloads(section),
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
    setup: options.setup,
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

/** A codec's parameters; with the rate to begin with where the browser is to send it. */
function configOf({ payloadType, fmtp }: SectionCodec, isSent: boolean): { payload: number; config: string }[] {
  const config = [...(fmtp === "" ? [] : [fmtp]), ...(isSent ? [`x-google-start-bitrate=${START_KBPS}`] : [])];
  return config.length === 0 ? [] : [{ payload: payloadType, config: config.join(";") }];
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
  const receives = section.direction === "recvonly" || section.direction === "sendrecv";
  const fmtp = section.codecs.flatMap((codec) => [
    ...configOf(codec, section.kind === "video" && receives),
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
