import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { OneEnd } from "./one-end.ts";

const OFFER = { sdp: "v=0", sends: [], receives: [] };
const INIT = { kind: "call:init", name: "Bob", audio: true, video: true } as const;

/** The times, from now on, at which something of this kind is said. */
function times(end: OneEnd, kind: "call:init" | "offer", withinMs: number): number[] {
  const began = end.now;
  const seen: number[] = [];
  let before = end.sent(kind).length;
  while (end.now - began < withinMs) {
    end.advance(100);
    for (const now = end.sent(kind).length; before < now; before++) seen.push(end.now - began);
  }
  return seen;
}

/** The callee: has accepted, and made its connection. */
function accepted(): OneEnd {
  const end = new OneEnd();
  end.hear("s1", 0, INIT);
  end.feed({ kind: "accept" });
  end.performAll("s1");
  return end;
}

describe("what waits for its answer", () => {
  it("[SES54] a call is said again, each time under a number of its own, until it is taken", () => {
    const end = new OneEnd();
    end.call("s1");
    assert.deepEqual(times(end, "call:init", 20_000), [1_000, 3_000, 7_000, 15_000]);
    assert.deepEqual(
      end.sent("call:init").map(({ seq }) => seq),
      [1, 2, 3, 4, 5],
    );
    const taken = new OneEnd();
    taken.call("s1");
    taken.hear("s1", 0, { kind: "accept" });
    assert.deepEqual(times(taken, "call:init", 10_000), []);
  });

  it("[SES55] an end at which it rings says so, without a number, and nothing else follows from it", () => {
    const rings = new OneEnd();
    rings.hear("s1", 0, INIT);
    rings.advance(1_999);
    assert.deepEqual(rings.sent("receipt"), []);
    rings.advance(1);
    const word = { kind: "receipt" as const, revision: 0, heard: 0, sends: [], receives: [] };
    assert.deepEqual(rings.sent("receipt"), [{ session: "s1", epoch: 0, seq: 0, body: word }]);
    rings.advance(8_000);
    assert.equal(rings.sent("receipt").length, 5);
    rings.feed({ kind: "accept" });
    assert.equal(rings.sent("accept")[0]?.seq, 1);
    rings.advance(5_000);
    assert.equal(rings.sent("receipt").length, 5);
    const calls = new OneEnd();
    calls.call("s2");
    calls.hear("s2", 0, word);
    assert.equal(calls.state.kind, "OutgoingInit");
    calls.feed({ kind: "end", reason: "no-answer" });
    calls.advance(100);
    const before = calls.sent("hangup").length;
    calls.hear("s2", 0, word);
    assert.deepEqual(calls.sent("hangup").at(-1)?.body, { kind: "hangup", reason: "no-answer" });
    assert.equal(calls.sent("hangup").length, before + 1);
  });

  it("[SES54] whoever rings is not disturbed by it, whoever has accepted accepts again, until there is an offer", () => {
    const rings = new OneEnd();
    rings.hear("s1", 0, INIT);
    const { state } = rings;
    rings.hear("s1", 0, INIT);
    assert.equal(rings.state.kind, state.kind);
    assert.equal(rings.events("incoming").length, 1);
    const end = accepted();
    assert.equal(end.sent("accept").length, 1);
    end.hear("s1", 0, INIT);
    assert.equal(end.sent("accept").length, 2);
    end.hear("s1", 1, { kind: "offer", offer: OFFER });
    end.hear("s1", 0, INIT);
    assert.equal(end.sent("accept").length, 2);
  });

  it("[SES54] an offer is said again until it is answered, and an answer to whoever offers again", () => {
    const end = new OneEnd();
    end.call("s1");
    end.hear("s1", 0, { kind: "accept" });
    end.performAll("s1");
    end.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: OFFER });
    assert.deepEqual(times(end, "offer", 5_000), [1_000, 3_000]);
    end.hear("s1", 1, { kind: "answer", sdp: "v=0 a" });
    assert.deepEqual(times(end, "offer", 5_000), []);
    const callee = accepted();
    callee.hear("s1", 1, { kind: "offer", offer: OFFER });
    callee.hear("s1", 1, { kind: "offer", offer: OFFER });
    assert.equal(callee.sent("answer").length, 0);
    callee.feed({ kind: "answer-created", session: "s1", epoch: 1, sdp: "v=0 a" });
    callee.hear("s1", 1, { kind: "offer", offer: OFFER });
    assert.equal(callee.of("apply-offer").length, 1);
    assert.deepEqual(
      callee.sent("answer").map(({ body }) => body.sdp),
      ["v=0 a", "v=0 a"],
    );
  });

  it("[SES54] the first offer of an assigned session is left to whoever assigned it", () => {
    const end = new OneEnd({ use: "sfu" });
    end.feed({ kind: "assign", session: "s1", role: "offerer" });
    end.performAll("s1");
    end.feed({ kind: "offer-created", session: "s1", epoch: 1, offer: OFFER });
    assert.deepEqual(times(end, "offer", DEFAULT_TIMERS.negotiatingMs - 1_000), []);
  });
});
