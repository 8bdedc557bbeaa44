import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { ANSWER_STEPS, CAPTURE_STEPS, CHANNEL_STEPS, type PlanStep, STOP_STEPS } from "@lodeline/session";
import { type Client, offerOf, World } from "./world.ts";

const candidate = (ufrag: string) => ({
  kind: "candidate" as const,
  candidate: { candidate: `candidate:${ufrag}`, sdpMid: "0", sdpMLineIndex: 0, usernameFragment: ufrag },
});

describe("media sessions", () => {
  it("[HUB16] answers a join with an offer by one joined that carries the answer", () => {
    const world = new World();
    const ada = world.client("ada");
    ada.join("r", { session: "s_a", sdp: "v=0 ada" });
    world.run(100);
    assert.deepEqual(ada.joined.answer, { session: "s_a", sdp: "answer to v=0 ada" });
    assert.equal(ada.messages[0]?.type, "joined");
    assert.deepEqual(ada.heard, [], "the answer is not said twice");
    assert.deepEqual(world.keys, [{ room: "r", participant: ada.joined.participant, session: "s_a" }]);
  });

  it("[HUB16] holds everything back until the answer is there", () => {
    const world = new World();
    world.media.answer = () => undefined;
    const ada = world.client("ada");
    ada.join("r", { session: "s_a" });
    world.run(100);
    const bob = world.client("bob");
    bob.join("r");
    world.run(100);
    assert.equal(ada.messages.length, 0);
    world.media.served.get("s_a")?.feed({ kind: "answer-created", session: "s_a", epoch: 1, sdp: "late" });
    world.run(100);
    const types = ada.messages.map(({ type }) => type);
    assert.equal(types[0], "joined");
    assert.ok(types.indexOf("room-event") > 0);
    assert.equal(ada.joined.answer?.sdp, "late");
    assert.equal(ada.joined.seq, 1, "what the room was at the join; the rest follows as events");
    assert.deepEqual(
      ada.of("room-event").flatMap(({ events }) => events.map(({ seq }) => seq)),
      [2],
    );
  });

  it("[HUB16] answers the same join said again with the same answer, also while it waits", () => {
    const world = new World();
    world.media.answer = () => undefined;
    const ada = world.client("ada");
    for (let i = 0; i < 2; i++) ada.join("r", { id: "j", session: "s_a" });
    world.run(100);
    assert.deepEqual(ada.of("joined"), []);
    world.media.served.get("s_a")?.feed({ kind: "answer-created", session: "s_a", epoch: 1, sdp: "one" });
    world.run(100);
    assert.equal(ada.of("joined").length, 1);
    ada.join("r", { id: "j", session: "s_a" });
    world.run(100);
    assert.equal(ada.of("joined").length, 2);
    assert.equal(ada.joined.answer?.sdp, "one");
    assert.equal(world.keys.length, 1);
  });

  it("[HUB17] lets one with an unusable offer in, listening to nothing, and names the line", () => {
    const world = new World();
    world.media.answer = () => new LodelineError("sdp/unusable", { field: "sdp:7", detail: "a=nonsense" });
    const ada = world.client("ada");
    ada.join("r", { session: "s_a", live: ["camera"] });
    world.run(100);
    assert.equal(ada.joined.answer, undefined);
    assert.deepEqual(ada.errors, [{ code: "sdp/unusable", field: "sdp:7" }]);
    assert.deepEqual(
      ada.messages.slice(0, 2).map(({ type }) => type),
      ["joined", "error"],
    );
    assert.equal(world.hub.status().participants, 1);
    assert.equal(world.eventsOf("refused").at(-1)?.error.code, "sdp/unusable");
    assert.deepEqual(
      world.ops.filter(({ op }) => op === "attach"),
      [],
    );
  });

  it("[HUB18] says joined after half a second when the engine hangs, and the answer when it comes", () => {
    const world = new World();
    world.media.answer = () => undefined;
    const ada = world.client("ada");
    ada.join("r", { session: "s_a" });
    // Two latencies and the hello pass before the hub has the join.
    world.run(500 + 25);
    assert.deepEqual(ada.of("joined"), []);
    world.run(25);
    assert.equal(ada.joined.answer, undefined);
    world.media.served.get("s_a")?.feed({ kind: "answer-created", session: "s_a", epoch: 1, sdp: "late" });
    world.run(100);
    assert.deepEqual(ada.heard, [{ from: "sfu", session: "s_a", kind: "answer" }]);
  });

  it("[HUB19] takes candidates before the answer and hands them on after it", () => {
    const world = new World();
    world.media.answer = () => undefined;
    const ada = world.client("ada");
    ada.join("r", { session: "s_a" });
    ada.signal("room", "sfu", "s_a", 1, candidate("u1"), 1);
    ada.signal("room", "sfu", "s_a", 2, candidate("u2"), 1);
    world.run(100);
    const added = () => world.media.effects("s_a").filter(({ kind }) => kind === "add-candidate").length;
    assert.equal(added(), 0);
    world.media.served.get("s_a")?.feed({ kind: "answer-created", session: "s_a", epoch: 1, sdp: "x" });
    world.run(100);
    assert.equal(added(), 2);
    assert.deepEqual(ada.errors, []);
  });

  it("[HUB20] puts a publication into a slot as soon as both have answers, and follows the transport", () => {
    const world = new World();
    const [ada, bob] = two(world);
    const table = bob.of("slots").at(-1)?.table.slots ?? [];
    const publication = `${ada.joined.participant}:camera`;
    const slot = table.find((one) => one.publication === publication);
    assert.ok(slot && ["r1", "r3"].includes(slot.mid), JSON.stringify(table));
    const attach = world.ops.find((op) => op.op === "attach" && op.publication === publication);
    assert.deepEqual(attach, {
      op: "attach",
      subscription: `${publication}>${bob.joined.participant}`,
      publication,
      from: ada.joined.participant,
      fromMid: "s0",
      to: bob.joined.participant,
      toMid: slot.mid,
      kind: "video",
    });
    world.media.connect("s_a");
    world.media.connect("s_b");
    world.run(100);
    const states = world.eventsOf("session").filter(({ session }) => session === "s_a");
    assert.equal(states.at(-1)?.state, "Active");
    const subscription = `${publication}>${bob.joined.participant}`;
    world.hub.mediaFacts("r", {
      publications: [{ publication, arriving: true }],
      subscriptions: [{ subscription, forwarded: true }],
    });
    world.hub.mediaFacts("nowhere", { publications: [], subscriptions: [] });
    world.run(100);
    const row = world.hub.room("r")?.ledger.find((one) => one.subscription === subscription);
    assert.equal(row?.facts.forwarded.value, true);
    assert.equal(row?.facts.sent.value, true);
  });

  it("[HUB20] a later offer is answered by a signal, and its new sections hold", () => {
    const world = new World();
    const [ada] = two(world);
    world.media.connect("s_a");
    world.run(50);
    const offer = { ...offerOf({ sdp: "second", live: ["camera", "screen"] }) };
    ada.signal("room", "sfu", "s_a", 1, { kind: "offer", offer }, 2);
    world.run(100);
    assert.deepEqual(ada.heard, [{ from: "sfu", session: "s_a", kind: "answer" }]);
    const answer = ada.signals().at(-1);
    assert.equal(answer?.epoch, 2);
  });

  it("[HUB21] runs the stop plan of whoever leaves, and closes its session once", () => {
    const world = new World();
    const [ada, bob] = two(world);
    world.media.connect("s_a");
    world.run(50);
    ada.send({ type: "leave", id: "l" });
    world.run(100);
    assert.deepEqual(world.media.closed, ["s_a"]);
    assert.equal(world.hub.status().sessions, 1);
    bob.send({ type: "leave", id: "l" });
    world.run(100);
    assert.deepEqual(world.media.closed, ["s_a", "s_b"]);
    assert.equal(world.hub.status().sessions, 0);
  });

  it("[HUB49] tells every step of a session, first the twelve, then the seven", () => {
    const world = new World();
    const told: string[] = [];
    world.hub.on("step", ({ room, session, plan, step, outcome }) => {
      if (session === "s_a") told.push([room, plan, step, outcome].join(" "));
    });
    const [ada] = two(world);
    world.media.connect("s_a");
    world.run(50);
    ada.send({ type: "leave", id: "l" });
    world.run(100);
    const outcome = (step: PlanStep) => (CAPTURE_STEPS.has(step) || CHANNEL_STEPS.has(step) ? "skipped" : "done");
    assert.deepEqual(told, [
      ...ANSWER_STEPS.map((step) => `r start ${step} ${outcome(step)}`),
      ...STOP_STEPS.map((step) => `r stop ${step} ${outcome(step)}`),
    ]);
  });

  it("[HUB21] a rejoin closes the earlier session and begins the new one in the same place", () => {
    const world = new World();
    const [ada, bob] = two(world);
    const { participant, rejoinToken } = bob.joined;
    bob.vanish("never");
    const reloaded = world.client("bob", 2);
    reloaded.join("r", { rejoin: { participant, token: rejoinToken }, session: "s_b2", sdp: "anew" });
    world.run(100);
    assert.equal(reloaded.joined.answer?.sdp, "answer to anew");
    assert.deepEqual(world.media.closed, ["s_b"]);
    const publication = `${ada.joined.participant}:camera`;
    assert.ok(
      reloaded
        .of("slots")
        .at(-1)
        ?.table.slots.some((slot) => slot.publication === publication),
    );
    assert.equal(world.hub.status().sessions, 2);
  });

  it("[HUB21] a hung teardown is given up after endingMs", () => {
    const world = new World();
    const [ada] = two(world);
    world.media.connect("s_a");
    world.media.stuck.add("close-connection");
    ada.send({ type: "leave", id: "l" });
    world.run(DEFAULT_TIMERS.endingMs - 100);
    assert.deepEqual(world.media.closed, []);
    world.run(200);
    assert.deepEqual(world.media.closed, ["s_a"]);
  });

  it("[HUB22] a session id in use is refused, whoever uses it, and its owner notices nothing", () => {
    const world = new World();
    const ada = world.client("ada");
    ada.join("r", { session: "s_1" });
    world.run();
    const eve = world.client("eve");
    eve.join("q", { session: "s_1" });
    world.run();
    assert.equal(eve.joined.answer, undefined);
    assert.deepEqual(eve.errors, [{ code: "protocol/out-of-turn", field: "session.session" }]);
    assert.deepEqual(eve.heard, [{ from: "sfu", session: "s_1", kind: "hangup", reason: "remote-gone" }]);
    assert.equal(world.keys.length, 1);
    eve.signal("room", "sfu", "s_1", 1, candidate("u"), 1);
    eve.signal("call", "ada", "s_1", 1, { kind: "call:init", name: "", audio: true, video: true });
    world.run();
    assert.equal(world.media.effects("s_1").filter(({ kind }) => kind === "add-candidate").length, 0);
    assert.deepEqual(ada.heard, []);
    assert.equal(world.hub.status().sessions, 1);
  });

  it("[HUB23] one that joined without an offer may make it later", () => {
    const world = new World();
    const ada = world.client("ada");
    ada.join("r", { live: ["camera"] });
    world.run();
    ada.signal("room", "sfu", "s_a", 1, { kind: "offer", offer: offerOf({ live: ["camera"] }) }, 1);
    world.run();
    assert.deepEqual(ada.heard, [{ from: "sfu", session: "s_a", kind: "answer" }]);
    assert.equal(world.hub.status().sessions, 1);
  });

  it("[HUB23] answers an offer to a session that is over with its end, and ignores what is merely late", () => {
    const world = new World();
    const ada = world.client("ada");
    ada.join("r", { session: "s_a" });
    world.run();
    ada.signal("room", "sfu", "s_old", 5, candidate("u"), 1);
    ada.signal("room", "sfu", "s_old", 6, { kind: "hangup", reason: "left" });
    world.run();
    assert.deepEqual(ada.heard, []);
    ada.signal("room", "sfu", "s_old", 7, { kind: "offer", offer: offerOf() }, 2);
    world.run();
    assert.deepEqual(ada.heard, [{ from: "sfu", session: "s_old", kind: "hangup", reason: "remote-gone" }]);
    assert.deepEqual(ada.errors, []);
  });

  it("[HUB16] a mesh room has no media session at the server", () => {
    const world = new World();
    const ada = world.client("ada");
    ada.join("r", { topology: "mesh", session: "s_a" });
    world.run();
    assert.equal(ada.joined.answer, undefined);
    assert.equal(world.keys.length, 0);
    ada.signal("room", "sfu", "s_a", 1, { kind: "offer", offer: offerOf() }, 1);
    world.run();
    assert.deepEqual(ada.errors, [{ code: "room/topology", field: "to" }]);
  });
});

/** Ada with a camera and Bob, both answered. */
function two(world: World): [Client, Client] {
  const ada = world.client("ada");
  ada.join("r", { session: "s_a", live: ["camera"] });
  world.run();
  const bob = world.client("bob");
  bob.join("r", { session: "s_b" });
  world.run();
  return [ada, bob];
}
