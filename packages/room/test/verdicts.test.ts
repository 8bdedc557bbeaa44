import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Moderation, Role } from "@lodeline/protocol";
import type { RoomEffect } from "@lodeline/room";
import { LIVE, only, ops, RoomBench, sourcesWith, told } from "./support/bench.ts";

function moderated(topology: "sfu" | "mesh" = "sfu"): RoomBench {
  const room = new RoomBench(topology);
  room.join("mod", { role: "moderator" });
  if (topology === "sfu") room.connect("mod");
  room.settle("a", "b");
  return room;
}

function does(room: RoomBench, action: Moderation): readonly RoomEffect[] {
  return room.say("mod", { type: "moderate", id: room.command(), action });
}

function codes(effects: readonly RoomEffect[]): string[] {
  return only(effects, "tell").flatMap(({ message }) => (message.type === "error" ? [message.code] : []));
}

function comesBack(room: RoomBench, who: string, more: Parameters<RoomBench["join"]>[1] = {}) {
  room.feed({ kind: "link-lost", participant: `p-${who}`, link: `l-${who}` });
  room.advance(60_000);
  assert.ok(!room.state.places[`p-${who}`]);
  return room.join(who, { command: "again", ...more });
}

describe("what a moderator decides of a person", () => {
  it("[ROOM26] keeps the removed out, however they ask, until another readmits them", () => {
    const room = moderated();
    does(room, { kind: "remove", participant: "p-a" });
    assert.deepEqual(codes(room.join("a", { command: "again" })), ["room/removed"]);
    const claim = { participant: "p-a", token: "t-a" };
    assert.deepEqual(codes(room.join("a", { command: "again", rejoin: claim })), ["room/bad-rejoin"]);
    assert.ok(!room.state.places["p-a"]);
    does(room, { kind: "readmit", identity: "id-a" });
    assert.deepEqual(codes(room.join("a", { command: "later" })), []);
    assert.ok(room.state.places["p-a"]);
    assert.deepEqual(room.state.verdicts, {});
  });

  it("[ROOM26] leaves the other places of that person alone", () => {
    const room = moderated();
    room.join("a2", { identity: "id-a" });
    does(room, { kind: "remove", participant: "p-a" });
    assert.ok(room.state.places["p-a2"]);
    const claim = { participant: "p-a2", token: "t-a2" };
    assert.deepEqual(codes(room.join("a2", { command: "again", identity: "id-a", rejoin: claim })), []);
  });

  it("[ROOM27] outlives the place: role and mute are the same after a new join", () => {
    const room = moderated();
    does(room, { kind: "mute", participant: "p-a", source: "microphone" });
    does(room, { kind: "role", participant: "p-b", role: "viewer" });
    comesBack(room, "a");
    assert.deepEqual(room.info("a").media.sources.microphone, { intent: "muted", mutedBy: "p-mod" });
    assert.equal(room.info("a").media.sources.camera.intent, "live");
    comesBack(room, "b");
    assert.equal(room.info("b").role, "viewer");
    does(room, { kind: "allow", participant: "p-a", source: "microphone" });
    comesBack(room, "a");
    assert.deepEqual(room.info("a").media.sources.microphone, { intent: "live", mutedBy: null });
  });

  it("[ROOM27] makes nobody more than the token allows", () => {
    const room = moderated();
    const becomes = (who: string, role: Role) => codes(does(room, { kind: "role", participant: `p-${who}`, role }));
    assert.deepEqual(becomes("a", "moderator"), ["auth/forbidden"]);
    assert.equal(room.info("a").role, "speaker");
    assert.deepEqual(becomes("a", "viewer"), []);
    assert.deepEqual(becomes("a", "speaker"), []);
    room.join("c", { maxRole: "moderator" });
    assert.equal(room.info("c").role, "speaker");
    assert.deepEqual(becomes("c", "moderator"), []);
    // A later token that allows less takes back what was given by an earlier one.
    comesBack(room, "c");
    assert.equal(room.info("c").role, "speaker");
  });

  it("[ROOM28] may leave a muted person free to unmute, by a wish and not by a join", () => {
    const room = moderated();
    does(room, { kind: "mute", participant: "p-a", source: "microphone", mayUnmute: true });
    const mute = { intent: "muted", mutedBy: "p-mod", mayUnmute: true } as const;
    assert.deepEqual(room.info("a").media.sources.microphone, mute);
    room.join("a", { command: "again", rejoin: { participant: "p-a", token: "t-a" } });
    assert.deepEqual(room.info("a").media.sources.microphone, mute);
    room.setMedia("a", sourcesWith({ microphone: "muted" }));
    assert.deepEqual(room.info("a").media.sources.microphone, mute);
    room.setMedia("a", LIVE);
    assert.deepEqual(room.info("a").media.sources.microphone, { intent: "live", mutedBy: null });
    comesBack(room, "a");
    assert.equal(room.info("a").media.sources.microphone.intent, "live");
  });
});

describe("what a moderator decides, on the server's media", () => {
  it("[ROOM29] stops forwarding in the same step, keeps the slot, and forwards again when the mute ends", () => {
    const room = moderated();
    const slots = room.place("b").slots;
    const muted = ops(does(room, { kind: "mute", participant: "p-a", source: "camera" }));
    assert.deepEqual(muted.map((op) => op.op === "detach" && op.subscription).sort(), [
      "p-a:camera>p-b",
      "p-a:camera>p-mod",
    ]);
    assert.deepEqual(room.place("b").slots, slots);
    // Whatever its client goes on sending, saying or wishing.
    room.sendsAll("a");
    room.setMedia("a", LIVE);
    room.connect("a");
    room.feed({
      kind: "media-facts",
      publications: [{ publication: "p-a:camera", arriving: true }],
      subscriptions: [],
    });
    room.advance(30_000);
    assert.ok(!ops(room.take()).some((op) => op.op === "attach" && op.publication === "p-a:camera"));
    room.join("c");
    assert.ok(!ops(room.connect("c")).some((op) => op.op === "attach" && op.publication === "p-a:camera"));
    const freed = ops(does(room, { kind: "allow", participant: "p-a", source: "camera" }));
    assert.deepEqual(freed.map((op) => op.op === "attach" && op.subscription).sort(), [
      "p-a:camera>p-b",
      "p-a:camera>p-c",
      "p-a:camera>p-mod",
    ]);
  });

  it("[ROOM29] stops forwarding all that a demoted speaker sends", () => {
    const room = moderated();
    const demoted = ops(does(room, { kind: "role", participant: "p-a", role: "viewer" }));
    assert.equal(demoted.filter((op) => op.op === "detach").length, 4);
    room.connect("a");
    assert.deepEqual(codes(room.setMedia("a", LIVE)), ["auth/forbidden"]);
    const after = ops(room.take()).flatMap((op) => (op.op === "attach" ? [op.publication] : []));
    assert.deepEqual(
      after.filter((publication) => publication.startsWith("p-a")),
      [],
    );
  });

  it("[ROOM29] in a mesh: everybody is told, and nobody misses it", () => {
    const room = moderated("mesh");
    const effects = does(room, { kind: "mute", participant: "p-a", source: "camera" });
    const [event] = only(effects, "event");
    assert.deepEqual(event?.to, ["l-mod", "l-a", "l-b"]);
    assert.equal(room.row("a", "camera", "b").standing, "off");
    assert.ok(told(effects, "b", "ledger").length > 0);
    room.advance(30_000);
    assert.equal(room.row("a", "camera", "b").standing, "off");
  });
});
