import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RoomEffect } from "@lodeline/room";
import { RoomBench, sections, sourcesWith, told } from "./support/bench.ts";

const BOTH = ["vp8", "av1"];

/** What was told last to somebody of its screen; `nothing` when no table was told. */
function screenOf(effects: readonly RoomEffect[], who: string): string | undefined {
  const table = told(effects, who, "slots").at(-1);
  return table?.type === "slots" ? (table.table.screen ?? "as negotiated") : "nothing";
}

/** Two who can both do AV1, and one of whom shows its screen. */
function shown(): RoomBench {
  const room = new RoomBench("sfu");
  for (const who of ["a", "b"]) {
    room.join(who);
    room.connect(who, { ...sections(), videoCodecs: BOTH });
  }
  room.take();
  return room;
}

const share = (room: RoomBench, who: string) => room.setMedia(who, sourcesWith({ screen: "live" }));

describe("the codec of a screen", () => {
  it("[SCR1] is the best one where all who are connected offered it, told once a screen is shown", () => {
    const room = shown();
    const effects = share(room, "a");
    assert.equal(screenOf(effects, "a"), "av1");
    assert.notEqual(screenOf(effects, "b"), "av1", "who shows no screen is told none");
    assert.equal(screenOf(room.setMedia("a", sourcesWith({})), "a"), "as negotiated");
  });

  it("[SCR2] is the negotiated one as soon as somebody connects who did not offer it, until that one has left", () => {
    const room = shown();
    share(room, "a");
    assert.equal(screenOf(room.join("c"), "a"), "av1", "not before it has said what it can do");
    assert.equal(screenOf(room.connect("c", { ...sections(), videoCodecs: ["vp8"] }), "a"), "as negotiated");
    assert.equal(screenOf(room.say("c", { type: "leave", id: "x" }), "a"), "av1");
  });

  it("[SCR3] is the negotiated one for whom did not offer the best itself, and in a mesh", () => {
    const room = new RoomBench("sfu");
    room.settle("a", "b");
    assert.notEqual(screenOf(share(room, "a"), "a"), "av1");
    const mesh = new RoomBench("mesh");
    mesh.settle("a", "b");
    assert.equal(screenOf(share(mesh, "a"), "a"), "nothing");
  });
});
