import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RoomEvent, SignalBody } from "@lodeline/protocol";
import { Bench, OFFER, pairWith, room } from "./support/bench.ts";

describe("joining an sfu room", () => {
  it("[PART3] carries the first offer, takes the answer from `joined`, and holds back what the session says meanwhile", () => {
    const bench = new Bench();
    bench.participant.join({ room: "r", sources: { camera: "live" } });
    bench.welcome();
    const [join] = bench.said("join");
    assert.deepEqual(join?.session, { session: bench.driver().spec.session, offer: OFFER });
    assert.equal(join?.sources.camera.intent, "live");
    const { spec, feed } = bench.driver();
    const candidate = { candidate: "c", sdpMid: "0", sdpMLineIndex: 0, usernameFragment: null };
    feed({ kind: "local-candidate", session: spec.session, epoch: 1, candidate });
    assert.deepEqual(bench.signalled("sfu"), []);
    bench.joined(room("sfu", "p_ann"));
    assert.deepEqual(bench.signalled("sfu"), ["candidate"]);
    assert.ok(bench.driver().effects.some((effect) => effect.kind === "apply-answer" && effect.sdp === "v=0 answer"));
    bench.connect(bench.driver());
    assert.equal(bench.participant.session("sfu")?.state.kind, "Active");
    assert.equal(bench.participant.membership, "joined");
  });

  it("[PART4] ends the prepared session when the room is a mesh", () => {
    const bench = new Bench();
    bench.participant.join({ room: "r" });
    bench.welcome();
    bench.joined(room("mesh", "p_ann", "p_bob"));
    bench.clock.advance(10);
    const [sfu, pair] = bench.drivers;
    assert.equal(sfu?.closed, true);
    assert.equal(bench.participant.session("sfu"), undefined);
    assert.equal(pair?.spec.key, "pair:p_bob");
  });

  it("[PART5] takes a changed wish along and can be given up before its offer", () => {
    const bench = new Bench();
    bench.stalled.add("create-connection");
    bench.participant.join({ room: "r", sources: { camera: "live", microphone: "live" } });
    bench.welcome();
    assert.equal(bench.participant.membership, "joining");
    bench.participant.setSource("camera", "unpublished");
    bench.driver().feed({
      kind: "step-done",
      session: bench.driver().spec.session,
      plan: "start",
      step: "create-connection",
    });
    bench.clock.advance(1);
    const [join] = bench.said("join");
    assert.deepEqual([join?.sources.camera.intent, join?.sources.microphone.intent], ["unpublished", "live"]);

    const other = new Bench();
    other.stalled.add("create-connection");
    other.participant.join({ room: "r" });
    other.welcome();
    other.participant.leave();
    assert.deepEqual(other.events("left"), [{ room: "r" }]);
    assert.equal(other.participant.membership, "outside");
    assert.deepEqual(other.sent, []);
  });

  it("[PART5] gives back the place of an earlier page, which is left before it was taken again", () => {
    const bench = new Bench();
    bench.participant.connect();
    bench.welcome();
    bench.stalled.add("create-connection");
    bench.participant.join({ room: "r", rejoin: { room: "r", participant: "p_ann", token: "token" } });
    bench.participant.leave();
    bench.clock.advance(10);
    assert.deepEqual(
      bench.sent.map((message) => message.type),
      ["join", "leave"],
    );
    assert.equal(bench.said("join")[0]?.session, undefined);
    assert.deepEqual(bench.events("left"), [{ room: "r" }]);
  });

  it("[PART6] tells its command before it leaves, and asks again by the same", () => {
    const bench = new Bench();
    bench.participant.on("joining", () => assert.deepEqual(bench.said("join"), []));
    bench.participant.join({ room: "r" });
    bench.welcome();
    const [joining] = bench.events("joining");
    assert.deepEqual(joining, { room: "r", command: bench.said("join")[0]?.id });

    const reloaded = new Bench();
    reloaded.participant.join({ room: "r", command: joining?.command });
    reloaded.welcome();
    assert.equal(reloaded.said("join")[0]?.id, joining?.command);
  });

  it("[PART6] shares no command with what is said while a join waits for its offer", () => {
    const bench = new Bench();
    bench.participant.join({ room: "r" });
    bench.welcome();
    bench.participant.leave();
    bench.stalled.add("create-connection");
    bench.participant.join({ room: "r" });
    // The first join is answered only now: its place is given back.
    bench.joined(room("sfu", "p_ann"));
    const { session } = bench.driver().spec;
    bench.driver().feed({ kind: "step-done", session, plan: "start", step: "create-connection" });
    bench.clock.advance(1);
    const ids = bench.sent.flatMap((message) => ("id" in message ? [message.id] : []));
    assert.equal(bench.said("join").length, 2);
    assert.equal(bench.said("leave").length, 2);
    assert.deepEqual(ids, [...new Set(ids)]);
    for (const { id } of bench.said("leave")) bench.hears({ type: "ok", id });
    bench.joined(room("sfu", "p_ann"));
    assert.equal(bench.participant.membership, "joined");
  });

  it("[PART7] fails when no connection can be prepared", () => {
    const bench = new Bench();
    bench.failing.add("create-connection");
    bench.participant.join({ room: "r" });
    bench.welcome();
    bench.clock.advance(100);
    assert.deepEqual(
      bench.events("join-failed").map(({ error }) => error.code),
      ["session/plan-failed"],
    );
    assert.equal(bench.participant.membership, "outside");
    assert.deepEqual(bench.said("join"), []);
  });

  it("[PART7] tries again, with growing waits, for a place that is held", () => {
    const bench = new Bench();
    bench.enterSfu();
    bench.failing.add("create-connection");
    bench.hears({ type: "repair", step: "new-session", publication: "p_bob:camera", subscription: "x", why: "test" });
    const tries = () => bench.drivers.length;
    const first = tries();
    bench.clock.advance(600);
    assert.equal(tries(), first + 1);
    bench.clock.advance(600);
    assert.equal(tries(), first + 1);
    bench.clock.advance(600);
    assert.equal(tries(), first + 2);
    bench.failing.clear();
    bench.clock.advance(2_100);
    assert.equal(new Set(bench.said("join").map(({ id }) => id)).size, 2, "asked again under the same id");
    assert.equal(bench.said("join")[1]?.rejoin?.token, "token");
  });

  it("[PART9] makes more receive slots before it offers them", () => {
    const bench = new Bench();
    const driver = bench.enterSfu("p_bob", "p_cid");
    bench.connect(driver);
    bench.clock.advance(100);
    assert.deepEqual(driver.grown, { audio: 1, video: 2 });
    const offers = driver.effects.filter((effect) => effect.kind === "create-offer");
    assert.equal(offers.length, 2);
  });

  it("[PART10] ends its session and its expectations when the room lets go", () => {
    const bench = new Bench();
    const driver = bench.enterSfu("p_bob");
    bench.connect(driver);
    assert.equal(bench.participant.standing("p_bob:camera"), "pending");
    bench.hears({ type: "removed", code: "room/removed", reason: "out" });
    bench.clock.advance(10);
    const ended = bench.events("session").flatMap(({ event }) => (event.kind === "ended" ? [event.reason] : []));
    assert.deepEqual(ended, ["removed"]);
    assert.equal(driver.closed, true);
    assert.equal(bench.participant.standing("p_bob:camera"), "off");
    assert.deepEqual(bench.events("removed"), [{ code: "room/removed", reason: "out" }]);
    assert.equal(bench.participant.place, undefined);
  });
});

