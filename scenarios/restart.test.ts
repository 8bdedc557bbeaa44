import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { disagreements, type World } from "@lodeline/testkit";
import { person, placeOf, settle, stage } from "./support/stage.ts";

const NAMES = ["ada", "bob", "cyd", "dan"];

/** Kills the server and starts another `downMs` later. */
function restart(world: World, downMs: number): void {
  world.killServer();
  world.clock.advance(downMs);
  world.startServer();
}

for (const topology of ["sfu", "mesh"] as const) {
  describe(`a server that is killed and started again, ${topology}`, () => {
    it("gives everybody their place and their media back", () => {
      using world = stage({ topology, names: NAMES, keeps: {} });
      const before = NAMES.map((name) => placeOf(world, name));
      restart(world, 700);
      const tookMs = settle(world, 3_000);
      assert.deepEqual(
        NAMES.map((name) => placeOf(world, name)),
        before,
        "the same participants",
      );
      assert.deepEqual(world.violations, []);
      console.log(`${topology}: all agree ${tookMs} ms after the start`);
    });
  });
}

void disagreements;
void person;
