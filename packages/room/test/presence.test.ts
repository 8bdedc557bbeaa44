import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { applyEvent } from "@lodeline/room";
import { only, RoomBench } from "./support/bench.ts";

const { suspectMs, leaseMs, byeGraceMs } = DEFAULT_TIMERS;

function presenceOf(room: RoomBench, who: string) {
  return room.state.snapshot.participants.find((one) => one.id === `p-${who}`)?.presence;
}

function bye(room: RoomBench, who: string) {
  return room.feed({ kind: "link-lost", participant: `p-${who}`, link: `l-${who}`, bye: true });
}

describe("a page that goes away", () => {
  it("[ROOM24] is suspect at once and gone after its grace, not a millisecond before", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    bye(room, "b");
    assert.equal(presenceOf(room, "b"), "suspect");
    room.advance(byeGraceMs - 1);
    assert.equal(presenceOf(room, "b"), "suspect");
    room.advance(1);
    assert.equal(presenceOf(room, "b"), undefined);
    assert.deepEqual(
      only(room.effects, "event").map(({ event }) => event.event.kind),
      ["presence", "peer-left"],
    );
  });

  it("[ROOM24] keeps its place when it comes back within the grace, and does not when it comes after it", () => {
    for (const [afterMs, code] of [
      [byeGraceMs - 1, undefined],
      [byeGraceMs, "room/bad-rejoin"],
    ] as const) {
      const room = new RoomBench("sfu");
      room.settle("a", "b");
      bye(room, "b");
      room.advance(afterMs);
      const effects = room.join("b", {
        link: "l-b2",
        command: "again",
        rejoin: { participant: "p-b", token: "t-b" },
        session: "s-b2",
      });
      const refused = only(effects, "tell").flatMap(({ message }) => (message.type === "error" ? [message.code] : []));
      assert.deepEqual(refused, code === undefined ? [] : [code]);
      if (code !== undefined) continue;
      assert.deepEqual(room.info("b").suspectSince, undefined);
      room.advance(leaseMs * 2);
      assert.equal(presenceOf(room, "b"), "connected");
    }
  });

  it("[ROOM24] that was lost already when its goodbye came waits no longer for that", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    room.feed({ kind: "link-lost", participant: "p-b", link: "l-b" });
    room.advance(1_000);
    bye(room, "b");
    assert.equal(presenceOf(room, "b"), "suspect");
    room.advance(byeGraceMs);
    assert.equal(presenceOf(room, "b"), undefined);
  });
});

describe("the leases of a room", () => {
  it("[ROOM25] are its own", () => {
    const room = new RoomBench("mesh", { settings: { suspectMs: 1_000, leaseMs: 60_000, byeGraceMs: 500 } });
    room.settle("a", "b", "c");
    bye(room, "c");
    room.feed({ kind: "link-lost", participant: "p-b", link: "l-b" });
    room.advance(500);
    assert.equal(presenceOf(room, "c"), undefined);
    assert.equal(presenceOf(room, "b"), "connected");
    room.advance(500);
    assert.equal(presenceOf(room, "b"), "suspect");
    room.advance(58_999);
    assert.equal(presenceOf(room, "b"), "suspect");
    room.advance(1);
    assert.equal(presenceOf(room, "b"), undefined);
  });

  it("[ROOM25] tell since when somebody is suspect, in the room and in its log, until they are heard of again", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    const before = room.state.snapshot;
    const lostAt = room.now + 1e12;
    room.feed({ kind: "link-lost", participant: "p-b", link: "l-b" });
    room.advance(suspectMs);
    assert.equal(room.info("b").suspectSince, lostAt);
    const [told] = only(room.take(), "event");
    assert.ok(told);
    assert.deepEqual(applyEvent(before, told.event.event), room.state.snapshot);
    room.feed({ kind: "link-back", participant: "p-b", link: "l-b" });
    assert.deepEqual(room.state.snapshot, before);
  });
});
