import type { OfferedCodec } from "./offer.ts";

/** Codecs that can be forwarded. */
export type CodecName = "opus" | "vp8" | "vp9" | "h264" | "av1";

/** A codec as agreed in one section. */
export interface SectionCodec {
  readonly name: CodecName;
  readonly payloadType: number;
  readonly rtxPayloadType: number | undefined;
  readonly clockRate: number;
  readonly fmtp: string;
  /** As agreed: the intersection of what was offered and what we do. */
  readonly feedback: readonly string[];
}

/** Video codecs in the order answered when nothing is preferred. VP8: every browser does simulcast with it. */
export const VIDEO_CODEC_ORDER: readonly CodecName[] = ["vp8", "h264", "vp9", "av1"];

/** What we do with video. REMB beside transport-cc: where both are agreed, browsers take it as an upper bound. */
const VIDEO_FEEDBACK: readonly string[] = ["goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"];

/** What we do with audio: it counts in the estimate where the browser numbers its packets too. */
const AUDIO_FEEDBACK: readonly string[] = ["transport-cc"];

/**
 * Chooses from an offered section what the answer accepts: one payload type for each codec, with its RTX.
 *
 * @param preferred - Video codecs to put first.
 * @returns Best first; empty when nothing fits.
 */
export function chooseCodecs(
  kind: "audio" | "video",
  offered: readonly OfferedCodec[],
  preferred: readonly CodecName[],
): SectionCodec[] {
  if (kind === "audio") {
    const opus = offered.find(
      ({ name, clockRate, channels }) => name === "opus" && clockRate === 48_000 && channels === 2,
    );
    return opus ? [sectionCodec("opus", opus, offered, AUDIO_FEEDBACK)] : [];
  }
  const order = [...new Set([...preferred, ...VIDEO_CODEC_ORDER])];
  return order.flatMap((name) => {
    const best = offered.filter((codec) => codec.name === name && rank(codec) > 0).sort((a, b) => rank(b) - rank(a))[0];
    return best ? [sectionCodec(name, best, offered, VIDEO_FEEDBACK)] : [];
  });
}

function sectionCodec(
  name: CodecName,
  codec: OfferedCodec,
  offered: readonly OfferedCodec[],
  feedback: readonly string[],
): SectionCodec {
  const rtx = offered.find(
    (other) => other.name === "rtx" && parameter(other.fmtp, "apt") === String(codec.payloadType),
  );
  return {
    name,
    payloadType: codec.payloadType,
    rtxPayloadType: rtx?.payloadType,
    clockRate: codec.clockRate,
    fmtp: name === "opus" ? opusParameters(codec.fmtp) : formatOf(codec.fmtp),
    feedback: feedback.filter((one) => codec.feedback.includes(one)),
  };
}

/** What describes the format. `x-google-*` is said to whoever sends it, by each end for itself. */
function formatOf(fmtp: string): string {
  return fmtp
    .split(";")
    .filter((part) => !part.trim().startsWith("x-google-"))
    .join(";");
}

/** In-band forward error correction both ways, stereo as offered. RFC 7587 section 6.1. */
function opusParameters(fmtp: string): string {
  const stereo = parameter(fmtp, "stereo");
  return `minptime=10;useinbandfec=1${stereo === undefined ? "" : `;stereo=${stereo}`}`;
}

/** How well one of several payload types of a codec serves: 0 not at all. Every browser has the ones ranked 2 and above. */
function rank(codec: OfferedCodec): number {
  if (codec.name === "vp9" || codec.name === "av1") {
    // Profile 0: 8 bits, 4:2:0.
    return (parameter(codec.fmtp, codec.name === "vp9" ? "profile-id" : "profile") ?? "0") === "0" ? 2 : 0;
  }
  if (codec.name !== "h264") return 1;
  if ((parameter(codec.fmtp, "packetization-mode") ?? "0") !== "1") return 0;
  const profile = (parameter(codec.fmtp, "profile-level-id") ?? "420010").toLowerCase();
  if (profile.startsWith("42e0")) return 3;
  return profile.startsWith("42") ? 2 : 0;
}

/** The value of one `key=value` of an `a=fmtp`. */
export function parameter(fmtp: string, name: string): string | undefined {
  for (const part of fmtp.split(";")) {
    const [key, value] = part.split("=");
    if (key?.trim() === name) return value?.trim();
  }
  return undefined;
}
