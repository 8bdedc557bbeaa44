import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SignalBody } from "@lodeline/protocol";
import { Bench, OFFER } from "./support/bench.ts";

/** An open link, in no room. */
function online(): Bench {
  const bench = new Bench();
  bench.participant.connect();
  bench.welcome();
  return bench;
}

/** Somebody says something in a call. */
function hears(bench: Bench, from: string, session: string, seq: number, body: SignalBody, epoch = 0): void {
  bench.hears({ type: "signal", scope: "call", from, signal: { session, epoch, seq, body } });
}

const INIT = { kind: "call:init", name: "Bob", audio: true, video: false } as const;

describe("calls", () => {
  it("[PART12] opens a line to somebody unknown by call:init alone", () => {
    const bench = online();
    hears(bench, "bob", "s1", 1, { kind: "hangup", reason: "hangup" });
    hears(bench, "bob", "s1", 2, { kind: "offer", offer: OFFER }, 1);
    assert.deepEqual(bench.participant.sessions, []);
    assert.deepEqual(bench.sent, []);
    hears(bench, "bob", "s2", 1, INIT);
    const [incoming] = bench.events("incoming");
    const { key, name, audio, video, direction } = incoming?.call ?? {};
    assert.deepEqual([key, name, audio, video, direction], ["call:bob", "Bob", true, false, "incoming"]);
  });

  it("[PART12] keeps what the beginner said while a call is under way", () => {
    const bench = online();
    hears(bench, "bob", "s1", 1, INIT);
    bench.participant.call("bob", { audio: true, video: true });
    const call = bench.participant.session("call:bob");
    assert.deepEqual([call?.state.kind, call?.video, call?.direction], ["Negotiating", false, "incoming"]);
    assert.equal(bench.driver().spec.video, false);
    assert.deepEqual(bench.signalled("bob"), ["accept"]);
  });

  it("[PART12] of two who call each other, has what the surviving call wanted", () => {
    // `ann` is lower than `bob`: her call lives on. `aaa` is lower than `ann`: theirs does.
    for (const [other, video, direction] of [
      ["bob", true, "outgoing"],
      ["aaa", false, "incoming"],
    ] as const) {
      const bench = online();
      bench.participant.call(other, { audio: true, video: true });
      hears(bench, other, "s-theirs", 1, INIT);
      const ours = bench.said("signal")[0]?.signal.session ?? "";
      if (direction === "outgoing") hears(bench, other, ours, 1, { kind: "accept" });
      const call = bench.participant.session(`call:${other}`);
      assert.deepEqual([call?.state.kind, call?.video, call?.direction], ["Negotiating", video, direction]);
      assert.equal(bench.driver().spec.video, video);
    }
  });

  it("[PART12] keeps sixteen idle lines at most", () => {
    const bench = online();
    for (let i = 0; i < 40; i++) {
      const key = bench.participant.call(`peer${i}`, { audio: true, video: false });
      bench.participant.hangup(key);
      bench.clock.advance(10);
    }
    // A late word of an early call finds no line, one of a late call finds its own.
    hears(bench, "peer0", "s1", 1, { kind: "accept" });
    assert.deepEqual(bench.participant.sessions, []);
    assert.equal(bench.drivers.length, 0);
  });

  it("[PART12] refuses to call oneself", () => {
    const bench = online();
    assert.throws(() => bench.participant.call("ann", { audio: true, video: true }), TypeError);
  });

  it("[PART2] ends with link-lost when the link is a new one", () => {
    const bench = online();
    bench.participant.call("bob", { audio: true, video: true });
    bench.renewLink();
    bench.clock.advance(10);
    const ended = bench.events("session").flatMap(({ event }) => (event.kind === "ended" ? [event.reason] : []));
    assert.deepEqual(ended, ["link-lost"]);
  });

  it("[PART13] [PART14] expects the other's media while it is active, by the offer's sections", () => {
    const bench = online();
    hears(bench, "bob", "s1", 1, { ...INIT, video: true });
    bench.participant.accept("call:bob");
    hears(bench, "bob", "s1", 2, { kind: "offer", offer: OFFER }, 1);
    const driver = bench.driver();
    assert.equal(bench.participant.publicationIn("call:bob", "1"), "bob:camera");
    bench.connect(driver);
    assert.equal(bench.participant.standing("bob:camera"), "pending");
    bench.participant.observe({ published: [], received: [{ key: "call:bob", mid: "1", count: 3 }] });
    assert.equal(bench.participant.standing("bob:camera"), "received");
    assert.equal(bench.participant.standing("bob:microphone"), "pending");
    bench.participant.hangup("call:bob");
    bench.clock.advance(10);
    assert.equal(bench.participant.standing("bob:camera"), "off");
  });

  it("[PART9] repairs a call that is not received by new descriptions, then by another path", () => {
    const bench = online();
    hears(bench, "bob", "s1", 1, { ...INIT, audio: false, video: true });
    bench.participant.accept("call:bob");
    hears(bench, "bob", "s1", 2, { kind: "offer", offer: OFFER }, 1);
    bench.connect(bench.driver());
    const wanted = () =>
      bench
        .said("signal")
        .flatMap(({ signal: { body } }) => (body.kind === "negotiation-needed" ? [body.iceRestart] : []));
    bench.clock.advance(2_001);
    assert.deepEqual(wanted(), [false]);
    hears(bench, "bob", "s1", 3, { kind: "offer", offer: OFFER }, 2);
    bench.clock.advance(4_001);
    assert.deepEqual(wanted(), [false, true]);
  });

  it("[PART18] says what it sends and gets, expects what the other end sends, and shows both", () => {
    const bench = inCall();
    const receipts = () =>
      bench.said("signal").flatMap(({ signal: { body } }) => (body.kind === "receipt" ? [body] : []));
    assert.deepEqual(
      receipts()
        .at(-1)
        ?.sends.map(({ source, intent }) => [source, intent]),
      [
        ["microphone", "live"],
        ["camera", "live"],
      ],
    );
    const sends = [{ source: "microphone", intent: "live", sent: true } as const];
    const receives = [{ source: "camera", received: true } as const];
    hears(bench, "bob", bench.driver().spec.session, 3, { kind: "receipt", revision: 1, heard: 1, sends, receives });
    assert.equal(bench.participant.standing("bob:camera"), "off");
    assert.equal(bench.participant.standing("bob:microphone"), "pending");
    bench.participant.setCallSends("call:bob", [{ source: "camera", intent: "muted", sent: false }]);
    assert.deepEqual(receipts().at(-1)?.sends, [{ source: "camera", intent: "muted", sent: false }]);
    assert.deepEqual(bench.participant.callRows("call:bob"), [
      { source: "camera", direction: "outgoing", intent: "muted", sent: false, received: true, standing: "off" },
      { source: "microphone", direction: "incoming", intent: "live", sent: true, received: false, standing: "pending" },
    ]);
    bench.participant.hangup("call:bob");
    bench.clock.advance(10_000);
    assert.deepEqual(bench.participant.callRows("call:bob"), []);
    const count = receipts().length;
    bench.clock.advance(10_000);
    assert.equal(receipts().length, count, "its timer has gone with it");
  });

  it("[PART19] publishes again when the other end asks, and asks the other end", () => {
    const bench = inCall();
    const { session } = bench.driver().spec;
    hears(bench, "bob", session, 3, { kind: "replay-request", source: "camera", why: "missing" });
    assert.deepEqual(bench.driver().republished, ["camera"]);
    const sends = [{ source: "camera", intent: "live", sent: false } as const];
    hears(bench, "bob", session, 4, { kind: "receipt", revision: 1, heard: 1, sends, receives: [] });
    bench.clock.advance(2_000);
    const asked = bench
      .said("signal")
      .flatMap(({ signal: { body } }) => (body.kind === "replay-request" ? [body.source] : []));
    assert.deepEqual(asked, ["camera"]);
  });
});

/** In a call with bob, called by `ann` with microphone and camera, media ready. */
function inCall(): Bench {
  const bench = online();
  bench.participant.call("bob", { audio: true, video: true });
  const session = bench.said("signal")[0]?.signal.session ?? "";
  hears(bench, "bob", session, 1, { kind: "accept" });
  bench.clock.advance(10);
  hears(bench, "bob", session, 2, { kind: "answer", sdp: "v=0 answer" }, 1);
  bench.connect(bench.driver());
  assert.equal(bench.participant.session("call:bob")?.state.kind, "Active");
  return bench;
}
