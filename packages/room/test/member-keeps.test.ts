import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { only } from "./support/bench.ts";
import { CAMERA, MemberBench, OFFER, person, row, sent } from "./support/member-bench.ts";

/** In an sfu room, receiving a's camera. */
function receiving(): MemberBench {
  const member = new MemberBench("sfu").inside(person("a", CAMERA));
  member.feed({ kind: "observed", published: [], received: [{ publication: "a:camera", received: true, count: 9 }] });
  member.hears({ type: "ledger", revision: 1, rows: [row("a:camera", "me", true)], removed: [], whole: true });
  member.take();
  return member;
}

describe("over a new link", () => {
  it("[MEM16] names the session that works, and goes on as it was when it is kept", () => {
    const member = receiving();
    const effects = member.feed({ kind: "renewed", keeps: [OFFER.session] });
    const [join] = sent(effects, "join");
    assert.deepEqual([join?.keeps, join?.session], [[OFFER.session], undefined]);
    assert.deepEqual(only(effects, "need-offer"), []);
    const before = member.state.phase.kind === "joining" ? member.state.phase.mirror : undefined;
    const joined = member.joined(member.room(person("a", CAMERA)), { kept: [OFFER.session], rejoinToken: "token2" });
    assert.equal(only(joined, "joined")[0]?.rejoined, true);
    for (const kind of ["forget", "expect", "need-offer"] as const) assert.deepEqual(only(joined, kind), [], kind);
    assert.deepEqual(member.mirror.expected, before?.expected);
    assert.deepEqual(member.mirror.receives, before?.receives);
    member.advance(0);
    const [receipt] = sent(member.take(), "receipt");
    assert.deepEqual(receipt?.received, [{ publication: "a:camera", received: true, count: 9 }]);
    // The session is still the one whose end takes the place anew.
    assert.equal(
      only(member.feed({ kind: "session-ended", session: OFFER.session, reason: "connection-failed" }), "need-offer")
        .length,
      1,
    );
  });

  it("[MEM16] asks for a fresh offer when the session was not kept, or does not work", () => {
    const lost = receiving();
    lost.feed({ kind: "renewed", keeps: [OFFER.session] });
    const joined = lost.joined(lost.room(person("a", CAMERA)), { incarnation: 2 });
    assert.equal(only(joined, "need-offer").length, 1);
    const broken = receiving();
    assert.equal(only(broken.feed({ kind: "renewed", keeps: ["another"] }), "need-offer").length, 1);
  });
});

describe("an offer that its join has outlived", () => {
  it("[MEM14] is asked for anew once the place is given, however long the link was away", () => {
    const member = new MemberBench("sfu");
    member.feed({ kind: "link", open: false });
    member.ask();
    member.feed({ kind: "session-ended", session: OFFER.session, reason: "setup-timeout" });
    member.feed({ kind: "link", open: true });
    assert.equal(sent(member.take(), "join")[0]?.session?.session, OFFER.session);
    assert.equal(only(member.joined(member.room(person("a", CAMERA))), "need-offer").length, 1);
    member.feed({ kind: "offer", offer: { ...OFFER, session: "s2" } });
    const [again] = sent(member.take(), "join");
    assert.deepEqual([again?.rejoin?.participant, again?.session?.session], ["me", "s2"]);
  });
});

describe("a place that is gone", () => {
  it("[MEM17] is told once and asked for anew, with a fresh offer, whichever way it is learnt", () => {
    const removed = receiving();
    const told = removed.hears({ type: "removed", code: "room/lease-expired", reason: "silence" });
    assert.deepEqual(only(told, "place-lost"), [
      { kind: "place-lost", participant: "me", code: "room/lease-expired", reason: "silence" },
    ]);
    assert.equal(only(told, "need-offer").length, 1);
    for (const keeps of [[OFFER.session], undefined]) {
      const member = receiving();
      member.feed({ kind: "renewed", keeps });
      if (!keeps) member.feed({ kind: "offer", offer: { ...OFFER, session: "s2" } });
      const [join] = sent(member.take(), "join");
      const id = join?.id ?? "";
      const refused = member.hears({ type: "error", id, code: "room/bad-rejoin", reason: "gone" });
      assert.equal(only(refused, "place-lost").length, 1);
      // An offer that was never taken is still good; the session that was to be kept is not.
      assert.equal(only(refused, "need-offer").length, keeps ? 1 : 0);
      if (keeps) member.feed({ kind: "offer", offer: { ...OFFER, session: "s2" } });
      const [again] = sent(member.take(), "join").slice(-1);
      assert.deepEqual([again?.rejoin, again?.keeps, again?.session?.session], [undefined, undefined, "s2"]);
      assert.deepEqual([again?.sources.camera.intent, again?.sources.screen.intent], ["live", "unpublished"]);
    }
  });
});
