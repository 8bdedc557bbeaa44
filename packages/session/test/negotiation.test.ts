import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { activeAnswerer, activeOfferer, candidate, OneEnd, offer, reasonOf, sdp } from "./one-end.ts";

const UNUSABLE = new LodelineError("sdp/unusable", { detail: "No such codec.", field: "sdp:12" });

/** An offerer whose first offer is being made. */
function creating(): OneEnd {
  const end = new OneEnd();
  end.call("s1");
  end.hear("s1", 0, { kind: "accept" });
  end.performAll("s1");
  return end;
}

/** An answerer that waits for its first offer. */
function waiting(): OneEnd {
  const end = new OneEnd({ use: "pair" });
  end.feed({ kind: "assign", session: "s1", role: "answerer" });
  end.performAll("s1");
  return end;
}

function renegotiate(end: OneEnd, iceRestart = false): void {
  end.feed({ kind: "renegotiate", why: "a new track", iceRestart });
}

describe("one offerer", () => {
  it("[SES19] an offer to the offerer is refused and changes nothing", () => {
    const end = activeOfferer();
    end.hear("s1", 2, { kind: "offer", offer: offer("R2") });
    const refusal = end.sent("refused")[0];
    assert.deepEqual([refusal?.body.code, refusal?.epoch], ["session/not-initiator", 2]);
    assert.equal(end.of("apply-offer").length, 0);
    assert.equal(end.kind, "Active");
  });

  it("[SES19] the answerer asks instead of offering", () => {
    const end = activeAnswerer();
    renegotiate(end, true);
    assert.equal(end.of("create-offer").length, 0);
    assert.deepEqual(end.sent("negotiation-needed")[0]?.body, {
      kind: "negotiation-needed",
      why: "a new track",
      iceRestart: true,
    });
  });

  it("[SES19] the offerer offers when it is asked; the answerer refuses to", () => {
    const end = activeOfferer();
    end.hear("s1", 1, { kind: "negotiation-needed", why: "x", iceRestart: true });
    assert.deepEqual(end.of("create-offer").at(-1), {
      kind: "create-offer",
      session: "s1",
      epoch: 2,
      iceRestart: true,
    });
    const answerer = activeAnswerer();
    answerer.hear("s1", 1, { kind: "negotiation-needed", why: "x", iceRestart: true });
    assert.equal(answerer.of("create-offer").length, 0);
    assert.equal(answerer.events("refused")[0]?.error.code, "session/not-initiator");
  });
});

