import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Bench } from "./support/bench.ts";

describe("drivers", () => {
  it("[PART11] are made for each session and closed when it is over", () => {
    const bench = new Bench();
    const first = bench.enterSfu();
    bench.connect(first);
    bench.hears({ type: "repair", step: "new-session", publication: "p_bob:camera", subscription: "x", why: "test" });
    bench.clock.advance(10);
    const second = bench.driver();
    assert.notEqual(second.spec.session, first.spec.session);
    assert.deepEqual([first.closed, second.closed], [true, false]);
    const before = bench.participant.session("sfu")?.state;
    first.feed({ kind: "transport", session: second.spec.session, connection: "connected" });
    assert.equal(bench.participant.session("sfu")?.state, before, "a closed driver was heard");
  });

  it("[PART11] are kept while they owe the answer of a step", () => {
    const bench = new Bench({ captures: { call: true } });
    bench.stalled.add("open-devices");
    bench.participant.connect();
    bench.welcome();
    bench.hears({
      type: "signal",
      scope: "call",
      from: "bob",
      signal: { session: "s1", epoch: 0, seq: 1, body: { kind: "call:init", name: "Bob", audio: true, video: true } },
    });
    bench.participant.accept("call:bob");
    const driver = bench.driver();
    bench.participant.hangup("call:bob");
    bench.clock.advance(3_100);
    assert.equal(bench.participant.session("call:bob"), undefined);
    assert.equal(driver.closed, false, "the permission may still come");
    bench.stalled.clear();
    driver.feed({ kind: "step-done", session: "s1", plan: "start", step: "open-devices", value: { owned: [] } });
    bench.clock.advance(10);
    assert.ok(driver.effects.some((effect) => effect.kind === "undo" && effect.step === "open-devices"));
    assert.equal(driver.closed, true);
  });
});

describe("the end of a participant", () => {
  it("[PART16] ends calls, the room and the link, and leaves nothing armed", () => {
    const bench = new Bench();
    const sfu = bench.enterSfu("p_bob");
    bench.connect(sfu);
    bench.participant.call("cid", { audio: true, video: true });
    bench.participant.close();
    assert.deepEqual(bench.signalled("cid"), ["call:init", "hangup"]);
    const [leave] = bench.said("leave");
    assert.ok(leave, "the room was not left");
    assert.equal(bench.participant.closed, false);
    bench.hears({ type: "ok", id: leave.id });
    bench.clock.advance(10);
    assert.equal(bench.participant.closed, true);
    assert.equal(sfu.closed, true);
    assert.equal(bench.events("closed").length, 1);
    assert.equal(bench.clock.armed, 0);
  });

  it("[PART16] waits no longer than twice the ending deadline", () => {
    const bench = new Bench();
    bench.connect(bench.enterSfu("p_bob"));
    bench.stalled.add("close-connection");
    bench.participant.close();
    bench.clock.advance(5_999);
    assert.equal(bench.participant.closed, false);
    bench.clock.advance(1);
    assert.equal(bench.participant.closed, true);
    assert.equal(bench.driver().closed, true);
    assert.equal(bench.clock.armed, 0);
  });

  it("[PART16] waits for nothing when the page goes away, and keeps its place", () => {
    const bench = new Bench();
    const sfu = bench.enterSfu("p_bob");
    bench.connect(sfu);
    bench.stalled.add("disable-tracks");
    bench.participant.close("page-closed");
    assert.equal(bench.participant.closed, true);
    assert.equal(sfu.closed, true);
    assert.deepEqual(bench.said("leave"), []);
    const steps = sfu.effects.flatMap((effect) =>
      effect.kind === "run" && effect.plan === "stop" ? [effect.step] : [],
    );
    assert.deepEqual(steps, ["disable-tracks", "close-channel", "close-connection"]);
    assert.equal(bench.clock.armed, 0);
    assert.throws(() => bench.participant.join({ room: "r" }), TypeError);
  });
});
