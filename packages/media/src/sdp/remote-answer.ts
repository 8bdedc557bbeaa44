import type { DtlsRole } from "../dtls/dtls-link.ts";
import type { RemoteCandidate } from "../ice/candidate-pair.ts";
import { parseCandidate } from "../ice/remote-candidate.ts";
import { answerSection, reverse } from "./answer.ts";
import type { CodecName } from "./codecs.ts";
import { type Direction, type Offer, type OfferedSection, readDescription, unusable } from "./offer.ts";
import { EXTENSION_URI, type ExtensionName, type Section, type SectionSsrcs } from "./section.ts";

/** An answer to an offer of ours. */
export interface Answer extends Offer {
  readonly dtlsRole: DtlsRole;
  /** Those in it that can be checked, in its order. More may follow, trickled. */
  readonly candidates: readonly RemoteCandidate[];
}

/** Candidates taken from one answer. */
const CANDIDATE_LIMIT = 100;

/**
 * Reads the answer to an offer. RFC 8829 section 5.11, RFC 3264 section 6.
 *
 * @param proposed - The sections of the offer.
 * @throws LodelineError `sdp/unusable`, with the line, for what is no answer to it.
 */
export function readAnswer(sdp: string, proposed: readonly Section[]): Answer {
  const answer = readDescription(sdp, "answer");
  const lines = sdp.split(/\r?\n/);
  const { sections, dtlsRole } = answer;
  if (sections.length !== proposed.length)
    throw unusable(lines, sections.at(-1)?.line ?? 1, `the offer has ${proposed.length} sections`);
  for (const [index, { kind, mid, line }] of sections.entries()) {
    const ours = proposed[index];
    if (kind !== ours?.kind || mid !== ours.mid)
      throw unusable(lines, line, `the offer has ${ours?.kind} with mid ${ours?.mid} here`);
  }
  if (dtlsRole === undefined) {
    const at = lines.findIndex((line) => line.startsWith("a=setup:"));
    throw unusable(lines, at < 0 ? lines.length : at + 1, "an answer says a=setup:active or passive");
  }
  const candidates = lines.filter((line) => line.startsWith("a=candidate:")).map(parseCandidate);
  return {
    ...answer,
    dtlsRole,
    candidates: candidates.filter((each) => each !== undefined).slice(0, CANDIDATE_LIMIT),
  };
}

/** What the sections of an offer became by its answer. */
export function agreedSections(
  answer: Answer,
  proposed: readonly Section[],
  options: { readonly videoCodecs: readonly CodecName[]; readonly ssrcsOf: (mid: string) => SectionSsrcs },
): Section[] {
  return proposed.map((ours, index) => answerSection(within(answer.sections[index] as OfferedSection, ours), options));
}

/** What of an answered section was offered: nobody may add to an offer. */
function within(theirs: OfferedSection, ours: Section): OfferedSection {
  return {
    ...theirs,
    rejected: theirs.rejected || ours.rejected,
    direction: reverse(both(reverse(theirs.direction), ours.direction)),
    codecs: theirs.codecs.filter(({ payloadType, name }) =>
      ours.codecs.some((codec) =>
        name === "rtx"
          ? codec.rtxPayloadType === payloadType
          : codec.payloadType === payloadType && codec.name === name,
      ),
    ),
    extensions: theirs.extensions.filter(({ id, uri }) =>
      Object.entries(ours.extensions).some(
        ([name, offered]) => offered === id && EXTENSION_URI[name as ExtensionName] === uri,
      ),
    ),
    rids: [],
  };
}

function both(one: Direction, other: Direction): Direction {
  const sends = one.startsWith("send") && other.startsWith("send");
  const receives = one.endsWith("recv") || one === "recvonly";
  const wanted = other.endsWith("recv") || other === "recvonly";
  if (receives && wanted) return sends ? "sendrecv" : "recvonly";
  return sends ? "sendonly" : "inactive";
}
