import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Encodings } from "@lodeline/protocol";
import type { RoomEffect } from "@lodeline/room";
import { ops, RoomBench, sourcesWith, told } from "./support/bench.ts";

/** What was told last to somebody of its camera: `undefined` when nothing was told at all. */
function cameraOf(effects: readonly RoomEffect[], who: string): { camera: Encodings | undefined } | undefined {
  const table = told(effects, who, "slots").at(-1);
  return table?.type === "slots" ? { camera: table.table.camera } : undefined;
}

const asked = (effects: readonly RoomEffect[]) =>
  ops(effects).flatMap((op) => (op.op === "encodings" ? [`${op.publication} ${op.one ? "one" : "all"}`] : []));

/** The media plane has brought everybody to one encoding. */
const reached = (room: RoomBench, who: string, one: string) =>
  room.feed({
    kind: "media-facts",
    publications: [{ publication: `p-${who}:camera`, arriving: true, one }],
    subscriptions: [],
  });

/** A pair of whom each sends one encoding by now. */
function two(): RoomBench {
  const room = new RoomBench("sfu");
  room.settle("a", "b");
  room.advance(2_000);
  for (const who of ["a", "b"]) reached(room, who, "f");
  room.take();
  return room;
}

function three(): RoomBench {
  const room = new RoomBench("sfu");
  room.settle("a", "b", "c");
  return room;
}

describe("encodings of a camera", () => {
  /** What is told of a camera once its connection has been up for so long. */
  const afterWait = (room: RoomBench, who: string) => {
    room.take();
    room.advance(1_000);
    // Whatever else happens meanwhile.
    const effects = room.setMedia(who, sourcesWith({ microphone: "live" }));
    room.advance(999);
    assert.equal(cameraOf([...effects, ...room.take()], who), undefined, "the path is not known yet");
    room.advance(1);
    return cameraOf(room.take(), who);
  };

  it("[ENC1] a pair sends one each, once what its path carries can be known", () => {
    const room = new RoomBench("sfu");
    room.join("a");
    room.advance(60_000);
    assert.deepEqual(cameraOf(room.connect("a"), "a"), { camera: undefined }, "it is not up yet");
    assert.deepEqual(afterWait(room, "a"), { camera: { send: "one" } });
    room.join("b");
    assert.deepEqual(cameraOf(room.connect("b"), "b"), { camera: undefined });
    room.take();
    room.advance(2_000);
    assert.deepEqual(asked(room.take()), ["p-b:camera one"]);
    assert.deepEqual(cameraOf(reached(room, "b", "f"), "b"), { camera: { send: "one", keep: "f" } });
  });

  it("[ENC1] a third has all sent at once, before its own connection, and is itself told of none", () => {
    const room = two();
    const joined = room.join("c");
    for (const who of ["a", "b"]) assert.deepEqual(cameraOf(joined, who), { camera: undefined }, who);
    assert.deepEqual(asked(joined), ["p-a:camera all", "p-b:camera all"]);
    assert.deepEqual(cameraOf(room.connect("c"), "c"), { camera: undefined });
  });

  it("[ENC2] back to two: after the wait the media plane is asked, and its owner is told what it has reached", () => {
    const room = three();
    room.say("c", { type: "leave", id: "x" });
    room.take();
    room.advance(1_999);
    assert.deepEqual(asked(room.take()), []);
    room.advance(1);
    const effects = room.take();
    assert.deepEqual(asked(effects), ["p-a:camera one", "p-b:camera one"]);
    assert.equal(cameraOf(effects, "a"), undefined, "nothing is taken away before the others have another");
    assert.deepEqual(cameraOf(reached(room, "a", "h"), "a"), { camera: { send: "one", keep: "h" } });
    assert.deepEqual(cameraOf(reached(room, "a", "f"), "a"), undefined, "a later word changes nothing");
    assert.deepEqual(cameraOf(reached(room, "b", ""), "b"), { camera: { send: "one" } });
  });

  it("[ENC2] who comes back within the wait, or before it is reached, changes nothing for the others", () => {
    for (const waitMs of [1_000, 2_500]) {
      const room = three();
      room.say("c", { type: "leave", id: "x" });
      room.advance(waitMs);
      room.take();
      const effects = room.join("c", { fresh: { participant: "p-c", rejoinToken: "t2" }, command: "j2" });
      assert.equal(cameraOf(effects, "a")?.camera, undefined);
      assert.deepEqual(asked(effects), waitMs < 2_000 ? [] : ["p-a:camera all", "p-b:camera all"]);
      reached(room, "a", "f");
      room.take();
      room.advance(10_000);
      assert.equal(cameraOf(room.take(), "a"), undefined);
    }
  });

  it("[ENC2] where nothing is forwarded the media plane is not asked", () => {
    const room = new RoomBench("sfu");
    for (const who of ["a", "b", "c"]) {
      room.join(who, { sources: sourcesWith({}) });
      room.connect(who);
    }
    room.say("c", { type: "leave", id: "x" });
    assert.deepEqual(afterWait(room, "a"), { camera: { send: "one" } });
    assert.deepEqual(asked(room.take()), []);
  });

  it("[ENC3] a forwarder that is made meanwhile is told too", () => {
    const room = two();
    room.setMedia("a", sourcesWith({}));
    assert.deepEqual(asked(room.setMedia("a", sourcesWith({ camera: "live" }))), ["p-a:camera one"]);
  });

  it("[ENC4] what was not heard is told again", () => {
    const room = two();
    const before = room.place("a").slots.revision;
    room.join("c");
    room.advance(1_000);
    room.take();
    const effects = room.receipt("a", { slots: before });
    assert.deepEqual(cameraOf(effects, "a"), { camera: undefined });
  });

  it("[ENC5] one that is sent and does not arrive is given up for all, for the rest of the session", () => {
    const room = two();
    const lost = [{ publication: "p-a:camera", arriving: false }];
    room.feed({ kind: "media-facts", publications: lost, subscriptions: [] });
    room.receipt("b", { received: [{ publication: "p-a:camera", received: false, count: 1 }] });
    room.advance(3_000);
    assert.deepEqual(cameraOf(room.take(), "a"), { camera: undefined });
    room.advance(60_000);
    assert.equal(cameraOf(room.take(), "a"), undefined);
  });

  it("[ENC6] a room may want all of everybody, and a mesh is not asked", () => {
    const room = new RoomBench("sfu", { settings: { oneEncodingUpTo: 0 } });
    room.join("a");
    assert.deepEqual(cameraOf(room.connect("a"), "a"), { camera: undefined });
    const mesh = new RoomBench("mesh");
    mesh.settle("a", "b");
    assert.equal(mesh.place("a").encoding.kind, "all");
  });
});