describe("epochs", () => {
  it("[SES20] each offer raises the epoch by one", () => {
    const end = activeOfferer();
    for (let epoch = 2; epoch < 6; epoch++) {
      renegotiate(end);
      end.feed({ kind: "offer-created", session: "s1", epoch, offer: offer("L1") });
      end.hear("s1", epoch, { kind: "answer", sdp: sdp("R1") });
      end.feed({ kind: "answer-applied", session: "s1", epoch });
    }
    assert.deepEqual(
      end.sent("offer").map((signal) => signal.epoch),
      [1, 2, 3, 4, 5],
    );
    assert.deepEqual(
      end.events("negotiated").map((event) => event.epoch),
      [1, 2, 3, 4, 5],
    );
  });

  it("[SES20] an answer counts once and for the offer that is out alone", () => {
    const end = creating();
    end.hear("s1", 1, { kind: "answer", sdp: sdp("R1") });
    end.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: offer("L1") });
    end.hear("s1", 2, { kind: "answer", sdp: sdp("R1") });
    end.hear("s1", 0, { kind: "answer", sdp: sdp("R1") });
    assert.equal(end.of("apply-answer").length, 0);
    end.hear("s1", 1, { kind: "answer", sdp: sdp("R1") });
    end.hear("s1", 1, { kind: "answer", sdp: sdp("R9") });
    assert.deepEqual(
      end.of("apply-answer").map((effect) => effect.sdp),
      [sdp("R1")],
    );
    assert.equal(end.events("refused").filter((event) => event.error.code === "protocol/out-of-turn").length, 3);
    // The last copy came for an offer that has its answer: late, and no fault of anybody.
  });

  it("[SES20] an offer older than one that came is refused, the same one again ignored", () => {
    const end = activeAnswerer();
    end.hear("s1", 3, { kind: "offer", offer: offer("R3") });
    end.hear("s1", 3, { kind: "offer", offer: offer("R3") });
    end.hear("s1", 2, { kind: "offer", offer: offer("R2") });
    assert.deepEqual(
      end.of("apply-offer").map((effect) => effect.epoch),
      [1, 3],
    );
    assert.deepEqual(
      end.sent("refused").map((signal) => [signal.epoch, signal.body.code]),
      [[2, "session/unknown"]],
    );
    end.feed({ kind: "answer-created", session: "s1", epoch: 3, sdp: sdp("L3") });
    assert.deepEqual(
      end.sent("answer").map((signal) => signal.epoch),
      [1, 3],
    );
    assert.equal(end.of("apply-offer").length, 2);
  });

  it("[SES20] an offerer that hears its old offer refused goes on with the newer one", () => {
    const end = activeOfferer();
    renegotiate(end);
    end.feed({ kind: "offer-created", session: "s1", epoch: 2, offer: offer("L1") });
    end.hear("s1", 1, { kind: "refused", code: "session/unknown", detail: "" });
    assert.equal(end.kind, "Active");
    end.hear("s1", 2, { kind: "answer", sdp: sdp("R1") });
    assert.equal(end.of("apply-answer").length, 2);
  });

  it("[SES20] an offer that is overtaken while it is applied gets no answer", () => {
    const end = waiting();
    end.hear("s1", 1, { kind: "offer", offer: offer("R1") });
    end.hear("s1", 2, { kind: "offer", offer: offer("R2") });
    assert.deepEqual(
      end.of("apply-offer").map((effect) => effect.epoch),
      [1],
    );
    end.feed({ kind: "answer-created", session: "s1", epoch: 1, sdp: sdp("L1") });
    end.feed({ kind: "answer-created", session: "s1", epoch: 1, sdp: sdp("L1") });
    assert.equal(end.sent("answer").length, 0);
    end.feed({ kind: "answer-created", session: "s1", epoch: 2, sdp: sdp("L2") });
    assert.deepEqual(
      end.sent("answer").map((signal) => signal.epoch),
      [2],
    );
  });

  it("[SES20] the result of a superseded offer is ignored", () => {
    const end = activeOfferer();
    renegotiate(end);
    end.feed({ kind: "transport", session: "s1", connection: "disconnected" });
    assert.deepEqual(
      end.of("create-offer").map((effect) => [effect.epoch, effect.iceRestart]),
      [
        [1, false],
        [2, false],
        [3, true],
      ],
    );
    end.feed({ kind: "offer-created", session: "s1", epoch: 2, offer: offer("L1") });
    end.feed({ kind: "description-failed", session: "s1", epoch: 2, error: UNUSABLE });
    assert.equal(end.sent("offer").length, 1);
    end.feed({ kind: "offer-created", session: "s1", epoch: 3, offer: offer("L3") });
    assert.equal(end.sent("offer").at(-1)?.epoch, 3);
  });

  it("[SES20] so is that of an answer to one", () => {
    const end = activeOfferer();
    renegotiate(end);
    end.feed({ kind: "offer-created", session: "s1", epoch: 2, offer: offer("L1") });
    end.hear("s1", 2, { kind: "answer", sdp: sdp("R1") });
    end.feed({ kind: "transport", session: "s1", connection: "disconnected" });
    end.feed({ kind: "offer-created", session: "s1", epoch: 3, offer: offer("L3") });
    end.hear("s1", 3, { kind: "answer", sdp: sdp("R3") });
    end.feed({ kind: "answer-applied", session: "s1", epoch: 2 });
    assert.equal(end.events("negotiated").length, 1);
    end.feed({ kind: "answer-applied", session: "s1", epoch: 3 });
    assert.deepEqual(
      end.events("negotiated").map((event) => [event.epoch, event.iceRestart]),
      [
        [1, false],
        [3, true],
      ],
    );
  });
});

