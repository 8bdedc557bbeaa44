import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { LIVE, only, ops, RoomBench, sourcesWith, told } from "./support/bench.ts";

function moves(room: RoomBench, who: string, keeps: string[], more: Parameters<RoomBench["join"]>[1] = {}) {
  return room.join(who, {
    link: `l-${who}2`,
    command: "again",
    session: undefined,
    rejoin: { participant: `p-${who}`, token: `t-${who}` },
    fresh: { participant: "p-x", rejoinToken: `t-${who}2` },
    keeps,
    ...more,
  });
}

describe("a page with a new link", () => {
  it("[ROOM30] goes on with the session that lives at both ends, and nobody notices", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    const before = room.state;
    const effects = moves(room, "b", ["s-b"]);
    const [joined] = only(effects, "joined");
    assert.deepEqual([joined?.participant, joined?.incarnation, joined?.kept], ["p-b", 1, ["s-b"]]);
    assert.equal(joined?.rejoined, true);
    assert.deepEqual(ops(effects), []);
    assert.deepEqual(only(effects, "event"), []);
    assert.deepEqual(told(effects, "a"), []);
    assert.deepEqual(
      only(effects, "unbind").map(({ link }) => link),
      ["l-b"],
    );
    assert.equal(room.state.snapshot, before.snapshot);
    assert.deepEqual(room.place("b").rows, before.places["p-b"]?.rows);
    // Asked twice, answered twice, the same.
    assert.deepEqual(only(moves(room, "b", ["s-b"]), "joined")[0]?.kept, ["s-b"]);
    room.advance(60_000);
    assert.equal(room.row("a", "camera", "b").standing, "received");
  });

  it("[ROOM30] is connected again, and its wishes of meanwhile are heard", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    room.feed({ kind: "link-lost", participant: "p-b", link: "l-b" });
    room.advance(DEFAULT_TIMERS.suspectMs);
    room.take();
    const effects = moves(room, "b", ["s-b"], { sources: sourcesWith({ microphone: "muted", camera: "live" }) });
    assert.deepEqual(
      only(effects, "event").map(({ event, to }) => [event.event.kind, to]),
      [
        ["presence", ["l-a"]],
        ["media-state", ["l-a"]],
      ],
    );
    assert.equal(only(effects, "joined")[0]?.seq, room.state.seq);
    room.advance(60_000);
    assert.equal(room.info("b").presence, "connected");
  });

  it("[ROOM30] begins anew where its session is gone at either end", () => {
    for (const gone of ["here", "there"] as const) {
      const room = new RoomBench("sfu");
      room.settle("a", "b");
      if (gone === "here") room.feed({ kind: "connection", participant: "p-b", session: "s-b", state: "closed" });
      const [joined] = only(moves(room, "b", gone === "here" ? ["s-b"] : []), "joined");
      assert.deepEqual([joined?.incarnation, joined?.kept], [2, undefined]);
      assert.equal(room.row("a", "camera", "b").standing, "pending");
    }
  });

  it("[ROOM30] in a mesh keeps the pairs it names and gets new ones for the rest", () => {
    const room = new RoomBench("mesh");
    room.settle("a", "b", "c");
    const sessions = () => room.state.snapshot.pairs.map((pair) => pair.session);
    const [ab, ac, bc] = sessions();
    assert.ok(ab && ac && bc);
    const effects = moves(room, "b", [ab]);
    const [joined] = only(effects, "joined");
    assert.deepEqual([joined?.incarnation, joined?.kept], [1, [ab]]);
    const after = sessions();
    assert.ok(after.includes(ab) && after.includes(ac) && !after.includes(bc));
    assert.deepEqual(joined?.room, room.state.snapshot);
    assert.deepEqual(
      only(effects, "event").map(({ event, to }) => [event.event.kind, to]),
      [["pair-renewed", ["l-a", "l-c"]]],
    );
    assert.equal(room.row("a", "camera", "b").standing, "received");
    assert.equal(room.row("c", "camera", "b").standing, "pending");
    assert.deepEqual(room.info("b").media.sources, LIVE);
  });
});