describe("a mesh room", () => {
  it("[PART8] keeps a signal for the pair that it is ahead of", () => {
    const bench = new Bench();
    bench.enterMesh();
    const body: SignalBody = { kind: "offer", offer: { ...OFFER, receives: [] } };
    const signal = { session: "s-p_bob", epoch: 1, seq: 1, body };
    bench.hears({ type: "signal", scope: "room", from: "p_bob", signal });
    assert.deepEqual(bench.drivers, []);
    const [, bob] = room("mesh", "p_ann", "p_bob").participants;
    assert.ok(bob);
    const pair = { ...pairWith("p_bob"), initiatorId: "p_bob" };
    const event: RoomEvent = { kind: "peer-joined", participant: bob, pairs: [pair] };
    bench.hears({ type: "room-event", room: "r", events: [{ seq: 2, at: 0, event }] });
    assert.deepEqual(bench.signalled("p_bob"), ["answer"]);
  });

  it("[PART8] says nothing to somebody who has left", () => {
    const bench = new Bench();
    bench.enterMesh("p_bob");
    assert.deepEqual(bench.signalled("p_bob"), ["offer"]);
    const event = { kind: "peer-left", participant: "p_bob", reason: "left" } as const;
    bench.hears({ type: "room-event", room: "r", events: [{ seq: 2, at: 0, event }] });
    bench.clock.advance(10);
    assert.deepEqual(bench.signalled("p_bob"), ["offer"]);
    assert.equal(bench.driver().closed, true);
    assert.deepEqual(bench.events("peer-left"), [{ participant: "p_bob", reason: "left" }]);
  });

  it("[PART9] repairs the session of the subscription and no other", () => {
    const bench = new Bench();
    bench.enterMesh("p_bob", "p_cid");
    const [bob, cid] = bench.drivers;
    assert.ok(bob && cid);
    for (const { spec } of [bob, cid]) {
      const body = { kind: "answer", sdp: "v=0 answer" } as const;
      bench.hears({
        type: "signal",
        scope: "room",
        from: spec.remote,
        signal: { session: spec.session, epoch: 1, seq: 1, body },
      });
    }
    bench.connect(bob);
    bench.connect(cid);
    const repair = { type: "repair", why: "test" } as const;
    bench.hears({ ...repair, step: "republish", publication: "p_ann:camera", subscription: "p_ann:camera>p_bob" });
    assert.deepEqual([bob.republished, cid.republished], [["camera"], []]);
    bench.hears({ ...repair, step: "restart-ice", publication: "p_cid:camera", subscription: "p_cid:camera>p_ann" });
    const restarts = (driver: typeof bob) =>
      driver.effects.flatMap((effect) => (effect.kind === "create-offer" ? [effect.iceRestart] : []));
    assert.deepEqual([restarts(bob), restarts(cid)], [[false], [false, true]]);
  });
});