describe("refusals", () => {
  it("[SES21] the answerer refuses an unusable first offer with code and field, and the offerer ends with refused", () => {
    const answerer = waiting();
    answerer.hear("s1", 1, { kind: "offer", offer: offer("R1") });
    answerer.feed({ kind: "description-failed", session: "s1", epoch: 1, error: UNUSABLE });
    const refusal = answerer.sent("refused")[0];
    assert.deepEqual(refusal?.body, {
      kind: "refused",
      code: "sdp/unusable",
      detail: "No such codec.",
      field: "sdp:12",
    });
    const offerer = creating();
    offerer.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: offer("L1") });
    assert.ok(refusal);
    offerer.hear("s1", 1, refusal.body);
    assert.equal(offerer.events("refused")[0]?.error.field, "sdp:12");
    offerer.performAll("s1");
    assert.equal(reasonOf(offerer), "refused");
    assert.equal(offerer.sent("hangup").length, 1);
    answerer.hear("s1", 1, { kind: "hangup", reason: "refused" });
    answerer.performAll("s1");
    assert.equal(reasonOf(answerer), "refused");
  });

  it("[SES21] an offer that cannot be made, or an answer that cannot be used, ends the first negotiation", () => {
    const unmade = creating();
    unmade.feed({ kind: "description-failed", session: "s1", epoch: 1, error: UNUSABLE });
    const unused = creating();
    unused.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: offer("L1") });
    unused.hear("s1", 1, { kind: "answer", sdp: "nonsense" });
    unused.feed({ kind: "description-failed", session: "s1", epoch: 1, error: UNUSABLE });
    for (const end of [unmade, unused]) {
      end.performAll("s1");
      assert.equal(reasonOf(end), "plan-failed");
      assert.equal(end.sent("hangup")[0]?.body.reason, "plan-failed");
      assert.equal(end.events("refused")[0]?.error.code, "sdp/unusable");
    }
    assert.equal(unmade.sent("refused").length, 0);
    assert.equal(unused.sent("refused")[0]?.body.code, "sdp/unusable");
  });

  it("[SES21] a later one is tried three times, iceRestartMs apart, with media left alone; then it is the end", () => {
    const end = activeOfferer();
    renegotiate(end);
    for (let epoch = 2; epoch < 5; epoch++) {
      assert.equal(end.of("create-offer").at(-1)?.epoch, epoch);
      assert.equal(end.state.kind === "Active" && end.state.media, true);
      end.feed({ kind: "offer-created", session: "s1", epoch, offer: offer("L1") });
      end.hear("s1", epoch, { kind: "refused", code: "sdp/unusable", detail: "" });
      if (epoch === 4) break;
      end.advance(DEFAULT_TIMERS.iceRestartMs - 1);
      assert.equal(end.of("create-offer").at(-1)?.epoch, epoch);
      end.advance(1);
    }
    end.performAll("s1");
    assert.equal(reasonOf(end), "refused");
    assert.equal(end.of("undo").length, 0);
  });

  it("[SES21] a negotiation that settles in between begins the count anew", () => {
    const end = activeOfferer();
    const refuse = () => {
      const epoch = end.of("create-offer").at(-1)?.epoch ?? 0;
      end.feed({ kind: "offer-created", session: "s1", epoch, offer: offer("L1") });
      end.hear("s1", epoch, { kind: "refused", code: "sdp/unusable", detail: "" });
      end.advance(DEFAULT_TIMERS.iceRestartMs);
    };
    renegotiate(end);
    refuse();
    refuse();
    end.feed({ kind: "offer-created", session: "s1", epoch: 4, offer: offer("L1") });
    end.hear("s1", 4, { kind: "answer", sdp: sdp("R1") });
    end.feed({ kind: "answer-applied", session: "s1", epoch: 4 });
    renegotiate(end);
    refuse();
    refuse();
    assert.equal(end.kind, "Active");
  });

  it("[SES21] an answerer that could not apply a later offer takes the next one", () => {
    const end = activeAnswerer();
    end.hear("s1", 2, { kind: "offer", offer: offer("R2") });
    end.feed({ kind: "description-failed", session: "s1", epoch: 2, error: UNUSABLE });
    end.hear("s1", 3, { kind: "offer", offer: offer("R2") });
    end.feed({ kind: "answer-created", session: "s1", epoch: 3, sdp: sdp("L2") });
    assert.equal(end.sent("answer").at(-1)?.epoch, 3);
  });
});

