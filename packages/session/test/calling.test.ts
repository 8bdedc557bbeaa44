import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { activeAnswerer, activeOfferer, candidate, OneEnd, offer, reasonOf } from "./one-end.ts";

const INIT = { kind: "call:init", name: "Bob", audio: true, video: false } as const;

describe("calling", () => {
  it("[SES4] a call sends call:init and opens nothing; accept alone leads on", () => {
    const end = new OneEnd();
    end.call("s1");
    assert.equal(end.kind, "OutgoingInit");
    assert.deepEqual(
      end.of("send").map(({ signal }) => [signal.session, signal.epoch, signal.seq, signal.body.kind]),
      [["s1", 0, 1, "call:init"]],
    );
    end.hear("s1", 0, { kind: "negotiation-needed", why: "x", iceRestart: false });
    end.hear("s1", 0, { kind: "candidate", candidate: candidate("c") });
    assert.deepEqual(end.of("run"), []);
    assert.equal(end.kind, "OutgoingInit");
    end.hear("s1", 0, { kind: "accept" });
    assert.equal(end.kind, "Negotiating");
    assert.deepEqual(
      end.of("run").map((effect) => effect.step),
      ["create-connection"],
    );
  });

  it("[SES5] a call that comes in opens nothing; accept sends accept and makes the connection", () => {
    const end = new OneEnd();
    end.hear("s1", 0, INIT);
    assert.equal(end.kind, "IncomingInit");
    assert.deepEqual(end.events("incoming"), [
      { kind: "incoming", session: "s1", name: "Bob", audio: true, video: false },
    ]);
    end.hear("s1", 1, { kind: "offer", offer: offer("R1") });
    assert.deepEqual(end.of("run"), []);
    end.feed({ kind: "accept" });
    assert.equal(end.kind, "Negotiating");
    assert.equal(end.sent("accept").length, 1);
    assert.equal(end.of("run")[0]?.step, "create-connection");
  });

  it("[SES5] a rejected call ends at both ends with the reason given", () => {
    const callee = new OneEnd();
    callee.hear("s1", 0, INIT);
    callee.feed({ kind: "reject", reason: "declined" });
    assert.equal(callee.sent("reject")[0]?.body.reason, "declined");
    const caller = new OneEnd();
    caller.call("s1");
    caller.hear("s1", 0, { kind: "reject", reason: "declined" });
    assert.deepEqual([callee.ended.by, caller.ended.by], ["local", "remote"]);
    assert.deepEqual([reasonOf(callee), reasonOf(caller)], ["declined", "declined"]);
  });

  for (const [wait, reason, told, begin] of [
    ["noAnswerMs", "no-answer", "hangup", (end: OneEnd) => end.call("s1")],
    ["ringingMs", "ringing-timeout", "reject", (end: OneEnd) => end.hear("s1", 0, INIT)],
    [
      "negotiatingMs",
      "setup-timeout",
      "hangup",
      (end: OneEnd) => {
        end.hear("s1", 0, INIT);
        end.feed({ kind: "accept" });
      },
    ],
  ] as const) {
    it(`[SES6] ${wait} ends with ${reason}, and not a millisecond earlier; the remote is told`, () => {
      const end = new OneEnd();
      begin(end);
      const before = end.kind;
      end.advance(DEFAULT_TIMERS[wait] - 1);
      assert.equal(end.kind, before);
      end.advance(1);
      end.performAll("s1");
      end.advance(DEFAULT_TIMERS.endingMs);
      assert.equal(reasonOf(end), reason);
      assert.equal(end.ended.by, "deadline");
      assert.equal(end.sent(told).length, 1);
    });
  }

  it("[SES7] Ended becomes Idle at once by itself, and is announced with reason and receipt", () => {
    const end = new OneEnd();
    end.call("s1");
    end.feed({ kind: "end", reason: "hangup" });
    assert.equal(end.kind, "Ended");
    assert.equal(end.machine.deadline(end.state), end.now);
    end.advance(0);
    assert.equal(end.kind, "Idle");
    assert.equal(end.machine.deadline(end.state), undefined);
    assert.deepEqual(end.path, ["OutgoingInit", "Ended", "Idle"]);
    assert.equal(end.ended.receipt.clean, true);
    assert.deepEqual(end.ended.receipt.steps, []);
  });

  it("[SES8] what does not fit the state is refused by an event and changes nothing", () => {
    const end = new OneEnd();
    for (const input of [
      { kind: "accept" },
      { kind: "reject", reason: "declined" },
      { kind: "renegotiate", why: "x", iceRestart: false },
      { kind: "assign", session: "s9", role: "offerer" },
    ] as const) {
      end.feed(input);
      assert.equal(end.events("refused").at(-1)?.error.code, "protocol/out-of-turn", input.kind);
      assert.equal(end.kind, "Idle");
    }
    end.feed({ kind: "end", reason: "hangup" });
    assert.equal(end.kind, "Idle");
    const self = new OneEnd({ remoteId: "ann" });
    self.call("s1");
    assert.equal(self.events("refused")[0]?.error.code, "call/self");
    assert.equal(self.kind, "Idle");
    const busy = activeOfferer();
    busy.call("s2");
    assert.equal(busy.events("refused")[0]?.error.code, "protocol/out-of-turn");
    assert.equal(busy.kind, "Active");
  });
});

