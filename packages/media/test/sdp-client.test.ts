import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parse } from "sdp-transform";
import { parseCandidate } from "../src/ice/remote-candidate.ts";
import { readOffer } from "../src/sdp/offer.ts";
import type { WantedSection } from "../src/sdp/own-offer.ts";
import { agreedSections, readAnswer } from "../src/sdp/remote-answer.ts";
import { answerOf, OWN, offerOf } from "./own-descriptions.ts";

const WANTED: readonly WantedSection[] = [
  { kind: "audio", direction: "sendonly" },
  { kind: "video" },
  { kind: "video", direction: "recvonly" },
  { kind: "application" },
];

/** What the sections of our offer become by an answer. */
function agreed(answer: string, { sections } = offerOf(WANTED)) {
  return agreedSections(readAnswer(answer, sections), sections, OWN);
}

describe("an offer of ours", () => {
  it("[SDP9] has every section bundled, both roles in DTLS, all candidates and their end", () => {
    const { sdp } = offerOf(WANTED);
    const parsed = parse(sdp);
    assert.equal(parsed.groups?.[0]?.mids, "0 1 2 3");
    assert.deepEqual(
      parsed.media.map(({ type, direction, setup, port }) => `${type} ${direction ?? ""} ${setup} ${port}`),
      ["audio sendonly actpass 9", "video sendrecv actpass 9", "video recvonly actpass 9", "application  actpass 9"],
    );
    assert.equal(parsed.media[0]?.candidates?.length, 1);
    assert.equal(parsed.media[0]?.endOfCandidates, "end-of-candidates");
    assert.deepEqual(
      parsed.media.map(({ ssrcs }) => new Set(ssrcs?.map(({ id }) => id)).size),
      [1, 2, 0, 0],
    );
    assert.equal(readOffer(sdp).dtlsRole, undefined);
  });

  it("[SDP10] and its answer make the same sections at both ends, each direction turned round", () => {
    const offer = offerOf(WANTED);
    const { sdp, sections: theirs } = answerOf(offer.sdp);
    const ours = agreed(sdp, offer);
    assert.deepEqual(
      ours.map(({ direction }) => direction),
      ["sendonly", "sendrecv", "recvonly", "sendrecv"],
    );
    for (const [index, section] of ours.entries()) {
      const other = theirs[index] ?? assert.fail();
      assert.deepEqual(section.codecs, other.codecs);
      assert.deepEqual(section.extensions, other.extensions);
      if (section.kind === "application") continue;
      const ssrcs = section.sendSsrc === undefined ? [] : [{ ssrc: section.sendSsrc, rtxSsrc: section.rtxSsrc }];
      assert.deepEqual(other.remoteSsrcs, ssrcs);
    }
  });

  it("[SDP10] what an answer leaves out or turns off is not there, and what it adds neither", () => {
    const { sdp } = answerOf(offerOf(WANTED).sdp);
    const vp8 = sdp
      .replaceAll(/^m=video 9 (\S+) .*\r$/gm, "m=video 9 $1 96 97\r")
      .replaceAll(/^a=(rtpmap|fmtp|rtcp-fb):(?!96|97|111).*\r\n/gm, "");
    assert.deepEqual(
      agreed(vp8).map(({ codecs }) => codecs.map(({ name }) => name)),
      [["opus"], ["vp8"], ["vp8"], []],
    );
    const foreign = vp8.replaceAll(/\b96\b/g, "120").replaceAll(/\b97\b/g, "121");
    assert.equal(agreed(foreign)[1]?.rejected, true);
    const more = sdp.replace("a=recvonly", "a=sendrecv").replace("a=sendrecv", "a=inactive");
    assert.deepEqual(
      agreed(more).map(({ direction, sendSsrc }) => `${direction} ${sendSsrc !== undefined}`),
      ["inactive false", "sendrecv true", "recvonly false", "sendrecv false"],
    );
    const swapped = sdp
      .replaceAll(/^a=extmap:4 .*\r\n/gm, "")
      .replaceAll(/^a=extmap:3 .*\r$/gm, "a=extmap:3 urn:other\r");
    assert.deepEqual(agreed(swapped)[1]?.extensions, {});
  });

  it("[SDP10] a section that was refused stays so", () => {
    const offer = offerOf(WANTED);
    const { sdp } = answerOf(offer.sdp);
    const refused = sdp.replace("m=video 9", "m=video 0").replace("BUNDLE 0 1 2 3", "BUNDLE 0 2 3");
    const sections = agreed(refused, offer);
    assert.deepEqual(
      sections.map(({ rejected }) => rejected),
      [false, true, false, false],
    );
    const again = parse(offerOf(WANTED, sections).sdp);
    assert.equal(again.media[1]?.port, 0);
    assert.equal(again.groups?.[0]?.mids, "0 2 3");
  });

  it("[SDP6] is answered by what answers it, or the line that does not is named", () => {
    const offer = offerOf(WANTED);
    const { sdp } = answerOf(offer.sdp);
    const line = (text: string) => sdp.split("\r\n").indexOf(text) + 1;
    const wrong = [
      [sdp.replaceAll("a=setup:active", "a=setup:actpass"), line("a=setup:active")],
      [
        sdp.replace("a=mid:1\r", "a=mid:9\r").replace("BUNDLE 0 1", "BUNDLE 0 9"),
        sdp.slice(0, sdp.indexOf("m=video")).split("\r\n").length,
      ],
      [
        sdp.slice(0, sdp.indexOf("m=application")).replace("0 1 2 3", "0 1 2"),
        sdp.slice(0, sdp.lastIndexOf("m=video")).split("\r\n").length,
      ],
    ] as const;
    for (const [text, at] of wrong)
      assert.throws(() => readAnswer(text, offer.sections), { code: "sdp/unusable", field: `sdp:${at}` });
  });

  it("[CAND3] only addresses of UDP are candidates to check", () => {
    const text = "candidate:1 1 udp 2113937151 192.0.2.4 51234 typ srflx raddr 0.0.0.0 rport 9 ufrag good";
    const read = { foundation: "1", priority: 2_113_937_151, address: "192.0.2.4", port: 51_234, type: "srflx" };
    for (const one of [text, `a=${text}`, text.replace("udp", "UDP")]) assert.deepEqual(parseCandidate(one), read);
    assert.equal(parseCandidate(text.replace("192.0.2.4", "2001:db8::4"))?.address, "2001:db8::4");
    for (const [from, to] of [
      ["192.0.2.4", "0e3f1a2b.local"],
      ["udp", "tcp"],
      ["1 1 udp", "1 2 udp"],
      ["51234", "0"],
      ["51234", "70000"],
      ["2113937151", "4113937151"],
      ["typ srflx", "typ other"],
    ] as const) {
      assert.equal(parseCandidate(text.replace(from, to)), undefined, to);
    }
  });
});
