import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { only, ops, RoomBench, sourcesWith, told } from "./support/bench.ts";

const MIC = "p-a:microphone";

function hold(room: RoomBench, held: "speaking" | "silent" | undefined, publication = MIC) {
  const fact = { publication, arriving: true, ...(held === undefined ? {} : { held }) };
  return room.feed({ kind: "media-facts", publications: [fact], subscriptions: [] });
}

function rowOf(room: RoomBench) {
  return room.row("a", "microphone", "b");
}

describe("a microphone that is kept back", () => {
  it("[HELD1] each attach of a microphone says how many are forwarded, and of nothing else", () => {
    const loudest = (settings: { loudestSpeakers?: number }) => {
      const room = new RoomBench("sfu", { settings });
      room.join("a");
      room.join("b", { sources: sourcesWith({}) });
      const effects = [...room.connect("a"), ...room.connect("b")];
      return ops(effects).flatMap((op) => (op.op === "attach" ? [`${op.publication} ${op.loudest}`] : []));
    };
    assert.deepEqual(loudest({}), ["p-a:microphone 3", "p-a:camera undefined"]);
    assert.deepEqual(loudest({ loudestSpeakers: 5 }), ["p-a:microphone 5", "p-a:camera undefined"]);
    assert.deepEqual(loudest({ loudestSpeakers: 0 }), ["p-a:microphone undefined", "p-a:camera undefined"]);
  });

  it("[HELD2] is off for its receivers, with the reason, and nobody is asked for anything", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b", "c");
    const effects = hold(room, "silent");
    assert.equal(rowOf(room).standing, "off");
    assert.equal(rowOf(room).received.value, false);
    for (const who of ["a", "b", "c"]) {
      const ledger = told(effects, who, "ledger").at(-1);
      const rows = ledger?.type === "ledger" ? ledger.rows.filter(({ publication }) => publication === MIC) : [];
      assert.equal(rows.length, who === "a" ? 2 : 1, who);
      assert.ok(rows.every(({ held, standing }) => held === "silent" && standing === "off"));
    }
    room.receipt("b", { received: [{ publication: MIC, received: false, count: 9 }] });
    room.advance(60_000);
    assert.deepEqual(only(room.take(), "replay"), []);
    room.say("b", { type: "replay-request", publication: MIC, seen: 99, slots: 99, why: "silence" });
    room.advance(60_000);
    assert.deepEqual(only(room.take(), "replay"), []);
  });

  it("[HELD3] who begins to speak is said to speak; who is let in is expected within a receipt window", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    hold(room, "silent");
    room.take();
    const ledger = told(hold(room, "speaking"), "b", "ledger").at(-1);
    assert.equal(ledger?.type === "ledger" && ledger.rows[0]?.held, "speaking");
    hold(room, undefined);
    assert.equal(rowOf(room).standing, "pending");
    room.advance(1_999);
    assert.equal(rowOf(room).standing, "pending");
    room.advance(1);
    assert.equal(rowOf(room).standing, "missing");
    room.take();
    const effects = hold(room, "speaking");
    assert.equal(rowOf(room).standing, "off");
    assert.equal(only(effects, "replay-over").length, 1);
  });

  it("[HELD3] what its forwarder does stays as it was told: one that is kept back for a moment never ceases", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    assert.equal(rowOf(room).forwarded.value, true);
    hold(room, "silent");
    hold(room, undefined);
    assert.equal(rowOf(room).forwarded.value, true);
    assert.equal(rowOf(room).received.value, false);
  });

  it("[HELD2] its silence is not put down to the receiver's connection", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    hold(room, "silent");
    hold(room, undefined, "p-a:camera");
    room.receipt("b", { received: [{ publication: "p-a:camera", received: false, count: 9 }] });
    room.advance(10);
    const [first] = only(room.take(), "replay");
    assert.equal(first?.hop, "downlink");
  });
});

describe("a camera whose receiver's path carries no layer of it", () => {
  const CAMERA = "p-a:camera";
  const layered = (room: RoomBench, rid: string | undefined) => {
    const layer = { ...(rid === undefined ? {} : { rid }), reason: "bound", waiting: false, why: "90 kbit/s" } as const;
    const subscription = `${CAMERA}>p-b`;
    const fact = { subscription, forwarded: rid !== undefined, layer };
    return room.feed({ kind: "media-facts", publications: [], subscriptions: [fact] });
  };

  it("[HELD4] is off for that receiver at once, with the reason, and nothing is repaired", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b", "c");
    layered(room, "q");
    assert.equal(room.row("a", "camera", "b").standing, "received");
    room.take();
    const ledger = told(layered(room, undefined), "b", "ledger").at(-1);
    const row = ledger?.type === "ledger" ? ledger.rows.find(({ publication }) => publication === CAMERA) : undefined;
    assert.equal(row?.held, "bandwidth");
    assert.equal(row?.standing, "off");
    assert.equal(room.row("a", "camera", "c").standing, "received");
    room.receipt("b", { received: [{ publication: CAMERA, received: false, count: 9 }] });
    room.advance(60_000);
    assert.deepEqual(only(room.take(), "replay"), []);
  });

  it("[HELD4] is expected within a receipt window once it fits again", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    layered(room, undefined);
    layered(room, "q");
    assert.equal(room.row("a", "camera", "b").standing, "pending");
    room.receipt("b", { received: [{ publication: CAMERA, received: true, count: 9 }] });
    assert.equal(room.row("a", "camera", "b").standing, "received");
    layered(room, undefined);
    layered(room, "q");
    room.advance(2_000);
    assert.equal(room.row("a", "camera", "b").standing, "missing");
  });
});
