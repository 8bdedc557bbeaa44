import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { integer, LodelineError, seededRandom } from "@lodeline/base";
import { parse } from "sdp-transform";
import { answerSections, writeAnswer } from "../src/sdp/answer.ts";
import type { CodecName } from "../src/sdp/codecs.ts";
import { readOffer } from "../src/sdp/offer.ts";

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.sdp`, import.meta.url), "utf8");

const OFFERS = { chromium: fixture("chromium-slots"), firefox: fixture("firefox-slots") };

function answer(sdp: string, videoCodecs: CodecName[] = [], dtlsRole: "client" | "server" = "client") {
  const offer = readOffer(sdp);
  const ssrcsOf = (mid: string) => ({ ssrc: 1000 + 2 * Number(mid), rtxSsrc: 1001 + 2 * Number(mid) });
  const sections = answerSections(offer, { videoCodecs, ssrcsOf });
  const text = writeAnswer({
    offer,
    sections,
    sessionId: "7",
    version: 2,
    ice: { usernameFragment: "ours", password: "our-password" },
    fingerprint: "AA:BB",
    dtlsRole,
    candidates: [
      { address: "127.0.0.1", port: 5000 },
      { address: "192.0.2.7", port: 5001 },
      { address: "192.0.2.7", port: 5001, transport: "tcp" },
    ],
    cname: "someone",
  });
  return { offer, sections, text, parsed: parse(text) };
}

function refusal(sdp: string): LodelineError {
  try {
    readOffer(sdp);
  } catch (error) {
    assert.ok(error instanceof LodelineError, String(error));
    return error;
  }
  return assert.fail("the offer was accepted");
}

for (const [browser, offer] of Object.entries(OFFERS)) {
  describe(`an offer of ${browser}`, () => {
    it("[SDP1] is answered section by section, each direction turned round", () => {
      const { sections, parsed } = answer(offer);
      assert.deepEqual(
        sections.map(({ mid, kind, direction }) => `${mid} ${kind} ${direction}`),
        [
          "0 audio recvonly",
          "1 video recvonly",
          "2 audio sendonly",
          "3 video sendonly",
          "4 audio sendonly",
          "5 video sendonly",
          "6 application sendrecv",
        ],
      );
      assert.equal(parsed.groups?.[0]?.mids, "0 1 2 3 4 5 6");
      for (const media of parsed.media) {
        assert.equal(media.port, 9);
        assert.equal(media.setup, "active");
        assert.equal(media.iceUfrag, "ours");
      }
    });

    it("[SDP8] leaves the role in DTLS to us, or names it", () => {
      assert.equal(readOffer(offer).dtlsRole, undefined);
      assert.equal(readOffer(offer.replaceAll("a=setup:actpass", "a=setup:active")).dtlsRole, "server");
      assert.equal(readOffer(offer.replaceAll("a=setup:actpass", "a=setup:passive")).dtlsRole, "client");
      for (const media of answer(offer, [], "server").parsed.media) assert.equal(media.setup, "passive");
    });

    it("[SDP2] gets fixed SSRCs where we send, and none elsewhere", () => {
      const { sections, parsed } = answer(offer);
      for (const [index, media] of parsed.media.entries()) {
        const { sendSsrc, rtxSsrc, direction, kind } = sections[index] ?? assert.fail();
        const sends = direction === "sendonly" && kind !== "application";
        assert.equal(sendSsrc !== undefined, sends);
        assert.deepEqual(
          [...new Set((media.ssrcs ?? []).map(({ id }) => id))],
          [sendSsrc, rtxSsrc].filter((one) => one !== undefined),
        );
        if (kind === "video" && sends) assert.equal(media.ssrcGroups?.[0]?.ssrcs, `${sendSsrc} ${rtxSsrc}`);
      }
    });

    it("[SDP3] has no section refused, whatever port it was offered with", () => {
      assert.ok(answer(offer).sections.every(({ rejected }) => !rejected));
      const removed = offer.replace(/m=video \d+ ([^\n]*)\n([\s\S]*?)(?=m=)/, (_all, rest: string, body: string) => {
        return `m=video 0 ${rest}\n${body.replace("a=bundle-only\r\n", "")}`;
      });
      const { sections, parsed } = answer(removed);
      assert.deepEqual(sections.map(({ rejected }) => rejected).indexOf(true), 1);
      assert.equal(parsed.media[1]?.port, 0);
      assert.equal(parsed.groups?.[0]?.mids, "0 2 3 4 5 6");
    });

    it("[SDP4] gets one payload type for each codec, the preferred first, with transport-wide feedback and without RED", () => {
      const { sections, text } = answer(offer);
      const video = sections.find(({ kind }) => kind === "video");
      assert.equal(video?.codecs[0]?.name, "vp8");
      assert.ok(video?.codecs.every(({ rtxPayloadType }) => rtxPayloadType !== undefined));
      assert.equal(new Set(video?.codecs.map(({ name }) => name)).size, video?.codecs.length);
      assert.doesNotMatch(text, / red\/|ulpfec|telephone/i);
      const offered = (kind: string) => kind === "video" || offer.includes("111 transport-cc");
      for (const { codecs, extensions, kind } of sections.filter(
        (one) => offered(one.kind) && one.kind !== "application",
      )) {
        assert.ok(
          codecs.every(({ feedback }) => feedback.includes("transport-cc")),
          `${kind} is counted`,
        );
        assert.ok(extensions.transportSequence, `${kind} is numbered`);
      }
      assert.match(text, /a=rtcp-fb:\d+ nack pli/);
      assert.match(text, /a=rtcp-fb:\d+ goog-remb/);
      assert.match(text, /a=fmtp:\d+ minptime=10;useinbandfec=1/);
      assert.equal(answer(offer, ["vp9"]).sections.find(({ kind }) => kind === "video")?.codecs[0]?.name, "vp9");
    });

    it("[SDP11] names the rate to begin with for each codec of a video that is sent to us, and for no other", () => {
      const { sections, parsed } = answer(offer);
      for (const [at, { kind, direction, codecs }] of sections.entries()) {
        const starts = (parsed.media[at]?.fmtp ?? []).filter(({ config }) =>
          config.includes("x-google-start-bitrate=1000"),
        );
        const isSent = kind === "video" && (direction === "recvonly" || direction === "sendrecv");
        const expected = isSent ? codecs.map(({ payloadType }) => payloadType) : [];
        assert.deepEqual(
          starts.map(({ payload }) => payload),
          expected,
        );
      }
    });

    it("[SDP5] keeps its layers in order", () => {
      const { parsed, sections } = answer(offer);
      assert.deepEqual(sections[1]?.rids, ["q", "h", "f"]);
      assert.equal(parsed.media[1]?.simulcast?.list1, "q;h;f");
      assert.equal(parsed.media[1]?.simulcast?.dir1, "recv");
      assert.equal(parsed.media[3]?.simulcast, undefined);
    });

    it("[SDP7] gets every candidate once, in the first section, and their end", () => {
      const { parsed } = answer(offer);
      assert.deepEqual(
        parsed.media[0]?.candidates?.map(({ transport, ip, port, type, tcptype = "" }) =>
          `${transport} ${ip} ${port} ${type} ${tcptype}`.trim(),
        ),
        ["udp 127.0.0.1 5000 host", "udp 192.0.2.7 5001 host", "tcp 192.0.2.7 5001 host passive"],
      );
      const priorities = (parsed.media[0]?.candidates ?? []).map(({ priority = 0 }) => Number(priority));
      assert.deepEqual(
        priorities,
        [...priorities].sort((a, b) => b - a),
        "the best first, TCP after all UDP",
      );
      assert.equal(parsed.media[0]?.endOfCandidates, "end-of-candidates");
      assert.ok(parsed.media.slice(1).every(({ candidates }) => candidates === undefined));
    });
  });
}

describe("an offer that cannot be answered", () => {
  const { chromium } = OFFERS;
  const cases: Record<string, [string, RegExp, RegExp]> = {
    "is empty": ["", /^sdp:1$/, /not an SDP line|v=0|no m=/],
    "is not SDP": ["hello\r\nworld\r\n", /^sdp:1$/, /"hello"/],
    "has a broken line": [chromium.replace("s=-\r\n", "s=-\r\nrubbish\r\n"), /^sdp:4$/, /"rubbish"/],
    "does not begin with the version": [chromium.replace("v=0\r\n", ""), /^sdp:1$/, /v=0/],
    "has no section": ["v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n", /^sdp:4$/, /no m= section/],
    "has a section of another protocol": [
      chromium.replace("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 RTP/AVP"),
      /^sdp:\d+$/,
      /m=audio 9 RTP\/AVP/,
    ],
    "has a section of another kind": [chromium.replace("m=audio", "m=text"), /^sdp:\d+$/, /m=text/],
    "has no ICE credentials": [chromium.replace(/a=ice-ufrag:.*\r\n/g, ""), /^sdp:\d+$/, /ICE credentials.*m=audio/],
    "has no fingerprint": [chromium.replace(/a=fingerprint:.*\r\n/g, ""), /^sdp:\d+$/, /fingerprint/],
    "wants no role in DTLS": [
      chromium.replaceAll("a=setup:actpass", "a=setup:holdconn"),
      /^sdp:\d+$/,
      /"a=setup:holdconn"/,
    ],
    "wants two roles in DTLS": [
      chromium.replace("a=setup:actpass", "a=setup:active"),
      /^sdp:\d+$/,
      /the same everywhere/,
    ],
    "has a mid twice": [chromium.replace("a=mid:1\r\n", "a=mid:0\r\n"), /^sdp:\d+$/, /used twice.*m=video/],
    "has a section outside the bundle": [
      chromium.replace("BUNDLE 0 1 2", "BUNDLE 0 1"),
      /^sdp:\d+$/,
      /BUNDLE.*m=audio/,
    ],
    "has no rtcp-mux": [chromium.replace("a=rtcp-mux\r\n", ""), /^sdp:\d+$/, /rtcp-mux/],
    "has a mid that fits no header": [
      chromium.replaceAll(/(a=mid:1)\r\n/g, "$1xxxxxxxxxxxxxxxx\r\n"),
      /^sdp:\d+$/,
      /mid.*m=video/,
    ],
    "has too many sections": [
      chromium + Array.from({ length: 130 }, (_, i) => `m=audio 0 UDP/TLS/RTP/SAVPF 111\r\na=mid:x${i}\r\n`).join(""),
      /^sdp:\d+$/,
      /more than 128/,
    ],
    "is too long": [chromium + "a=x\r\n".repeat(100_000), /^sdp:1$/, /longer than/],
  };
  for (const [what, [sdp, field, detail]] of Object.entries(cases)) {
    it(`[SDP6] because it ${what}`, () => {
      const error = refusal(sdp);
      assert.equal(error.code, "sdp/unusable");
      assert.match(error.field ?? "", field);
      assert.match(error.detail, detail);
      const line = Number((error.field ?? "").slice(4));
      if (line > 1)
        assert.ok(
          error.detail.includes(JSON.stringify((sdp.split("\r\n")[line - 1] ?? "").slice(0, 120))),
          error.detail,
        );
    });
  }
});

describe("damaged offers", () => {
  it("[SDP6] 4,000 of them are answered or refused with their line, and nothing else", () => {
    const random = seededRandom(12);
    let refused = 0;
    for (let round = 0; round < 4000; round++) {
      const lines = (round % 2 === 0 ? OFFERS.chromium : OFFERS.firefox).split("\r\n");
      for (let i = 1 + integer(random, 4); i > 0; i--) damage(lines, random);
      try {
        answer(lines.join("\r\n"));
      } catch (error) {
        assert.ok(error instanceof LodelineError && error.code === "sdp/unusable", `round ${round}: ${String(error)}`);
        refused++;
      }
    }
    assert.ok(refused > 200 && refused < 3800, `${refused} refused`);
  });
});

/** Drops, doubles, moves, cuts or changes a line. */
function damage(lines: string[], random: ReturnType<typeof seededRandom>): void {
  const at = integer(random, lines.length);
  const line = lines[at] ?? "";
  const other = integer(random, lines.length);
  const kinds = [
    () => lines.splice(at, 1),
    () => lines.splice(other, 0, line),
    () => lines.splice(at, 1, lines[other] ?? ""),
    () => lines.splice(at, 1, line.slice(0, integer(random, line.length + 1))),
    () => lines.splice(at, 1, line.replace(/\d+/, String(random.u32()))),
    () => lines.splice(at, 1, line.replace(/[:=]/, String.fromCharCode(integer(random, 65_536)))),
    () => lines.splice(at, 1, line.replace(/ .*/, "")),
  ];
  kinds[integer(random, kinds.length)]?.();
}
