import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServerMessage, Topology } from "@lodeline/protocol";
import { only } from "./support/bench.ts";
import { type Drop, World } from "./support/world.ts";

/** What repairs must never have touched when only a message was lost. */
const DISTURBING = new Set(["reset-forwarder", "renegotiate", "republish", "restart-ice", "new-session"]);

function settled(topology: Topology, ...names: string[]): World {
  const world = new World(topology);
  for (const name of names) world.add(name, { microphone: "live" });
  const tookMs = world.runUntil(10_000, () => world.disagreements().length === 0);
  assert.ok(tookMs !== undefined, world.disagreements().join("; "));
  world.run(1_500);
  world.log.length = 0;
  return world;
}

/** Loses the one message of this index that goes to somebody from now on. */
function loseOne(to: string, index: number, lost: ServerMessage[]): Drop {
  let count = 0;
  return (name, message) => {
    if (name !== to || message.type === "signal" || count++ !== index) return false;
    lost.push(message);
    return true;
  };
}

describe("ghost media", () => {
  for (const topology of ["sfu", "mesh"] as const) {
    for (const victim of ["a", "b"]) {
      it(`[MEM22] ${topology}: any single message of a publish lost on the way to ${victim}`, () => {
        const kinds = new Set<string>();
        for (let index = 0; index < 8; index++) {
          const world = settled(topology, "a", "b", "c");
          const lost: ServerMessage[] = [];
          world.drop = loseOne(victim, index, lost);
          world.people.get("a")?.feed({ kind: "set-source", source: "camera", intent: "live" });
          const subscription = `${world.people.get("a")?.participant}:camera>${world.people.get("b")?.participant}`;
          const agreed = () =>
            world.disagreements().length === 0 &&
            Object.values(world.room.state.places).some((place) =>
              Object.values(place.rows).some((row) => row.subscription === subscription),
            );
          const tookMs = world.runUntil(3_000, agreed);
          const what = lost[0]?.type ?? "nothing";
          assert.ok(tookMs !== undefined, `${what} lost: ${world.disagreements().join("; ")}`);
          kinds.add(what);
          const asked = only(world.log, "replay").map((one) => one.step);
          assert.ok(!asked.some((step) => DISTURBING.has(step)), `${what} lost: ${asked.join()}`);
          world.run(8_000);
          assert.deepEqual(world.disagreements(), []);
        }
        for (const type of victim === "b" ? ["room-event", "ledger"] : ["room-event", "ok", "ledger"]) {
          assert.ok(kinds.has(type), `${type} was never lost`);
        }
      });
    }

    it(`[MEM22] ${topology}: a lost announcement shows as missing and is told again`, () => {
      const world = settled(topology, "a", "b");
      let lost = 0;
      world.drop = (to, message) => to === "b" && message.type === "room-event" && lost++ === 0;
      world.people.get("a")?.feed({ kind: "set-source", source: "camera", intent: "live" });
      const standings = new Set<string>();
      const b = world.people.get("b");
      const tookMs = world.runUntil(3_000, () => {
        const { phase } = b?.state ?? { phase: undefined };
        const rows = phase?.kind === "in" ? Object.values(phase.mirror.ledger) : [];
        const row = rows.find((one) => one.source === "camera" && one.to === b?.participant);
        if (row) standings.add(row.standing);
        return row?.standing === "received" && world.disagreements().length === 0;
      });
      assert.ok(tookMs !== undefined && tookMs <= 1_000, `took ${tookMs}`);
      assert.ok(standings.has("missing"), [...standings].join());
      assert.deepEqual(
        only(world.log, "replay").map((one) => one.step),
        ["tell-again"],
      );
    });

    it(`[MEM23] ${topology}: packets silent for 5 s`, () => {
      const world = settled(topology, "a", "b", "c");
      const publication = `${world.people.get("a")?.participant}:microphone`;
      const others = () =>
        Object.values(world.room.state.places)
          .flatMap((place) => Object.values(place.rows))
          .filter((row) => row.publication !== publication)
          .map((row) => `${row.subscription} ${row.standing} ${row.received.version}`);
      const before = others();
      world.silenced.add(publication);
      world.run(5_000);
      const rows = () =>
        Object.values(world.room.state.places)
          .flatMap((place) => Object.values(place.rows))
          .filter((row) => row.publication === publication);
      assert.deepEqual(
        rows().map((row) => row.standing),
        ["missing", "missing"],
      );
      assert.ok(only(world.log, "replay").length > 0, "a replay runs");
      world.silenced.clear();
      const tookMs = world.runUntil(3_000, () => world.disagreements().length === 0);
      assert.ok(tookMs !== undefined, world.disagreements().join("; "));
      assert.deepEqual(others(), before, "no other row changed");
      const steps = only(world.log, "replay").map((one) => one.step);
      assert.ok(!steps.includes("restart-ice") && !steps.includes("new-session"), steps.join());
      assert.deepEqual(only(world.log, "joined"), [], "nobody joined anew");
    });

    it(`[MEM24] ${topology}: a reload at any moment`, () => {
      for (let atMs = 0; atMs <= 600; atMs += 20) {
        const world = new World(topology, atMs + 1);
        world.add("a");
        world.run(500);
        const b = world.add("b");
        world.run(atMs);
        b.reload();
        const tookMs = world.runUntil(3_000, () => world.disagreements().length === 0);
        assert.ok(tookMs !== undefined, `reload after ${atMs} ms: ${world.disagreements().join("; ")}`);
        assert.equal(world.room.state.snapshot.participants.length, 2);
        world.run(20_000);
        assert.deepEqual(world.disagreements(), [], `reload after ${atMs} ms, later`);
      }
    });
  }
});
