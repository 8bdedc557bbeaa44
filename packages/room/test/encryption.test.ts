import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS, type Moderation, type Sources } from "@lodeline/protocol";
import { ledgerOf } from "@lodeline/room";
import { LIVE, only, ops, RoomBench, sourcesWith, steps } from "./support/bench.ts";

const { receiptWindowMs } = DEFAULT_TIMERS;
const CAMERA = "p-a:camera";

function encrypted(sources: Sources): Sources {
  const hidden = structuredClone(sources);
  for (const source of Object.values(hidden)) source.encryption = "sframe";
  return hidden;
}

/** `a` sends encrypted; `b` receives all of it but has said nothing of its camera yet. */
function joined(topology: "sfu" | "mesh" = "sfu"): RoomBench {
  const room = new RoomBench(topology);
  room.join("a", { sources: encrypted(LIVE) });
  room.join("b");
  if (topology === "sfu") for (const who of ["a", "b"]) room.connect(who);
  room.sendsAll("a");
  room.take();
  return room;
}

function unreadable(room: RoomBench, why: "missing-key" | "failed" | undefined, received = false): void {
  room.receipt("b", { received: [{ publication: CAMERA, received, count: 0, ...(why && { unreadable: why }) }] });
}

describe("what a receiver cannot read", () => {
  it("[LEDG23] is missing by name, and no replay begins, however long it lasts", () => {
    const room = joined();
    unreadable(room, "missing-key");
    const row = () => room.row("a", "camera", "b");
    assert.deepEqual([row().standing, row().replay, row().due], ["missing", null, undefined]);
    assert.equal(ledgerOf(room.state).find((one) => one.publication === CAMERA)?.unreadable, "missing-key");
    room.advance(60_000);
    assert.deepEqual(
      steps(room.take()).filter((step) => step.startsWith("key-frame")),
      [],
      "the microphone's row is another matter",
    );
    assert.equal(row().replay, null);
    unreadable(room, "failed");
    assert.equal(row().unreadable, "failed");
  });

  it("[LEDG23] ends a replay that runs, and says why", () => {
    const room = joined();
    room.feed({
      kind: "media-facts",
      publications: [],
      subscriptions: [{ subscription: `${CAMERA}>p-b`, forwarded: true }],
    });
    room.advance(receiptWindowMs + 10);
    assert.ok(room.row("a", "camera", "b").replay);
    room.take();
    unreadable(room, "failed");
    const over = only(room.take(), "replay-over").filter((one) => one.subscription === `${CAMERA}>p-b`);
    assert.deepEqual(
      over.map(({ why }) => why),
      ["unreadable"],
    );
  });

  it("[LEDG23] is not forwarded any more, and again when it is asked for anew", () => {
    const room = joined();
    const views = () =>
      ops(room.take()).flatMap((op) => (op.op === "view" ? [[op.subscription, op.view.visible]] : []));
    unreadable(room, "missing-key");
    assert.deepEqual(views(), [[`${CAMERA}>p-b`, false]]);
    const view = { publication: CAMERA, width: 320, height: 180, visible: true, priority: 0 };
    room.say("b", { type: "view", revision: 1, views: [view] });
    assert.deepEqual(views(), [[`${CAMERA}>p-b`, false]], "a larger tile changes nothing");
    unreadable(room, undefined);
    assert.deepEqual(views(), [[`${CAMERA}>p-b`, true]]);
    assert.equal(room.row("a", "camera", "b").standing, "pending");
    unreadable(room, undefined, true);
    assert.equal(room.row("a", "camera", "b").standing, "received");
    unreadable(room, "failed");
    assert.equal(room.row("a", "camera", "b").standing, "missing");
  });

  it("[LEDG23] has a new window when it is asked for anew, and then its repairs", () => {
    const room = joined();
    unreadable(room, "missing-key");
    room.advance(10_000);
    unreadable(room, undefined);
    room.advance(receiptWindowMs - 1);
    assert.equal(room.row("a", "camera", "b").standing, "pending");
    room.advance(1);
    assert.equal(room.row("a", "camera", "b").standing, "missing");
    assert.ok(room.row("a", "camera", "b").replay);
  });

  it("[LEDG23] is not repaired by request", () => {
    const room = joined();
    unreadable(room, "missing-key");
    room.take();
    room.say("b", { type: "replay-request", publication: CAMERA, seen: room.state.seq, slots: 99, why: "impatient" });
    assert.deepEqual(steps(room.take()), []);
    assert.equal(room.row("a", "camera", "b").unreadable, "missing-key");
  });

  it("[LEDG23] hidden and shown again it is still unreadable", () => {
    const room = joined();
    unreadable(room, "missing-key");
    room.setMedia("a", encrypted(sourcesWith({ camera: "muted" })));
    assert.equal(room.row("a", "camera", "b").standing, "off");
    room.setMedia("a", encrypted(LIVE));
    assert.deepEqual([room.row("a", "camera", "b").standing, room.row("a", "camera", "b").replay], ["missing", null]);
  });

  it("[LEDG23] says nothing of a mesh pair's path", () => {
    const room = joined("mesh");
    const rows = ["p-a:camera", "p-a:microphone"].map((publication) => ({
      publication,
      received: false,
      count: 0,
      unreadable: "missing-key" as const,
    }));
    room.receipt("b", { received: rows });
    room.take();
    room.advance(30_000);
    const asked = steps(room.take());
    assert.ok(!asked.some((step) => step.includes("p-a>")), asked.join());
    for (const source of ["camera", "microphone"] as const) assert.equal(room.row("a", source, "b").replay, null);
  });
});

describe("an encrypted publication", () => {
  it("[LEDG24] says so in the media state and its rows, and one that is not does not", () => {
    const room = joined();
    assert.equal(room.info("a").media.sources.camera.encryption, "sframe");
    const rows = ledgerOf(room.state);
    assert.deepEqual(
      rows.map((row) => [row.from, row.encryption]),
      rows.map((row) => [row.from, row.from === "p-a" ? "sframe" : undefined]),
    );
    assert.ok(rows.some((row) => row.from === "p-b"));
  });

  it("[LEDG24] stays so over mute, allow and role, and is new where it changes", () => {
    const moderated = new RoomBench("sfu");
    moderated.join("a", { sources: encrypted(LIVE) });
    moderated.join("m", { role: "moderator" });
    const camera = () => moderated.info("a").media.sources.camera;
    const act = (action: Moderation) => moderated.say("m", { type: "moderate", id: moderated.command(), action });
    act({ kind: "mute", participant: "p-a", source: "camera", mayUnmute: true });
    assert.deepEqual(camera(), { intent: "muted", mutedBy: "p-m", mayUnmute: true, encryption: "sframe" });
    act({ kind: "allow", participant: "p-a", source: "camera" });
    assert.deepEqual(camera(), { intent: "muted", mutedBy: null, encryption: "sframe" });
    act({ kind: "role", participant: "p-a", role: "viewer" });
    assert.deepEqual(camera(), { intent: "unpublished", mutedBy: null, encryption: "sframe" });

    const room = joined();
    unreadable(room, "missing-key");
    room.setMedia("a", LIVE);
    const row = room.row("a", "camera", "b");
    assert.deepEqual([row.encryption, row.unreadable], [undefined, undefined]);
  });
});
