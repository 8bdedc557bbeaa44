import { LodelineError } from "@lodeline/base";
import type { IceCredentials } from "../ice/ice-types.ts";
import { type CodecName, type SectionCodec, VIDEO_CODEC_ORDER } from "./codecs.ts";
import { type HostCandidate, type SectionFrame, writeDescription } from "./description.ts";
import type { Direction } from "./offer.ts";
import type { ExtensionName, Section, SectionSsrcs } from "./section.ts";

/** One section that an offer of ours is to have. Its mid is its place in the list: `"0"`, `"1"` ... */
export interface WantedSection {
  readonly kind: "audio" | "video" | "application";
  /** Ours: `sendonly` is a slot to forward into, `recvonly` a section to publish from. Default `sendrecv`. */
  readonly direction?: Direction | undefined;
}

/** Most sections that we offer: as many as we answer. */
const SECTION_LIMIT = 128;

/** As Chromium numbers them, so that whoever knows only its offers is at home in ours. */
const PAYLOAD_TYPES: Readonly<Record<CodecName, number>> = { opus: 111, vp8: 96, vp9: 98, h264: 102, av1: 45 };

/** What every browser decodes: RFC 7587 section 6.1, RFC 6184 section 8.1, and profile 0 of the others. */
const PARAMETERS: Readonly<Record<CodecName, string>> = {
  opus: "minptime=10;useinbandfec=1",
  vp8: "",
  vp9: "profile-id=0",
  h264: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
  av1: "level-idx=5;profile=0;tier=0",
};

const VIDEO_FEEDBACK = ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"];

/** One id for one extension in the whole bundle. RFC 9143 section 10. */
const EXTENSION_IDS: Partial<Record<ExtensionName, number>> = { mid: 4, transportSequence: 3 };

/**
 * The sections of an offer, as they are if the other side takes all of it.
 *
 * @param before - As negotiated last: a section that was refused stays refused.
 * @throws LodelineError `media/unknown-section` where a section of before is missing or has another kind.
 */
export function proposeSections(
  wanted: readonly WantedSection[],
  options: {
    readonly before: readonly Section[];
    readonly videoCodecs: readonly CodecName[];
    readonly ssrcsOf: (mid: string) => SectionSsrcs;
  },
): Section[] {
  const { before } = options;
  if (wanted.length === 0 || wanted.length > SECTION_LIMIT)
    throw new RangeError(`wanted: 1 to ${SECTION_LIMIT} sections`);
  const missing = before.find(({ kind }, index) => wanted[index]?.kind !== kind);
  if (missing) {
    const detail = `section ${missing.mid} is one of ${missing.kind} and has to stay: RFC 3264 section 8`;
    throw new LodelineError("media/unknown-section", { field: missing.mid, detail });
  }
  return wanted.map((one, index) => proposeSection(one, String(index), before[index]?.rejected === true, options));
}

function proposeSection(
  { kind, direction = "sendrecv" }: WantedSection,
  mid: string,
  rejected: boolean,
  options: { readonly videoCodecs: readonly CodecName[]; readonly ssrcsOf: (mid: string) => SectionSsrcs },
): Section {
  const codecs = kind === "application" || rejected ? [] : offeredCodecs(kind, options.videoCodecs);
  const sends = codecs.length > 0 && direction.startsWith("send");
  const ssrcs = sends ? options.ssrcsOf(mid) : undefined;
  return {
    mid,
    kind,
    direction: rejected ? "inactive" : kind === "application" ? "sendrecv" : direction,
    rids: [],
    sendSsrc: ssrcs?.ssrc,
    rtxSsrc: kind === "video" ? ssrcs?.rtxSsrc : undefined,
    codecs,
    extensions: kind === "application" ? {} : offeredExtensions(kind, codecs),
    remoteSsrcs: [],
    rejected,
  };
}

function offeredCodecs(kind: "audio" | "video", preferred: readonly CodecName[]): SectionCodec[] {
  const names = kind === "audio" ? (["opus"] as const) : [...new Set([...preferred, ...VIDEO_CODEC_ORDER])];
  return names.map((name) => ({
    name,
    payloadType: PAYLOAD_TYPES[name],
    rtxPayloadType: kind === "video" ? PAYLOAD_TYPES[name] + 1 : undefined,
    clockRate: kind === "audio" ? 48_000 : 90_000,
    fmtp: PARAMETERS[name],
    feedback: kind === "audio" ? ["transport-cc"] : VIDEO_FEEDBACK,
  }));
}

function offeredExtensions(kind: "audio" | "video", [first]: readonly SectionCodec[]): Section["extensions"] {
  if (kind === "audio") return { ...EXTENSION_IDS, audioLevel: 1 };
  // Beside VP8 it would take the temporal layer out of the VP8 descriptor: see the answer's rule.
  return first?.name === "av1" || first?.name === "vp9" ? { ...EXTENSION_IDS, dependencyDescriptor: 8 } : EXTENSION_IDS;
}

/** Writes an offer that leaves the role in DTLS to the other side. RFC 8829 section 5.2, RFC 8842 section 5.2. */
export function writeOffer(options: {
  readonly sections: readonly Section[];
  readonly sessionId: string;
  readonly version: number;
  readonly ice: IceCredentials;
  readonly fingerprint: string;
  readonly candidates: readonly HostCandidate[];
  readonly cname: string;
}): string {
  return writeDescription({
    ...options,
    frames: options.sections.map(frameOf),
    iceOptions: "ice2 trickle",
    mixedExtensions: true,
    setup: "actpass",
  });
}

function frameOf({ kind }: Section): SectionFrame {
  return kind === "application"
    ? { protocol: "UDP/DTLS/SCTP", formats: "webrtc-datachannel" }
    : { protocol: "UDP/TLS/RTP/SAVPF", formats: "0" };
}
