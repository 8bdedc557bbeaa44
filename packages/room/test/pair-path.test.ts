import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS, type PairReceipt } from "@lodeline/protocol";
import { RoomBench, sourcesWith, steps, told } from "./support/bench.ts";
import { MemberBench, person, sent } from "./support/member-bench.ts";

const { receiptWindowMs } = DEFAULT_TIMERS;

function sessionOf(room: RoomBench): string {
  return room.state.snapshot.pairs[0]?.session ?? "";
}

function says(room: RoomBench, who: string, state: PairReceipt["state"], session = sessionOf(room)) {
  return room.receipt(who, { pairs: [{ session, state }] });
}

/** Two in a mesh whose descriptions have been exchanged, before any media. b came last and offers. */
function agreed(): RoomBench {
  const room = new RoomBench("mesh");
  room.join("a");
  room.join("b");
  const session = sessionOf(room);
  const offer = { sdp: "v=0", sends: [], receives: [] };
  room.say("b", {
    type: "signal",
    scope: "room",
    to: "p-a",
    signal: { session, epoch: 1, seq: 1, body: { kind: "offer", offer } },
  });
  room.say("a", {
    type: "signal",
    scope: "room",
    to: "p-b",
    signal: { session, epoch: 1, seq: 1, body: { kind: "answer", sdp: "v=0" } },
  });
  room.sendsAll("a");
  room.sendsAll("b");
  room.take();
  return room;
}

function stops(room: RoomBench, who: string, ...publications: string[]): void {
  room.receipt(who, { received: publications.map((publication) => ({ publication, received: false, count: 1 })) });
}

describe("the transports of a mesh, by the word of their ends", () => {
  it("[LEDG21] a pair that is connected and carries nothing is missing after the receipt window", () => {
    const room = agreed();
    room.advance(500);
    says(room, "b", "connected");
    room.advance(receiptWindowMs - 1);
    assert.equal(room.row("a", "camera", "b").standing, "pending");
    room.advance(1);
    assert.equal(room.row("a", "camera", "b").standing, "missing");
    assert.deepEqual(steps(room.take()).slice(0, 1), ["restart-ice p-b"]);
  });

  it("[LEDG21] one that fails while it connects is repaired after the window, not after the time to connect", () => {
    const room = agreed();
    says(room, "a", "failed");
    room.advance(receiptWindowMs);
    assert.deepEqual(steps(room.take()).slice(0, 1), ["restart-ice p-b"]);
    room.advance(4_000);
    assert.ok(steps(room.take()).includes("new-session p-a"), "and then the pair is renewed");
    assert.equal(room.state.pairs["p-a|p-b"]?.downAt, undefined);
  });

  it("[LEDG21] one that goes down in full swing gets an ICE restart as soon as its media is missed", () => {
    const room = new RoomBench("mesh");
    room.settle("a", "b");
    says(room, "a", "disconnected");
    stops(room, "b", "p-a:camera");
    assert.deepEqual(steps(room.take()), ["restart-ice p-b"]);
    stops(room, "b", "p-a:microphone");
    stops(room, "a", "p-b:camera", "p-b:microphone");
    assert.deepEqual(new Set(steps(room.take())), new Set(["restart-ice p-b (already)"]));
    says(room, "a", "connected");
    for (const who of ["a", "b"]) room.receivesAll(who);
    room.advance(60_000);
    assert.deepEqual(steps(room.take()), []);
  });

  it("[LEDG21] one that drops all in silence gets an ICE restart; one that loses a track does not", () => {
    const silent = new RoomBench("mesh");
    silent.settle("a", "b");
    stops(silent, "b", "p-a:camera", "p-a:microphone");
    stops(silent, "a", "p-b:camera", "p-b:microphone");
    assert.ok(steps(silent.take()).includes("restart-ice p-b"));
    const one = new RoomBench("mesh");
    one.settle("a", "b");
    stops(one, "b", "p-a:camera");
    assert.deepEqual(steps(one.take()), ["renegotiate p-b"]);
    one.advance(1_000);
    assert.deepEqual(steps(one.take()), ["republish p-a"]);
  });

  it("[LEDG14] one track that stays away when the others are back over the restarted path is repaired a moment later", () => {
    const room = new RoomBench("mesh");
    room.settle("a", "b");
    stops(room, "b", "p-a:camera", "p-a:microphone");
    stops(room, "a", "p-b:camera", "p-b:microphone");
    assert.ok(steps(room.take()).includes("restart-ice p-b"));
    room.advance(1_000);
    room.take();
    room.receipt("b", { received: [{ publication: "p-a:microphone", received: true, count: 9 }] });
    room.receivesAll("a");
    assert.deepEqual(steps(room.take()), []);
    room.advance(500);
    assert.deepEqual(steps(room.take()), ["renegotiate p-b"]);
    room.advance(1_000);
    assert.deepEqual(steps(room.take()), ["republish p-a"]);
  });

  it("[LEDG21] of an earlier session, of others, or said twice, their word changes nothing", () => {
    const room = agreed();
    room.join("c", { sources: sourcesWith({}) });
    const before = room.state;
    says(room, "a", "failed", "earlier");
    says(room, "c", "failed");
    assert.equal(room.state, before);
    says(room, "a", "connected");
    const after = room.state;
    says(room, "a", "connected");
    assert.equal(room.state, after);
    assert.deepEqual(told(room.take(), "b", "repair"), []);
  });
});

describe("a member in a mesh", () => {
  it("[MEM18] says a transport's change at once, all of them in every fifth receipt, and nothing twice between", () => {
    const member = new MemberBench().inside(person("a"), person("b"));
    const observe = (...pairs: PairReceipt[]) =>
      sent(member.feed({ kind: "observed", published: [], received: [], pairs }), "receipt");
    const a = { session: "me.a", state: "connected" } as const;
    const b = { session: "me.b", state: "connecting" } as const;
    assert.deepEqual(observe(a, b)[0]?.pairs, [a, b]);
    assert.deepEqual(observe(a, b), []);
    const failed = { ...b, state: "failed" } as const;
    assert.deepEqual(observe(a, failed)[0]?.pairs, [failed]);
    member.take();
    member.advance(5_000);
    const told = sent(member.take(), "receipt").map(({ pairs }) => pairs?.length ?? 0);
    assert.deepEqual(
      told.filter((count) => count > 0),
      [2],
    );
  });
});
