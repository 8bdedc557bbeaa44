import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Moderation } from "@lodeline/protocol";
import { LIVE, only, RoomBench, sourcesWith, told } from "./support/bench.ts";

function bench(): RoomBench {
  const room = new RoomBench("sfu");
  room.join("mod", { role: "moderator" });
  room.join("a");
  room.take();
  return room;
}

function does(room: RoomBench, action: Moderation, who = "mod") {
  return room.say(who, { type: "moderate", id: room.command(), action });
}

function errorOf(room: RoomBench, effects: readonly unknown[], who: string) {
  const [error] = told(effects as never, who, "error");
  assert.ok(room);
  return error?.type === "error" ? [error.code, error.field] : undefined;
}

describe("media state", () => {
  it("[ROOM8] takes the newer revision and tells everybody", () => {
    const room = bench();
    const effects = room.setMedia("a", sourcesWith({ camera: "live" }), 7);
    assert.equal(room.info("a").media.revision, 7);
    assert.equal(room.info("a").media.sources.microphone.intent, "unpublished");
    assert.deepEqual(only(effects, "event")[0]?.to, ["l-mod", "l-a"]);
    assert.equal(told(effects, "a", "ok").length, 1);
  });

  it("[ROOM8] refuses one that is not newer or absurdly far ahead", () => {
    const room = bench();
    room.setMedia("a", LIVE, 7);
    const before = room.info("a").media;
    for (const [revision, code] of [
      [7, "room/stale-revision"],
      [6, "room/stale-revision"],
      [2 ** 52, "protocol/malformed"],
    ] as const) {
      const effects = room.setMedia("a", sourcesWith({}), revision);
      assert.deepEqual(errorOf(room, effects, "a"), [code, "revision"]);
      assert.deepEqual(room.info("a").media, before);
      assert.equal(only(effects, "event").length, 0);
    }
  });

  it("[ROOM9] lets a viewer publish nothing, however it tries", () => {
    const room = bench();
    room.join("v", { role: "viewer" });
    assert.equal(room.info("v").media.sources.camera.intent, "unpublished");
    assert.deepEqual(errorOf(room, room.setMedia("v", LIVE), "v"), ["auth/forbidden", "sources"]);
    assert.equal(errorOf(room, room.setMedia("v", sourcesWith({})), "v"), undefined);
    does(room, { kind: "role", participant: "p-a", role: "viewer" });
    assert.equal(room.info("a").role, "viewer");
    assert.equal(room.info("a").media.sources.camera.intent, "unpublished");
    assert.deepEqual(Object.keys(room.place("mod").rows), []);
  });

  it("[ROOM10] keeps a moderator's mute until a moderator lifts it", () => {
    const room = bench();
    does(room, { kind: "mute", participant: "p-a", source: "microphone" });
    const muted = { intent: "muted", mutedBy: "p-mod" };
    assert.deepEqual(room.info("a").media.sources.microphone, muted);
    assert.equal(room.info("a").media.sources.camera.intent, "live");
    assert.equal(errorOf(room, room.setMedia("a", LIVE), "a"), undefined);
    assert.deepEqual(room.info("a").media.sources.microphone, muted, "a wish for live stays muted");
    room.setMedia("a", sourcesWith({}));
    assert.deepEqual(room.info("a").media.sources.microphone, { intent: "unpublished", mutedBy: "p-mod" });
    room.join("a", { command: "again", rejoin: { participant: "p-a", token: "t-a" }, sources: LIVE });
    assert.deepEqual(room.info("a").media.sources.microphone, muted, "a reload does not lift it");
    does(room, { kind: "allow", participant: "p-a", source: "microphone" });
    assert.deepEqual(room.info("a").media.sources.microphone, { intent: "muted", mutedBy: null });
    room.setMedia("a", LIVE);
    assert.equal(room.info("a").media.sources.microphone.intent, "live");
  });

  it("[ROOM10] takes a moderator's mute of its own source for its own", () => {
    const room = bench();
    does(room, { kind: "mute", participant: "p-mod", source: "camera" });
    assert.deepEqual(room.info("mod").media.sources.camera, { intent: "muted", mutedBy: null });
  });

  it("[ROOM10] makes a wish that crossed the mute stale", () => {
    const room = bench();
    const { revision } = room.info("a").media;
    does(room, { kind: "mute", participant: "p-a", source: "microphone" });
    const effects = room.setMedia("a", LIVE, revision + 1);
    assert.deepEqual(errorOf(room, effects, "a"), ["room/stale-revision", "revision"]);
  });

  it("[ROOM11] lets nobody else moderate, and nobody who is not there be moderated", () => {
    const room = bench();
    for (const action of [
      { kind: "mute", participant: "p-mod", source: "camera" },
      { kind: "remove", participant: "p-mod" },
      { kind: "role", participant: "p-a", role: "moderator" },
      { kind: "lock", locked: true },
      { kind: "end" },
    ] as const) {
      const effects = does(room, action, "a");
      assert.deepEqual(errorOf(room, effects, "a"), ["auth/forbidden", "action.kind"]);
      assert.equal(only(effects, "event").length, 0);
    }
    assert.deepEqual(errorOf(room, does(room, { kind: "remove", participant: "p-x" }), "mod"), [
      "room/unknown-participant",
      "action.participant",
    ]);
  });
});