describe("both at once", () => {
  it("[SES9] the lower identity goes on with its own call", () => {
    const end = new OneEnd({ localId: "ann", remoteId: "bob" });
    end.call("a1");
    end.hear("b1", 0, INIT);
    assert.equal(end.kind, "OutgoingInit");
    assert.deepEqual(end.events("merged"), [{ kind: "merged", session: "a1", from: "b1" }]);
    assert.equal(end.sent("reject").length, 0);
    end.hear("b1", 0, { kind: "hangup", reason: "replaced" });
    end.hear("a1", 0, { kind: "accept" });
    assert.equal(end.kind, "Negotiating");
    assert.equal(end.state.kind === "Negotiating" && end.state.role, "offerer");
  });

  it("[SES9] the higher identity gives its own up and accepts the other without ringing", () => {
    const end = new OneEnd({ localId: "bob", remoteId: "ann" });
    end.call("b1");
    end.hear("a1", 0, INIT);
    assert.equal(end.kind, "Negotiating");
    assert.deepEqual(end.path, ["OutgoingInit", "Negotiating"]);
    assert.deepEqual(end.events("merged"), [{ kind: "merged", session: "a1", from: "b1" }]);
    assert.deepEqual(
      end.of("send").map(({ signal }) => `${signal.session} ${signal.seq} ${signal.body.kind}`),
      ["b1 1 call:init", "b1 2 hangup", "a1 1 accept"],
    );
    assert.equal(end.state.kind === "Negotiating" && end.state.role, "answerer");
    assert.equal(end.events("incoming").length, 0);
  });

  it("[SES9] what overtook the other's call is taken up when it is adopted", () => {
    const end = new OneEnd({ localId: "bob", remoteId: "ann" });
    end.call("b1");
    end.hear("a1", 1, { kind: "candidate", candidate: candidate("early") }, 2);
    end.hear("a1", 0, INIT, 1);
    assert.equal(end.state.kind === "Negotiating" && end.state.candidates.waiting.length, 1);
  });

  it("[SES10] calling someone who is calling is accepting", () => {
    const end = new OneEnd();
    end.hear("b1", 0, INIT);
    end.call("a1");
    assert.equal(end.kind, "Negotiating");
    assert.equal(end.sent("accept")[0]?.session, "b1");
    assert.deepEqual(end.events("merged"), [{ kind: "merged", session: "b1", from: "a1" }]);
    assert.equal(end.sent("call:init").length, 0);
  });
});

