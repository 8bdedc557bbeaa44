import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SignalBody } from "@lodeline/protocol";
import { only, RoomBench, told } from "./support/bench.ts";

const OFFER: SignalBody = { kind: "offer", offer: { sdp: "v=0", sends: [], receives: [] } };
const ANSWER: SignalBody = { kind: "answer", sdp: "v=0" };

function mesh(...names: string[]): RoomBench {
  const room = new RoomBench("mesh");
  for (const who of names) room.join(who);
  room.take();
  return room;
}

function pairOf(room: RoomBench, a: string, b: string) {
  const pair = room.state.snapshot.pairs.find((one) => one.a === `p-${a}` && one.b === `p-${b}`);
  assert.ok(pair);
  return pair;
}

function signals(room: RoomBench, from: string, to: string, body: SignalBody, session?: string) {
  const [a, b] = [from, to].sort() as [string, string];
  const named = session ?? pairOf(room, a, b).session;
  const signal = { session: named, epoch: 1, seq: 1, body };
  return room.say(from, { type: "signal", scope: "room", to: `p-${to}`, signal });
}

function codes(effects: readonly unknown[], who: string) {
  return told(effects as never, who, "error").map((one) => (one.type === "error" ? one.code : ""));
}

describe("pairs of a mesh", () => {
  it("[ROOM15] pairs each two once and lets the newcomer offer", () => {
    const room = mesh("a", "b", "c");
    assert.deepEqual(
      room.state.snapshot.pairs.map((one) => [one.a, one.b, one.initiatorId]),
      [
        ["p-a", "p-b", "p-b"],
        ["p-a", "p-c", "p-c"],
        ["p-b", "p-c", "p-c"],
      ],
    );
    const before = new Set(room.state.snapshot.pairs.map((one) => one.session));
    assert.equal(before.size, 3);
    room.join("a", { command: "again", rejoin: { participant: "p-a", token: "t-a" } });
    assert.equal(pairOf(room, "a", "b").initiatorId, "p-a");
    assert.equal(pairOf(room, "a", "c").initiatorId, "p-a");
    assert.ok(!before.has(pairOf(room, "a", "b").session));
    assert.ok(before.has(pairOf(room, "b", "c").session), "the others keep theirs");
  });

  it("[ROOM16] passes a signal to the other end and to nobody else", () => {
    const room = mesh("a", "b", "c");
    const effects = signals(room, "b", "a", OFFER);
    assert.deepEqual(
      only(effects, "forward").map((one) => [one.link, one.from]),
      [["l-a", "p-b"]],
    );
  });

  it("[ROOM16] refuses what does not belong", () => {
    const room = mesh("a", "b");
    assert.deepEqual(codes(signals(room, "a", "b", OFFER), "a"), ["session/not-initiator"]);
    assert.deepEqual(codes(signals(room, "b", "a", OFFER, "other"), "b"), ["session/unknown"]);
    const signal = { session: "s", epoch: 0, seq: 1, body: { kind: "accept" } } as const;
    const to = (name: string) => room.say("a", { type: "signal", scope: "room", to: name, signal });
    assert.deepEqual(codes(to("p-x"), "a"), ["room/unknown-participant"]);
    assert.deepEqual(codes(to("p-a"), "a"), ["room/unknown-participant"]);
    const sfu = new RoomBench("sfu");
    sfu.settle("a", "b");
    const across = sfu.say("a", { type: "signal", scope: "room", to: "p-b", signal });
    assert.deepEqual(codes(across, "a"), ["room/topology"]);
    for (const effects of [to("p-x"), across]) assert.equal(only(effects, "forward").length, 0);
  });

  it("[ROOM17] renews a pair that an end gave up, with growing waits", () => {
    const room = mesh("a", "b");
    const sessions = [pairOf(room, "a", "b").session];
    const waits: number[] = [];
    for (let i = 0; i < 4; i++) {
      const began = room.now;
      signals(room, "a", "b", { kind: "hangup", reason: "connection-failed" });
      while (pairOf(room, "a", "b").session === sessions.at(-1)) room.advance(10);
      waits.push(room.now - began);
      sessions.push(pairOf(room, "a", "b").session);
    }
    assert.deepEqual(waits, [0, 1_000, 2_000, 2_500]);
    assert.equal(new Set(sessions).size, 5);
    assert.equal(pairOf(room, "a", "b").initiatorId, "p-b", "the same one goes on offering");
    signals(room, "b", "a", OFFER);
    signals(room, "a", "b", ANSWER);
    signals(room, "a", "b", { kind: "hangup", reason: "connection-failed" });
    assert.notEqual(pairOf(room, "a", "b").session, sessions.at(-1), "an answered one is renewed at once again");
  });

  it("[ROOM17] renews nothing for somebody who leaves", () => {
    const room = mesh("a", "b");
    const { session } = pairOf(room, "a", "b");
    for (const reason of ["left", "page-closed", "removed", "room-ended", "replaced"] as const) {
      signals(room, "a", "b", { kind: "hangup", reason });
      room.advance(500);
    }
    assert.equal(pairOf(room, "a", "b").session, session);
  });

  it("[ROOM18] tells an unanswered offer again, and an answered one until an end is connected", () => {
    const room = mesh("a", "b");
    const began = room.now;
    signals(room, "b", "a", OFFER);
    const times: number[] = [];
    for (let i = 0; i < 1_200; i++) {
      room.take();
      room.advance(10);
      for (const one of only(room.take(), "forward")) {
        assert.equal(one.link, "l-a");
        times.push(room.now - began);
      }
    }
    assert.deepEqual(times, [1_000, 3_000, 7_000]);
    const other = mesh("a", "b");
    signals(other, "b", "a", OFFER);
    signals(other, "a", "b", ANSWER);
    other.take();
    other.advance(1_000);
    const links = only(other.take(), "forward").map((one) => one.link);
    assert.deepEqual(links, ["l-a", "l-b"], "the offer and its answer");
    other.receipt("b", { pairs: [{ session: pairOf(other, "a", "b").session, state: "connected" }] });
    other.take();
    other.advance(12_000);
    assert.deepEqual(only(other.take(), "forward"), []);
  });
});
