import { LodelineError } from "@lodeline/base";
import { type MediaDescription, parse } from "sdp-transform";
import type { DtlsRole, RemoteFingerprint } from "../dtls/dtls-link.ts";
import type { IceCredentials } from "../ice/ice-types.ts";

/** As in `a=sendrecv` and its kin. RFC 8866 section 6.7. */
export type Direction = "sendrecv" | "sendonly" | "recvonly" | "inactive";

/** One payload type of an offered section. */
export interface OfferedCodec {
  readonly payloadType: number;
  /** Lower case, such as `vp8` or `rtx`. */
  readonly name: string;
  readonly clockRate: number;
  readonly channels: number;
  readonly fmtp: string;
  /** As `nack pli`. */
  readonly feedback: readonly string[];
}

/** One `m=` section of a remote description, read for what we need. */
export interface OfferedSection {
  readonly mid: string;
  readonly kind: "audio" | "video" | "application";
  /** The line number of the `m=` line, from 1. */
  readonly line: number;
  /** The protocol and format fields, repeated in the answer. */
  readonly protocol: string;
  readonly formats: string;
  /** Offered with port 0 and not bundle-only: the offerer takes the section out of use. */
  readonly rejected: boolean;
  readonly direction: Direction;
  readonly codecs: readonly OfferedCodec[];
  readonly extensions: readonly { readonly id: number; readonly uri: string }[];
  /** RIDs the offerer will send, in its order. */
  readonly rids: readonly string[];
  /** Primary SSRCs announced by the offerer, with their RTX SSRC. */
  readonly ssrcs: readonly { readonly ssrc: number; readonly rtxSsrc: number | undefined }[];
  readonly sctpPort: number | undefined;
  readonly maxMessageSizeBytes: number | undefined;
}

/** A remote description, an offer mostly, read for what we need. */
export interface Offer {
  readonly sections: readonly OfferedSection[];
  readonly bundle: readonly string[];
  readonly ice: IceCredentials;
  readonly fingerprints: readonly RemoteFingerprint[];
  /** Header extensions of the one-byte and the two-byte form may alternate. RFC 8285 section 4.1.2. */
  readonly mixedExtensions: boolean;
  /** Which role in DTLS it leaves to us: `undefined` for either. */
  readonly dtlsRole: DtlsRole | undefined;
}

/** Longest mid: what fits a one-byte header extension. RFC 8285 section 4.2. */
const MID_LIMIT_BYTES = 16;

/** Most sections in one offer. */
const SECTION_LIMIT = 128;

/** Longest description that is read; 25 slots with every codec are 158 kB (Chromium). */
export const OFFER_LIMIT_BYTES = 400_000;

/**
 * Reads an offer and refuses what cannot be answered. RFC 8829 section 5.8, RFC 9143.
 *
 * @throws LodelineError `sdp/unusable` with `field` = `sdp:<line>` and the line's text in the detail.
 */
export function readOffer(sdp: string): Offer {
  return readDescription(sdp, "offer");
}

/**
 * Reads what offers and answers have in common.
 *
 * @param kind - For what is said of a wrong one.
 * @throws LodelineError `sdp/unusable`, as {@link readOffer}.
 */
