import { answerSections, writeAnswer } from "../src/sdp/answer.ts";
import { readOffer } from "../src/sdp/offer.ts";
import { proposeSections, type WantedSection, writeOffer } from "../src/sdp/own-offer.ts";
import type { Section } from "../src/sdp/section.ts";

/** What both ends need to make their sections. */
export const OWN = {
  videoCodecs: [],
  ssrcsOf: (mid: string) => ({ ssrc: 1000 + 2 * Number(mid), rtxSsrc: 1001 + 2 * Number(mid) }),
} as const;

const END = {
  sessionId: "7",
  version: 1,
  ice: { usernameFragment: "ours", password: "our-password" },
  fingerprint: "AA:BB",
  candidates: [{ address: "192.0.2.7", port: 5000 }],
  cname: "someone",
};

/** An offer of ours, and the sections it proposes. */
export function offerOf(wanted: readonly WantedSection[], before: readonly Section[] = []) {
  const sections = proposeSections(wanted, { ...OWN, before });
  return { sdp: writeOffer({ ...END, sections }), sections };
}

/** Our own answer to an offer. */
export function answerOf(offerSdp: string) {
  const offer = readOffer(offerSdp);
  const sections = answerSections(offer, OWN);
  return { sdp: writeAnswer({ ...END, offer, sections, dtlsRole: "client" }), sections };
}
