import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import type { Participant, SessionView } from "@lodeline/participant";
import { RUN_STEPS, START_STEPS } from "@lodeline/session";
import type { ScalabilityMode } from "../src/api/room-api.ts";
import { linkUrl } from "../src/edge/browser-socket.ts";
import { CandidateEpochs } from "../src/peer/candidate.ts";
import { preferredCodecs } from "../src/peer/codecs.ts";
import { applyEncodings, encodingsFor } from "../src/peer/encodings.ts";
import { layeredEncodings } from "../src/peer/layered-encodings.ts";
import { isFatal, RUN, UNDO } from "../src/peer/plan-steps.ts";
import { applyCodec } from "../src/peer/screen-encoding.ts";
import { roomConnection } from "../src/room/connection-state.ts";
import { activePath } from "../src/stats/active-path.ts";
import type { StatsEntry } from "../src/stats/stats-report.ts";

const report = (...entries: Omit<StatsEntry, "timestamp">[]) =>
  new Map(entries.map((entry) => [entry.id, { timestamp: 0, ...entry }]));

describe("the active path", () => {
  const local = { id: "L", type: "local-candidate", candidateType: "srflx", protocol: "udp" };
  const remote = { id: "R", type: "remote-candidate", candidateType: "host", protocol: "udp" };
  const pair = { id: "P", type: "candidate-pair", localCandidateId: "L", remoteCandidateId: "R" };

  it("[PATH1] Chromium names the pair in its transport", () => {
    const counted = { ...pair, currentRoundTripTime: 0.012, bytesSent: 10, bytesReceived: 20 };
    const path = activePath(
      report({ id: "T", type: "transport", selectedCandidatePairId: "P" }, counted, local, remote),
    );
    assert.deepEqual(path, { type: "srflx", protocol: "udp", rttMs: 12, bytesSent: 10, bytesReceived: 20 });
  });

  it("[PATH1] Firefox marks the pair itself, older ones only nominate it", () => {
    const other = { ...pair, id: "O", localCandidateId: "X", state: "succeeded" };
    for (const mark of [{ selected: true }, { nominated: true, state: "succeeded" }]) {
      const path = activePath(report(other, { ...pair, ...mark }, local, remote));
      assert.deepEqual([path?.type, path?.rttMs], ["srflx", undefined]);
    }
    assert.equal(activePath(report(other, local, remote)), undefined);
  });

  it("[PATH1] a relay at either end makes it a relayed one, with the protocol to the TURN server", () => {
    const transport = { id: "T", type: "transport", selectedCandidatePairId: "P" };
    const relay = { ...local, candidateType: "relay", relayProtocol: "tls" };
    assert.deepEqual(activePath(report(transport, pair, relay, remote))?.protocol, "tls");
    const theirs = activePath(report(transport, pair, local, { ...remote, candidateType: "relay" }));
    assert.deepEqual([theirs?.type, theirs?.protocol], ["relay", "udp"]);
  });
});