export function readDescription(sdp: string, kind: "offer" | "answer"): Offer {
  const lines = checkLines(sdp, kind);
  const parsed = parse(sdp);
  const mLines = lines.flatMap((line, index) => (line.startsWith("m=") ? [index + 1] : []));
  if (mLines.length === 0) throw unusable(lines, lines.length, `the ${kind} has no m= section`);
  const excess = mLines[SECTION_LIMIT];
  if (excess !== undefined) throw unusable(lines, excess, `more than ${SECTION_LIMIT} sections`);
  const sections = parsed.media.map((media, index) => readSection(media, lines, mLines[index] ?? 1));
  const bundle = bundleOf(parsed.groups);
  const transportSection = parsed.media.find((media) => bundle.includes(String(media.mid))) ?? parsed.media[0];
  const transportLine = mLines[transportSection ? parsed.media.indexOf(transportSection) : 0] ?? 1;
  checkMids(sections, bundle, lines);
  const usernameFragment = transportSection?.iceUfrag ?? parsed.iceUfrag;
  const password = transportSection?.icePwd ?? parsed.icePwd;
  if (usernameFragment === undefined || password === undefined) {
    throw unusable(lines, transportLine, "the section that carries the bundle has no ICE credentials");
  }
  const fingerprints = (
    parsed.media.flatMap((media) => (media.fingerprint ? [media.fingerprint] : [])) as { type: string; hash: string }[]
  )
    .concat(parsed.fingerprint ? [parsed.fingerprint] : [])
    .map(({ type, hash }) => ({ hash: String(type).toLowerCase(), value: String(hash).toUpperCase() }));
  if (fingerprints.length === 0) throw unusable(lines, transportLine, `the ${kind} has no DTLS fingerprint`);
  return {
    sections,
    bundle,
    ice: { usernameFragment: String(usernameFragment), password: String(password) },
    fingerprints: fingerprints.filter(
      (one, index) => fingerprints.findIndex((other) => other.value === one.value) === index,
    ),
    dtlsRole: readSetup(lines),
    mixedExtensions: lines.includes("a=extmap-allow-mixed"),
  };
}

/** Refuses what is not SDP at all: every line is a letter, `=`, a value; the first is `v=0`. RFC 8866 section 5. */
function checkLines(sdp: string, kind: "offer" | "answer"): string[] {
  if (sdp.length > OFFER_LIMIT_BYTES)
    throw unusable([sdp.slice(0, 80)], 1, `the ${kind} is longer than ${OFFER_LIMIT_BYTES} bytes`);
  const lines = sdp.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  for (const [index, line] of lines.entries()) {
    if (!/^[a-z]=/.test(line)) throw unusable(lines, index + 1, "not an SDP line");
  }
  if (lines[0]?.trim() !== "v=0") throw unusable(lines, 1, "the first line must be v=0");
  return lines;
}

/** The error for a description, with the line that is wrong, from 1, and its text. */
export function unusable(lines: readonly string[], line: number, why: string): LodelineError {
  const text = (lines[line - 1] ?? "").slice(0, 120);
  return new LodelineError("sdp/unusable", {
    field: `sdp:${line}`,
    detail: `${why}; line ${line}: ${JSON.stringify(text)}`,
  });
}

function bundleOf(groups: readonly { type: string; mids: string }[] | undefined): string[] {
  const group = groups?.find(({ type }) => type === "BUNDLE");
  return group ? String(group.mids).split(" ") : [];
}

function checkMids(sections: readonly OfferedSection[], bundle: readonly string[], lines: readonly string[]): void {
  const seen = new Set<string>();
  for (const section of sections) {
    if (section.mid === "") throw unusable(lines, section.line, "the section has no a=mid");
    if (!/^[\x21-\x7e]+$/.test(section.mid) || section.mid.length > MID_LIMIT_BYTES) {
      throw unusable(lines, section.line, `the mid is not ASCII or longer than ${MID_LIMIT_BYTES} characters`);
    }
    if (seen.has(section.mid)) throw unusable(lines, section.line, `the mid ${section.mid} is used twice`);
    seen.add(section.mid);
    if (sections.length > 1 && !section.rejected && !bundle.includes(section.mid)) {
      throw unusable(lines, section.line, "the section is not in the BUNDLE group");
    }
  }
}

/** All sections share one transport, so they must say the same. RFC 8842 section 5. */
function readSetup(lines: readonly string[]): DtlsRole | undefined {
  const all = lines.flatMap((line, index) => (line.startsWith("a=setup:") ? [index] : []));
  const said = new Set(all.map((at) => (lines[at] ?? "").slice("a=setup:".length).trim()));
  const [setup = "actpass", ...others] = said;
  if (others.length > 0 || !/^(actpass|active|passive)$/.test(setup))
    throw unusable(lines, (all.at(-1) ?? 0) + 1, "a=setup must be the same everywhere: actpass, active or passive");
  return setup === "actpass" ? undefined : setup === "active" ? "server" : "client";
}