describe("wishes", () => {
  it("[SES22] a wish waits until the present negotiation is settled, and several become one", () => {
    const end = activeOfferer();
    renegotiate(end);
    renegotiate(end);
    end.feed({ kind: "renegotiate", why: "a screen", iceRestart: true });
    end.hear("s1", 1, { kind: "negotiation-needed", why: "theirs", iceRestart: false });
    assert.equal(end.of("create-offer").length, 2);
    end.feed({ kind: "offer-created", session: "s1", epoch: 2, offer: offer("L1") });
    end.hear("s1", 2, { kind: "answer", sdp: sdp("R1") });
    end.feed({ kind: "answer-applied", session: "s1", epoch: 2 });
    assert.deepEqual(
      end.of("create-offer").map((effect) => [effect.epoch, effect.iceRestart]),
      [
        [1, false],
        [2, false],
        [3, true],
      ],
    );
  });

  it("[SES22] an answerer in a negotiation asks when it is over; an offerer that has not offered yet need not", () => {
    const answerer = activeAnswerer();
    answerer.hear("s1", 2, { kind: "offer", offer: offer("R1") });
    renegotiate(answerer);
    assert.equal(answerer.sent("negotiation-needed").length, 0);
    answerer.feed({ kind: "answer-created", session: "s1", epoch: 2, sdp: sdp("L1") });
    assert.equal(answerer.sent("negotiation-needed").length, 1);
    const offerer = new OneEnd({ use: "pair" });
    offerer.feed({ kind: "assign", session: "s1", role: "offerer" });
    renegotiate(offerer);
    offerer.performAll("s1");
    offerer.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: offer("L1") });
    offerer.hear("s1", 1, { kind: "answer", sdp: sdp("R1") });
    offerer.feed({ kind: "answer-applied", session: "s1", epoch: 1 });
    assert.equal(offerer.of("create-offer").length, 1);
  });
});

