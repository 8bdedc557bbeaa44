import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS, LIMITS } from "@lodeline/protocol";
import { activeAnswerer, activeOfferer, candidate, OneEnd, offer, reasonOf, sdp } from "./one-end.ts";

const INIT = { kind: "call:init", name: "Bob", audio: true, video: false } as const;

describe("numbers", () => {
  it("[SES14] each number is taken once, in any order; what is too old counts as seen", () => {
    const end = activeAnswerer();
    const take = (seq: number) =>
      end
        .hear("s1", 1, { kind: "candidate", candidate: candidate("c") }, seq)
        .some((effect) => effect.kind === "add-candidate");
    // 1 and 2 were the call and the offer.
    for (const seq of [3, 5, 7, 6, 4]) assert.equal(take(seq), true, `${seq}`);
    for (const seq of [1, 2, 3, 4, 5, 6, 7]) assert.equal(take(seq), false, `${seq} again`);
    assert.deepEqual(end.state.kind === "Active" && end.state.received, { upTo: 7, beyond: [] });
    for (let seq = 9; seq < 9 + 65; seq++) assert.equal(take(seq), true, `${seq}`);
    assert.equal(take(8), false, "lost for good");
    assert.equal(take(0) && take(0), true, "0 is no number");
  });

  it("[SES14] what is remembered stays short however many numbers are missing", () => {
    const end = activeAnswerer();
    const refusal = { kind: "refused", code: "candidate/refused", detail: "" } as const;
    for (let seq = 4; seq < 5000; seq += 2) end.hear("s1", 1, refusal, seq);
    assert.equal(end.events("refused").length, 2498);
    assert.ok(end.state.kind === "Active" && end.state.received.beyond.length <= 65);
  });
});