describe("plans and descriptions", () => {
  it("[STEP1] every step of the world is performed, and every start step of it can be taken back", () => {
    for (const step of RUN_STEPS) assert.equal(typeof RUN[step], "function", step);
    for (const step of START_STEPS.filter((one) => RUN_STEPS.has(one)))
      assert.equal(typeof UNDO[step], "function", step);
  });

  it("[STEP2] a device that fails ends no session, everything else does", () => {
    assert.equal(isFatal("open-devices", new LodelineError("device/denied")), false);
    assert.equal(isFatal("create-stream", new LodelineError("device/ended")), false);
    assert.equal(isFatal("create-connection", new LodelineError("session/plan-failed")), true);
    assert.equal(isFatal("add-tracks", new LodelineError("session/plan-failed")), true);
  });

  it("[CAND1] a late candidate of the old generation is told apart from those of a restart", () => {
    const epochs = new CandidateEpochs();
    epochs.begin(1, "v=0\r\na=ice-ufrag:old\r\n");
    epochs.begin(2, "v=0\r\na=ice-ufrag:old\r\n");
    assert.equal(epochs.of({ usernameFragment: "old" }), 2);
    epochs.begin(3, "v=0\r\na=ice-ufrag:new\r\n");
    assert.deepEqual(
      ["old", "new", null].map((usernameFragment) => epochs.of({ usernameFragment })),
      [2, 3, 3],
    );
  });

  it("[CODEC1] one variant of each codec, VP8 first, retransmission for video alone", () => {
    const video = [
      { mimeType: "video/VP9", sdpFmtpLine: "profile-id=2" },
      { mimeType: "video/VP9", sdpFmtpLine: "profile-id=0" },
      { mimeType: "video/H264", sdpFmtpLine: "packetization-mode=0;profile-level-id=42e01f" },
      { mimeType: "video/H264", sdpFmtpLine: "packetization-mode=1;profile-level-id=42e01f" },
      { mimeType: "video/AV1", sdpFmtpLine: "level-idx=5;profile=1;tier=0" },
      { mimeType: "video/AV1", sdpFmtpLine: "level-idx=5;profile=0;tier=0" },
      { mimeType: "video/rtx" },
      { mimeType: "video/VP8" },
      { mimeType: "video/red" },
    ];
    assert.deepEqual(
      preferredCodecs("video", video).map(({ mimeType, sdpFmtpLine }) => `${mimeType} ${sdpFmtpLine ?? ""}`.trim()),
      [
        "video/VP8",
        "video/H264 packetization-mode=1;profile-level-id=42e01f",
        "video/VP9 profile-id=0",
        "video/AV1 level-idx=5;profile=0;tier=0",
        "video/rtx",
      ],
    );
    const audio = [{ mimeType: "audio/PCMU" }, { mimeType: "audio/opus" }];
    assert.deepEqual(preferredCodecs("audio", audio), [{ mimeType: "audio/opus" }]);
    assert.deepEqual(preferredCodecs("audio", [{ mimeType: "audio/PCMU" }]), []);
  });

  it("[CODEC2] a camera in an sfu room has three encodings, smallest first", () => {
    const camera = encodingsFor("camera", true);
    assert.deepEqual(
      camera.map(({ rid, scaleResolutionDownBy }) => [rid, scaleResolutionDownBy]),
      [
        ["q", 4],
        ["h", 2],
        ["f", 1],
      ],
    );
    assert.ok(camera.every(({ maxBitrate }) => (maxBitrate ?? 0) > 100_000));
    for (const [source, sfu] of [
      ["camera", false],
      ["screen", true],
      ["microphone", true],
    ] as const)
      assert.equal(encodingsFor(source, sfu).length, 1);
  });

  it("[CODEC3] one encoding is the whole picture under the RID that receivers have; all again are as they were", () => {
    const sent = (): RTCRtpEncodingParameters[] =>
      encodingsFor("camera", true).map((one) => ({ ...one, active: true }));
    const shown = (encodings: RTCRtpEncodingParameters[]) =>
      encodings.map(
        ({ rid, active, scaleResolutionDownBy }) => `${rid} ${active ? `/${scaleResolutionDownBy}` : "off"}`,
      );
    const encodings = sent();
    assert.equal(applyEncodings({ encodings }, undefined), false, "all are sent already");
    assert.equal(applyEncodings({ encodings }, { send: "one" }), true);
    assert.deepEqual(shown(encodings), ["q off", "h off", "f /1"]);
    assert.equal(applyEncodings({ encodings }, { send: "one" }), false);
    assert.equal(applyEncodings({ encodings }, { send: "one", keep: "h" }), true);
    assert.deepEqual(shown(encodings), ["q off", "h /1", "f off"]);
    assert.equal(applyEncodings({ encodings }, { send: "one", keep: "x" }), false);
    assert.equal(applyEncodings({ encodings }, { send: "all" }), true);
    assert.deepEqual(encodings, sent());
    assert.equal(applyEncodings({ encodings: [{ active: true }] }, { send: "one" }), false, "no simulcast here");
  });

  it("[CODEC5] layers inside one stream are refused where the mode is none, and not taken with encryption", () => {
    for (const mode of ["L1T3", "L3T4", "L3T3_KEYS", "S2T1", ""])
      assert.throws(() => layeredEncodings(mode as ScalabilityMode, true), /TypeError: scalabilityMode: .* not one of/);
    for (const mode of ["L2T1", "L3T3_KEY", "L3T3"] as const) assert.equal(layeredEncodings(mode, true), undefined);
  });

  it("[CODEC4] a text is sent in the codec that is told, and as negotiated again", () => {
    const codecs = ["VP8", "AV1"].map((name, at) => ({
      mimeType: `video/${name}`,
      clockRate: 90_000,
      payloadType: at,
    }));
    const encodings: (RTCRtpEncodingParameters & { codec?: RTCRtpCodec })[] = [{ maxBitrate: 1 }];
    assert.equal(applyCodec({ encodings, codecs }, "av1", "motion"), false, "moving pictures stay");
    assert.equal(applyCodec({ encodings, codecs: codecs.slice(0, 1) }, "av1", "text"), false, "not negotiated");
    assert.equal(applyCodec({ encodings, codecs }, "av1", "text"), true);
    assert.deepEqual(encodings, [{ maxBitrate: 1, codec: codecs[1] }]);
    assert.equal(applyCodec({ encodings, codecs }, "av1", "text"), false, "once");
    assert.equal(applyCodec({ encodings, codecs }, undefined, "text"), true);
    assert.deepEqual(encodings, [{ maxBitrate: 1 }]);
    assert.equal(applyCodec({ encodings: [], codecs }, "av1", "text"), false);
  });
});

describe("addresses and states", () => {
  it("[URL1] the link's address comes of the server's, or of the page's own", () => {
    const page = "https://meet.example.org/r/blue?x=1#token=a";
    assert.equal(linkUrl(undefined, page), "wss://meet.example.org/v1/link");
    assert.equal(linkUrl("http://127.0.0.1:7880", page), "ws://127.0.0.1:7880/v1/link");
    assert.equal(linkUrl("https://host/", undefined), "wss://host/v1/link");
    assert.equal(linkUrl(new URL("wss://host/base/v1/link"), undefined), "wss://host/base/v1/link");
    assert.throws(() => linkUrl("ftp://host", undefined), TypeError);
    assert.throws(() => linkUrl(undefined, undefined), TypeError);
  });

  it("[CONN1] link and media are told apart, and a mesh shows its worst pair", () => {
    const session = (use: "sfu" | "pair", kind: string, interrupted?: object) =>
      ({ use, state: { kind, interrupted } }) as unknown as SessionView;
    const of = (linkState: string, sessions: SessionView[]) => ({ linkState, sessions }) as unknown as Participant;
    assert.deepEqual(roomConnection(of("interrupted", [session("sfu", "Active")]), "sfu", 2), {
      link: "interrupted",
      media: "active",
    });
    const media = (sessions: SessionView[], others = 2) => roomConnection(of("open", sessions), "mesh", others).media;
    assert.equal(media([], 0), "none");
    assert.equal(media([]), "connecting");
    assert.equal(media([session("pair", "Active"), session("pair", "Negotiating")]), "connecting");
    assert.equal(media([session("pair", "Active", {}), session("pair", "Negotiating")]), "interrupted");
    assert.equal(media([session("pair", "Active"), session("sfu", "Negotiating")]), "active");
  });
});