describe("candidates", () => {
  const texts = (end: OneEnd) => end.of("add-candidate").map((effect) => effect.candidate.candidate);
  const trickle = (end: OneEnd, epoch: number, text: string) =>
    end.hear("s1", epoch, { kind: "candidate", candidate: candidate(text) });

  it("[SES23] are queued from every moment of being called, and added in order once the offer is in place", () => {
    const end = new OneEnd();
    trickle(end, 1, "before call:init");
    end.hear("s1", 0, { kind: "call:init", name: "Bob", audio: true, video: true });
    trickle(end, 1, "before accept");
    end.feed({ kind: "accept" });
    trickle(end, 1, "before the connection");
    end.performAll("s1");
    trickle(end, 1, "before the offer");
    end.hear("s1", 1, { kind: "offer", offer: offer("R1") });
    trickle(end, 1, "before the answer");
    assert.deepEqual(texts(end), []);
    end.feed({ kind: "answer-created", session: "s1", epoch: 1, sdp: sdp("L1") });
    trickle(end, 1, "after");
    assert.deepEqual(texts(end), [
      "before call:init",
      "before accept",
      "before the connection",
      "before the offer",
      "before the answer",
      "after",
    ]);
  });

  it("[SES23] wait at the offerer until the answer is applied", () => {
    const end = creating();
    end.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: offer("L1") });
    trickle(end, 1, "before the answer");
    end.hear("s1", 1, { kind: "answer", sdp: sdp("R1") });
    trickle(end, 1, "while it is applied");
    assert.deepEqual(texts(end), []);
    end.feed({ kind: "answer-applied", session: "s1", epoch: 1 });
    assert.deepEqual(texts(end), ["before the answer", "while it is applied"]);
  });

  it("[SES23] of the next negotiation wait for it, those of the present one do not", () => {
    const end = activeAnswerer();
    trickle(end, 2, "of 2");
    trickle(end, 1, "of 1");
    assert.deepEqual(texts(end), ["of 1"]);
    end.hear("s1", 2, { kind: "offer", offer: offer("R2") });
    end.feed({ kind: "answer-created", session: "s1", epoch: 2, sdp: sdp("L2") });
    assert.deepEqual(texts(end), ["of 1", "of 2"]);
  });

  it("[SES23] of a negotiation after the first outlast the first", () => {
    const end = waiting();
    trickle(end, 2, "of 2");
    end.hear("s1", 1, { kind: "offer", offer: offer("R1") });
    end.feed({ kind: "answer-created", session: "s1", epoch: 1, sdp: sdp("L1") });
    assert.deepEqual(texts(end), []);
    end.hear("s1", 2, { kind: "offer", offer: offer("R2") });
    end.feed({ kind: "answer-created", session: "s1", epoch: 2, sdp: sdp("L2") });
    assert.deepEqual(texts(end), ["of 2"]);
  });

  it("[SES24] of an epoch before an ICE restart are refused with a reason", () => {
    const end = activeAnswerer();
    end.hear("s1", 2, { kind: "offer", offer: offer("R2") });
    end.feed({ kind: "answer-created", session: "s1", epoch: 2, sdp: sdp("L2") });
    trickle(end, 1, "late");
    assert.deepEqual(texts(end), []);
    assert.deepEqual(
      end.sent("refused").map((signal) => [signal.epoch, signal.body.code]),
      [[1, "candidate/refused"]],
    );
    assert.equal(end.events("refused").length, 1);
  });

  it("[SES24] of an earlier epoch hold on where ICE was not restarted", () => {
    const end = activeAnswerer();
    end.hear("s1", 2, { kind: "offer", offer: offer("R1") });
    end.feed({ kind: "answer-created", session: "s1", epoch: 2, sdp: sdp("L1") });
    trickle(end, 1, "late but good");
    assert.deepEqual(texts(end), ["late but good"]);
    assert.deepEqual(
      end.events("negotiated").map((event) => event.iceRestart),
      [false, false],
    );
  });

  it("[SES24] with a foreign fragment, or of an offer that was never made, are refused", () => {
    const end = activeOfferer();
    end.hear("s1", 1, { kind: "candidate", candidate: candidate("foreign", "X9") });
    end.hear("s1", 1, { kind: "candidate", candidate: candidate("own", "R1") });
    trickle(end, 2, "of nothing");
    assert.deepEqual(texts(end), ["own"]);
    assert.equal(end.sent("refused").length, 2);
    assert.equal(end.kind, "Active");
  });

  it("[SES24] a refusal from the remote, or a candidate that cannot be added, costs nothing but the path", () => {
    const end = activeOfferer();
    end.hear("s1", 1, { kind: "refused", code: "candidate/refused", detail: "" });
    const error = new LodelineError("candidate/refused");
    end.feed({ kind: "candidate-failed", session: "s1", epoch: 1, error });
    assert.equal(end.kind, "Active");
    assert.deepEqual(
      end.events("refused").map((event) => event.by),
      ["remote", "local"],
    );
  });

  it("[SES23] those gathered here are sent under the epoch they were gathered in", () => {
    const end = creating();
    end.feed({ kind: "local-candidate", session: "s1", epoch: 1, candidate: candidate("mine") });
    assert.deepEqual(
      end.sent("candidate").map((signal) => [signal.epoch, signal.body.candidate.candidate]),
      [[1, "mine"]],
    );
  });
});

describe("a negotiation that does not settle", () => {
  it("[SES26] is tried again after negotiatingMs, three times in all, and then ends the session", () => {
    const end = activeOfferer();
    renegotiate(end);
    for (let epoch = 2; epoch <= 4; epoch++) {
      end.feed({ kind: "offer-created", session: "s1", epoch, offer: offer("L1") });
      end.advance(DEFAULT_TIMERS.negotiatingMs - 1);
      assert.equal(end.of("create-offer").at(-1)?.epoch, epoch);
      assert.equal(end.kind, "Active");
      end.advance(1);
      if (epoch < 4) end.advance(DEFAULT_TIMERS.iceRestartMs);
    }
    end.performAll("s1");
    assert.equal(reasonOf(end), "setup-timeout");
    assert.equal(end.ended.by, "deadline");
  });

  it("[SES26] an answerer that cannot finish an answer ends with setup-timeout", () => {
    const end = activeAnswerer();
    end.hear("s1", 2, { kind: "offer", offer: offer("R2") });
    end.advance(DEFAULT_TIMERS.negotiatingMs - 1);
    assert.equal(end.kind, "Active");
    end.advance(1);
    end.performAll("s1");
    assert.equal(reasonOf(end), "setup-timeout");
  });
});