describe("doubles and strangers", () => {
  it("[SES14] a doubled signal changes nothing", () => {
    const end = activeAnswerer();
    const count = end.effects.length;
    end.hear("s1", 2, { kind: "offer", offer: offer("R2") }, 50);
    assert.equal(end.of("apply-offer").length, 2);
    const state = end.state;
    end.hear("s1", 2, { kind: "offer", offer: offer("R2") }, 50);
    end.hear("s1", 2, { kind: "hangup", reason: "hangup" }, 50);
    assert.equal(end.state, state);
    assert.equal(end.effects.length, count + 1);
  });

  it("[SES53] what the ends say of their media is handed on once, numbered as everything, and said only over a connection", () => {
    const end = activeAnswerer();
    const body = { kind: "replay-request", source: "camera", why: "missing" } as const;
    const before = end.state;
    end.hear("s1", 1, body, 20);
    end.hear("s1", 1, body, 20);
    assert.deepEqual(
      end.events("told").map((one) => one.body),
      [body],
    );
    assert.equal(end.state.kind, before.kind);
    const [told] = end.feed({ kind: "tell", body }).flatMap((one) => (one.kind === "send" ? [one.signal] : []));
    assert.deepEqual([told?.session, told?.body], ["s1", body]);
    const idle = new OneEnd();
    assert.deepEqual(idle.feed({ kind: "tell", body }), []);
  });

  it("[SES14] a signal without a number is taken, as the answer in joined is", () => {
    const end = new OneEnd({ use: "sfu" });
    end.feed({ kind: "assign", session: "s1", role: "offerer" });
    end.performAll("s1");
    end.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: offer("L1") });
    end.hear("s1", 1, { kind: "answer", sdp: sdp("R1") }, 0);
    assert.equal(end.of("apply-answer").length, 1);
    end.hear("s1", 1, { kind: "candidate", candidate: candidate("c") }, 1);
    end.feed({ kind: "answer-applied", session: "s1", epoch: 1 });
    assert.equal(end.of("add-candidate").length, 1);
  });

  it("[SES15] a late hangup of an earlier call ends nothing", () => {
    const end = activeOfferer();
    end.feed({ kind: "end", reason: "hangup" });
    end.performAll("s1");
    end.advance(0);
    end.call("s2");
    for (const session of ["s1", "s0"]) {
      end.hear(session, 0, { kind: "hangup", reason: "hangup" }, 900);
      end.hear(session, 0, { kind: "reject", reason: "declined" }, 901);
    }
    assert.equal(end.kind, "OutgoingInit");
    end.hear("s2", 0, { kind: "accept" }, 1);
    end.hear("s1", 1, { kind: "hangup", reason: "hangup" }, 902);
    assert.equal(end.kind, "Negotiating");
  });

  it("[SES15] a hangup that overtakes its call:init keeps it from ringing", () => {
    const end = new OneEnd();
    end.hear("s1", 0, { kind: "hangup", reason: "hangup" }, 2);
    end.hear("s1", 0, INIT, 1);
    assert.equal(end.kind, "Idle");
    assert.equal(end.events("incoming").length, 0);
  });

  it("[SES16] who calls, accepts or offers in a session that is over is told how it ended", () => {
    const end = new OneEnd();
    end.call("s1");
    end.advance(DEFAULT_TIMERS.noAnswerMs);
    assert.equal(end.kind, "Idle");
    end.hear("s1", 0, { kind: "accept" });
    end.hear("s1", 0, { kind: "candidate", candidate: candidate("c") });
    end.hear("s1", 0, { kind: "call:init", name: "", audio: true, video: false });
    const told = end.sent("hangup").map((signal) => [signal.session, signal.seq === 0, signal.body.reason]);
    assert.deepEqual(told, [
      ["s1", false, "no-answer"],
      ["s1", true, "no-answer"],
      ["s1", true, "no-answer"],
    ]);
  });

  it("[SES17] what overtakes the beginning of its session is taken up then", () => {
    const end = new OneEnd({ use: "pair" });
    end.hear("s1", 1, { kind: "candidate", candidate: candidate("early") }, 2);
    end.hear("s1", 1, { kind: "offer", offer: offer("R1") }, 1);
    end.hear("s1", 1, { kind: "candidate", candidate: candidate("early") }, 2);
    assert.equal(end.kind, "Idle");
    end.feed({ kind: "assign", session: "s1", role: "answerer" });
    end.performAll("s1");
    assert.equal(end.of("apply-offer").length, 1);
    end.feed({ kind: "answer-created", session: "s1", epoch: 1, sdp: sdp("L1") });
    assert.deepEqual(
      end.of("add-candidate").map((effect) => effect.candidate.candidate),
      ["early"],
    );
  });

  it("[SES17] what is never begun here is given up after negotiatingMs, and its sender told once", () => {
    const end = new OneEnd({ use: "pair" });
    end.hear("s1", 1, { kind: "offer", offer: offer("R1") }, 1);
    end.advance(10);
    end.hear("s1", 1, { kind: "candidate", candidate: candidate("c") }, 2);
    end.advance(DEFAULT_TIMERS.negotiatingMs - 11);
    assert.equal(end.of("send").length, 0);
    end.advance(1);
    assert.deepEqual(
      end.of("send").map(({ signal }) => [signal.session, signal.epoch, signal.seq, signal.body]),
      [["s1", 1, 0, { kind: "refused", code: "session/unknown", detail: "No such session, or its epoch has passed." }]],
    );
    end.advance(10);
    assert.equal(end.of("send").length, 1);
    assert.equal(end.machine.deadline(end.state), undefined);
  });

  it("[SES17] what is held of a session that ends before it began is dropped", () => {
    const end = new OneEnd({ use: "pair" });
    end.hear("s1", 1, { kind: "candidate", candidate: candidate("c") }, 1);
    end.hear("s2", 1, { kind: "candidate", candidate: candidate("c") }, 1);
    end.hear("s1", 0, { kind: "hangup", reason: "left" }, 2);
    assert.deepEqual(
      end.state.memory.held.map((entry) => entry.signal.session),
      ["s2"],
    );
  });

  it("[SES17] an end whose present negotiation is unknown to the other ends with remote-gone", () => {
    const end = activeOfferer();
    const unknown = { kind: "refused", code: "session/unknown", detail: "" } as const;
    end.hear("s1", 0, unknown);
    assert.equal(end.kind, "Active", "an earlier negotiation is history");
    end.hear("s1", 1, unknown);
    end.performAll("s1");
    assert.equal(reasonOf(end), "remote-gone");
  });

  it("[SES17] what is held is bounded: the newest signals and one description", () => {
    const end = new OneEnd({ use: "pair" });
    const huge = { ...offer("R"), sdp: "x".repeat(1000) };
    for (let i = 1; i <= 1000; i++) {
      end.hear(`s${i % 7}`, i, { kind: "candidate", candidate: candidate("c") }, i);
      end.hear(`s${i % 7}`, i, { kind: "offer", offer: huge }, 2000 + i);
    }
    assert.ok(end.state.memory.held.length <= 256);
    assert.equal(end.state.memory.held.filter((entry) => entry.signal.body.kind === "offer").length, 1);
  });

  it("[SES18] results of the world count for the session they name alone", () => {
    const end = new OneEnd();
    end.call("s1");
    end.hear("s1", 0, { kind: "accept" });
    end.performAll("s1");
    const state = end.state;
    for (const input of [
      { kind: "offer-created", session: "s0", epoch: 1, offer: offer("L") },
      { kind: "answer-applied", session: "s0", epoch: 1 },
      { kind: "transport", session: "s0", connection: "connected" },
      { kind: "transport", session: "s0", connection: "closed" },
      { kind: "data", session: "s0", open: true },
      { kind: "local-candidate", session: "s0", epoch: 1, candidate: candidate("c") },
    ] as const) {
      assert.deepEqual(end.feed(input), [], input.kind);
      assert.equal(end.state, state);
    }
  });

  it("[SES25] more candidates of one epoch than the limit are refused, queued ones included", () => {
    for (const end of [new OneEnd({ use: "pair" }), activeAnswerer()]) {
      if (end.kind === "Idle") end.feed({ kind: "assign", session: "s1", role: "answerer" });
      const extra = 3;
      for (let i = 0; i < LIMITS.candidatesPerNegotiation + extra; i++) {
        end.hear("s1", 1, { kind: "candidate", candidate: candidate(`c${i}`) });
      }
      const refusals = end.sent("refused").map((signal) => signal.body.code);
      assert.deepEqual(refusals, Array(extra).fill("candidate/too-many"));
    }
  });

  it("[SES25] as are more than two epochs' worth that wait for their descriptions", () => {
    const end = new OneEnd({ use: "pair" });
    end.feed({ kind: "assign", session: "s1", role: "answerer" });
    for (let i = 0; i < 3 * LIMITS.candidatesPerNegotiation; i++) {
      end.hear("s1", 1 + (i % 3), { kind: "candidate", candidate: candidate(`c${i}`) });
    }
    assert.equal(end.sent("refused").length, LIMITS.candidatesPerNegotiation);
    assert.ok(
      end.state.kind === "Negotiating" && end.state.candidates.waiting.length === 2 * LIMITS.candidatesPerNegotiation,
    );
  });
});
