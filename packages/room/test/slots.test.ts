import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Slot } from "@lodeline/protocol";
import { assignSlots, type SlotCandidate } from "@lodeline/room";
import { LIVE, ops, RoomBench, sections, sourcesWith, told } from "./support/bench.ts";

const video = (publication: string, rank = 2): SlotCandidate => ({ publication, kind: "video", rank });
const audio = (publication: string, rank = 2): SlotCandidate => ({ publication, kind: "audio", rank });

function show(slots: readonly Slot[]): string {
  return slots.map((slot) => `${slot.mid}=${slot.publication ?? "-"}`).join(" ");
}

describe("the slot table", () => {
  const { receives } = sections(1, 2);

  it("[ROOM19] fills free slots of the kind in order", () => {
    const table = assignSlots(receives, [], [video("a"), audio("b"), video("c"), video("d")]);
    assert.equal(show(table), "a0=b v0=a v1=c");
  });

  it("[ROOM19] moves nothing needlessly", () => {
    const first = assignSlots(receives, [], [video("a"), video("b")]);
    const second = assignSlots(receives, first, [video("b"), video("c")]);
    assert.equal(show(second), "a0=- v0=c v1=b");
    assert.equal(show(assignSlots(receives, second, [video("c"), video("b")])), show(second));
  });

  it("[ROOM19] lets a lesser holder make room, and only then", () => {
    const first = assignSlots(receives, [], [video("muted", 0), video("hidden", 1)]);
    assert.equal(
      show(assignSlots(receives, first, [video("muted", 0), video("hidden", 1), video("x", 0)])),
      show(first),
    );
    const second = assignSlots(receives, first, [video("muted", 0), video("hidden", 1), video("live")]);
    assert.equal(show(second), "a0=- v0=hidden v1=live");
    const third = assignSlots(receives, second, [video("live"), video("hidden", 1), video("other")]);
    assert.equal(show(third), "a0=- v0=other v1=live");
    assert.equal(show(assignSlots(receives, third, [video("live"), video("other"), video("late")])), show(third));
  });

  it("[ROOM19] follows the sections of a later negotiation", () => {
    const first = assignSlots(receives, [], [video("a"), video("b")]);
    const more = sections(1, 3).receives;
    assert.equal(show(assignSlots(more, first, [video("a"), video("b"), video("c")])), "a0=- v0=a v1=b v2=c");
    const swapped = [{ mid: "v0", kind: "audio" as const }];
    assert.equal(show(assignSlots(swapped, first, [video("a"), audio("m")])), "v0=m");
  });
});

describe("forwarding", () => {
  it("[ROOM21] attaches what is in a slot once both ends are known, with the mids of both", () => {
    const room = new RoomBench("sfu", { settings: { oneEncodingUpTo: 0 } });
    room.join("a", { sources: sourcesWith({ camera: "live" }) });
    room.join("b", { sources: sourcesWith({}) });
    assert.deepEqual(ops(room.connect("a")), []);
    const effects = room.connect("b");
    assert.deepEqual(ops(effects), [
      {
        op: "attach",
        subscription: "p-a:camera>p-b",
        publication: "p-a:camera",
        from: "p-a",
        fromMid: "1",
        to: "p-b",
        toMid: "v0",
        kind: "video",
      },
    ]);
    const [slots] = told(effects, "b", "slots");
    assert.equal(slots?.type === "slots" && show(slots.table.slots.slice(4, 5)), "v0=p-a:camera");
  });

  it("[ROOM21] detaches when the publication ends, and before another takes the slot", () => {
    const room = new RoomBench("sfu");
    for (const who of ["a", "b", "c"]) {
      room.join(who, { sources: sourcesWith(who === "a" ? { camera: "live" } : {}) });
      room.connect(who, sections(1, 1));
    }
    room.setMedia("c", sourcesWith({ camera: "live" }));
    assert.equal(room.row("c", "camera", "b").attached, null, "the one slot is taken");
    room.take();
    room.setMedia("a", sourcesWith({}));
    assert.deepEqual(
      ops(room.take()).map((op) => (op.op === "attach" || op.op === "detach" ? `${op.op} ${op.subscription}` : op.op)),
      ["detach p-a:camera>p-b", "detach p-a:camera>p-c", "attach p-c:camera>p-b"],
    );
  });

  it("[ROOM21] detaches both ways before it closes the session", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    const names = ops(room.say("a", { type: "leave", id: "x" })).map((op) => op.op);
    assert.deepEqual(names, ["detach", "detach", "detach", "detach", "close-session"]);
  });

  it("[ROOM21] keeps a muted publication where it is", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    const effects = room.setMedia("a", sourcesWith({ microphone: "live", camera: "muted" }));
    assert.deepEqual(ops(effects), []);
    assert.deepEqual(ops(room.setMedia("a", LIVE)), []);
    assert.ok(room.row("a", "camera", "b").attached);
  });

  it("[ROOM21] tells the view when it changes, and again after each attach", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    const view = { publication: "p-a:camera", width: 320, height: 180, visible: true, priority: 2 };
    const shows = (revision: number, views: (typeof view)[]) => ops(room.say("b", { type: "view", revision, views }));
    const told = [{ op: "view", subscription: "p-a:camera>p-b", view }];
    assert.deepEqual(shows(1, [view]), told);
    assert.deepEqual(shows(2, [view]), [], "nothing new");
    assert.deepEqual(shows(1, []), [], "an older table is late");
    room.setMedia("a", sourcesWith({}));
    const effects = room.setMedia("a", LIVE);
    assert.deepEqual(
      ops(effects).filter((op) => op.op === "view"),
      told,
    );
    assert.equal(shows(3, []).length, 1, "back to the default");
  });

  it("[LEDG20] does not intend what is not shown", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b", "c");
    const view = { publication: "p-a:camera", width: 0, height: 0, visible: false, priority: 0 };
    room.say("b", { type: "view", revision: 1, views: [view] });
    assert.equal(room.row("a", "camera", "b").standing, "off");
    assert.equal(room.row("a", "camera", "b").intended.value, false);
    assert.equal(room.row("a", "camera", "c").standing, "received");
    room.receipt("b", { received: [{ publication: "p-a:camera", received: false, count: 9 }] });
    room.advance(20_000);
    assert.equal(room.row("a", "camera", "b").standing, "off", "nobody misses it");
    room.say("b", { type: "view", revision: 2, views: [] });
    assert.equal(room.row("a", "camera", "b").standing, "pending");
  });
});
