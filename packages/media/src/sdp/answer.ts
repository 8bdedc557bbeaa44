import type { DtlsRole } from "../dtls/dtls-link.ts";
import type { IceCredentials } from "../ice/ice-types.ts";
import { type CodecName, chooseCodecs, type SectionCodec } from "./codecs.ts";
import { type HostCandidate, writeDescription } from "./description.ts";
import type { Direction, Offer, OfferedSection } from "./offer.ts";
import { EXTENSION_URI, type ExtensionName, type Section, type SectionSsrcs } from "./section.ts";

/** Decides what each offered section becomes. */
export function answerSections(
  offer: Offer,
  options: { readonly videoCodecs: readonly CodecName[]; readonly ssrcsOf: (mid: string) => SectionSsrcs },
): Section[] {
  return offer.sections.map((offered) => answerSection(offered, options));
}

/**
 * What a section becomes that the other side described.
 *
 * @param offered - In an answer to us, what is left of our own offer.
 */
export function answerSection(
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

/** A direction of theirs as ours. */
export function reverse(direction: Direction): Direction {
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
  const { offer, dtlsRole, ...described } = options;
  return writeDescription({
    ...described,
    frames: offer.sections,
    mixedExtensions: offer.mixedExtensions,
    setup: dtlsRole === "client" ? "active" : "passive",
  });
}
