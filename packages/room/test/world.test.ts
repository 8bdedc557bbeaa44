import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { World } from "./support/world.ts";

describe("a room and its members", () => {
  for (const topology of ["sfu", "mesh"] as const) {
    it(`[MEM20] three in a ${topology} room agree and receive everything`, () => {
      const world = new World(topology);
      for (const name of ["a", "b", "c"]) world.add(name);
      const tookMs = world.runUntil(5_000, () => world.disagreements().length === 0 && world.people.size === 3);
      assert.ok(tookMs !== undefined, world.disagreements().join("; "));
      world.run(10_000);
      assert.deepEqual(world.disagreements(), []);
      assert.ok(!world.log.some((one) => one.kind === "replay"));
    });
  }
});