describe("a further call of the same remote", () => {
  it("[SES11] is answered busy while one works or is set up, and leaves that one alone", () => {
    const negotiating = new OneEnd();
    negotiating.call("s1");
    negotiating.hear("s1", 0, { kind: "accept" });
    for (const end of [negotiating, activeOfferer()]) {
      const before = end.kind;
      end.hear("s2", 0, INIT, 1);
      assert.deepEqual(
        end.sent("reject").map((signal) => [signal.session, signal.body.reason]),
        [["s2", "busy"]],
      );
      assert.equal(end.kind, before);
    }
  });

  it("[SES11] one answered busy is over: it does not ring when the other is, nor does its double", () => {
    const end = activeOfferer();
    end.hear("s2", 0, INIT, 1);
    end.feed({ kind: "end", reason: "hangup" });
    end.hear("s2", 0, INIT, 1);
    end.performAll("s1");
    end.hear("s2", 0, INIT, 1);
    end.advance(0);
    assert.equal(end.kind, "Idle");
    assert.equal(end.events("incoming").length, 0);
  });

  it("[SES11] during teardown it is kept and rings afterwards", () => {
    const end = activeOfferer();
    end.hear("s1", 1, { kind: "hangup", reason: "hangup" });
    end.hear("s2", 0, INIT, 1);
    assert.equal(end.kind, "Ending");
    end.performAll("s1");
    end.advance(0);
    assert.equal(end.kind, "IncomingInit");
    assert.deepEqual(end.path.slice(-4), ["Ending", "Ended", "Idle", "IncomingInit"]);
    assert.equal(end.events("incoming").at(-1)?.session, "s2");
  });

  it("[SES11] replaces a call that only rings, and one that is interrupted", () => {
    const ringing = new OneEnd();
    ringing.hear("s1", 0, INIT);
    ringing.hear("s2", 0, INIT, 1);
    assert.equal(ringing.ended.session, "s1");
    assert.equal(reasonOf(ringing), "replaced");
    ringing.advance(0);
    assert.equal(
      ringing.kind === "IncomingInit" && ringing.state.kind === "IncomingInit" && ringing.state.session,
      "s2",
    );

    const cut = activeAnswerer();
    cut.feed({ kind: "transport", session: "s1", connection: "disconnected" });
    cut.hear("s2", 0, INIT, 1);
    assert.equal(cut.kind, "Ending");
    cut.performAll("s1");
    cut.advance(0);
    assert.equal(reasonOf(cut), "replaced");
    assert.equal(cut.kind, "IncomingInit");
  });
});

describe("assignment", () => {
  it("[SES12] starts negotiating without ringing, as offerer or answerer", () => {
    for (const role of ["offerer", "answerer"] as const) {
      const end = new OneEnd({ use: "pair" });
      end.feed({ kind: "assign", session: "s1", role });
      assert.deepEqual(end.path, ["Negotiating"]);
      assert.equal(end.of("send").length, 0);
      assert.equal(end.of("run")[0]?.step, "create-connection");
    }
  });

  it("[SES12] another one ends the present session with replaced, and starts when it is over", () => {
    const end = new OneEnd({ use: "pair" });
    end.feed({ kind: "assign", session: "s1", role: "offerer" });
    end.feed({ kind: "assign", session: "s1", role: "offerer" });
    assert.deepEqual(end.path, ["Negotiating"]);
    end.feed({ kind: "assign", session: "s2", role: "answerer" });
    assert.equal(end.kind, "Ending");
    assert.equal(end.sent("hangup")[0]?.body.reason, "replaced");
    end.performAll("s1");
    end.advance(0);
    assert.deepEqual(end.path, ["Negotiating", "Ending", "Ended", "Idle", "Negotiating"]);
    assert.equal(end.state.kind === "Negotiating" && end.state.session, "s2");
    end.feed({ kind: "assign", session: "s1", role: "offerer" });
    assert.equal(end.state.kind === "Negotiating" && end.state.session, "s2", "an assignment that is over came again");
  });

  it("[SES12] a pair is never called", () => {
    const end = new OneEnd({ use: "pair" });
    end.hear("s1", 0, INIT);
    assert.equal(end.kind, "Idle");
    assert.equal(end.sent("refused")[0]?.body.code, "protocol/out-of-turn");
  });

  it("[SES13] a call during teardown starts afterwards, unless it is withdrawn", () => {
    for (const withdrawn of [false, true]) {
      const end = activeOfferer();
      end.feed({ kind: "end", reason: "hangup" });
      end.call("s2");
      if (withdrawn) end.feed({ kind: "end", reason: "hangup" });
      assert.equal(end.kind, "Ending");
      end.performAll("s1");
      end.advance(0);
      assert.equal(end.kind, withdrawn ? "Idle" : "OutgoingInit");
    }
  });

  it("[SES13] a call that waited and one that came in meanwhile are one", () => {
    const end = activeOfferer();
    end.feed({ kind: "end", reason: "hangup" });
    end.call("s2");
    end.hear("n1", 0, INIT, 1);
    end.performAll("s1");
    end.advance(0);
    assert.equal(end.kind, "Negotiating");
    assert.equal(end.sent("accept").at(-1)?.session, "n1");
  });
});