function readSection(media: MediaDescription, lines: readonly string[], line: number): OfferedSection {
  const kind = media.type;
  if (kind !== "audio" && kind !== "video" && kind !== "application")
    throw unusable(lines, line, `no media of type ${kind} here`);
  const isData = kind === "application";
  const fits = isData ? /^(UDP|TCP)\/DTLS\/SCTP$/ : /^(UDP|TCP)\/TLS\/RTP\/SAVPF$/;
  if (!fits.test(media.protocol)) throw unusable(lines, line, `the protocol ${media.protocol} is not supported`);
  if (!isData && media.rtcpMux === undefined && media.port !== 0)
    throw unusable(lines, line, "the section has no a=rtcp-mux");
  return {
    mid: media.mid === undefined ? "" : String(media.mid),
    kind,
    line,
    protocol: media.protocol,
    formats: String(media.payloads ?? ""),
    // Firefox offers port 0 with a=bundle-only for every section but the first. RFC 9143 section 6.
    rejected: media.port === 0 && media.bundleOnly === undefined,
    direction: media.direction ?? "sendrecv",
    codecs: isData ? [] : readCodecs(media),
    extensions: (media.ext ?? []).map(({ value, uri }) => ({ id: Number(value), uri: String(uri) })),
    rids: readRids(media),
    ssrcs: readSsrcs(media),
    sctpPort: (media as { sctpPort?: number }).sctpPort,
    maxMessageSizeBytes: (media as { maxMessageSize?: number }).maxMessageSize,
  };
}

function readCodecs(media: MediaDescription): OfferedCodec[] {
  const order = String(media.payloads ?? "")
    .split(" ")
    .map(Number);
  const feedback = media.rtcpFb ?? [];
  return order.flatMap((payloadType) => {
    const map = media.rtp.find(({ payload }) => payload === payloadType);
    if (map === undefined) return [];
    return [
      {
        payloadType,
        name: String(map.codec).toLowerCase(),
        clockRate: Number(map.rate ?? 90_000),
        channels: Number(map.encoding ?? 1),
        fmtp: String(media.fmtp.find(({ payload }) => payload === payloadType)?.config ?? ""),
        feedback: feedback
          .filter(({ payload }) => payload === payloadType || payload === "*")
          .map(({ type, subtype }) => (subtype ? `${type} ${subtype}` : type)),
      },
    ];
  });
}

/** RIDs in the order of `a=simulcast`, without the paused mark; alternatives (`a,b`) count by their first. RFC 8853. */
function readRids(media: MediaDescription): string[] {
  const { simulcast } = media;
  const list = simulcast?.dir1 === "send" ? simulcast.list1 : simulcast?.dir2 === "send" ? simulcast.list2 : undefined;
  if (list !== undefined)
    return String(list)
      .split(";")
      .map((one) => (one.split(",")[0] ?? "").replace(/^~/, ""));
  return (media.rids ?? []).filter(({ direction }) => direction === "send").map(({ id }) => String(id));
}

function readSsrcs(media: MediaDescription): { ssrc: number; rtxSsrc: number | undefined }[] {
  const groups = (media.ssrcGroups ?? [])
    .filter(({ semantics }) => semantics === "FID")
    .map(({ ssrcs }) => String(ssrcs).split(" ").map(Number));
  const repairs = new Set(groups.map(([, rtx]) => rtx));
  const all = [...new Set((media.ssrcs ?? []).map(({ id }) => Number(id)))];
  return all
    .filter((ssrc) => !repairs.has(ssrc))
    .map((ssrc) => ({ ssrc, rtxSsrc: groups.find(([primary]) => primary === ssrc)?.[1] }));
}
