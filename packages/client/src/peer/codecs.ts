import type { TrackKind } from "@lodeline/protocol";

/**
 * Codecs that are offered, best for a room first. Left out are RED, ULPFEC, FlexFEC, G.722, PCM and comfort noise: the
 * server forwards none of them, and each codec costs every section of the offer a dozen lines. With them a Chromium
 * offer of 25 + 25 slots has 158 kB, without 56 kB.
 */
const OFFERED: Record<TrackKind, readonly string[]> = {
  audio: ["audio/opus"],
  video: ["video/vp8", "video/h264", "video/vp9", "video/av1"],
};

const REPAIR = "video/rtx";

/** The codecs whose frames can be encrypted: ADR 19 says why no others. */
const ENCRYPTED = ["audio/opus", "video/vp8"];

/** The part of an RTCRtpCodec that the choice looks at. */
export interface CodecLike {
  readonly mimeType: string;
  readonly sdpFmtpLine?: string | undefined;
}

/**
 * The codecs to offer on a section, in order of preference, with retransmission for video.
 *
 * @param available - What the browser can receive (`RTCRtpReceiver.getCapabilities(kind).codecs`).
 * @param encrypted - Only those that can be encrypted end to end.
 * @returns For `setCodecPreferences`; empty when the browser has none of them, which means: leave its own order.
 */
export function preferredCodecs<C extends CodecLike>(kind: TrackKind, available: readonly C[], encrypted = false): C[] {
  const offered = OFFERED[kind].filter((mimeType) => !encrypted || ENCRYPTED.includes(mimeType));
  const chosen = offered.flatMap((mimeType) => ofType(available, mimeType));
  if (chosen.length === 0) return [];
  return [...chosen, ...ofType(available, REPAIR).filter(() => kind === "video")];
}

function ofType<C extends CodecLike>(available: readonly C[], mimeType: string): C[] {
  const same = available.filter((codec) => codec.mimeType.toLowerCase() === mimeType);
  // One variant of each is enough: H.264 comes in up to eight profiles, VP9 and AV1 with profiles for 10 bit and 4:4:4.
  const plain = same.find(isPlain);
  return plain === undefined ? same.slice(0, 1) : [plain];
}

function isPlain({ mimeType, sdpFmtpLine = "" }: CodecLike): boolean {
  // Constrained baseline, packetization mode 1: what every browser sends and receives (RFC 7742 section 6.2).
  if (/h264/i.test(mimeType)) return /id=42e0/i.test(sdpFmtpLine) && /mode=1/.test(sdpFmtpLine);
  // Profile 0 of VP9 (`profile-id`) and AV1 (`profile`), which is meant where none is named.
  return !/profile(-id)?=[^0]/.test(sdpFmtpLine);
}
