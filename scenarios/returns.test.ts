import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Participant } from "@lodeline/participant";
import type { World } from "@lodeline/testkit";
import { person, placeOf, settle, stage } from "./support/stage.ts";

/** From the moment the network is back: in the room, with media, all agreed. The link's reconnect is part of it. */
const BACK_WITHIN_MS = 6_000;

interface Away {
  readonly name: string;
  readonly awayMs: number;
  /** Whether the lease was over by then, and the link could not be resumed. */
  readonly lost: boolean;
}

const AWAY: readonly Away[] = [
  { name: "4 s: nothing was noticed but silence", awayMs: 4_000, lost: false },
  { name: "12 s: suspect, not gone", awayMs: 12_000, lost: false },
  { name: "20 s: the lease is over, the link can be resumed", awayMs: 20_000, lost: true },
  { name: "40 s: the link cannot be resumed either", awayMs: 40_000, lost: true },
  { name: "10 minutes: asleep", awayMs: 600_000, lost: true },
];

function cameraOf(world: World, place: string) {
  const [room] = world.server.hub.rooms();
  return room?.snapshot.participants.find((one) => one.id === place)?.media.sources.camera.intent;
}

function annaOf(world: World): Participant {
  const { participant } = person(world, "anna");
  assert.ok(participant);
  return participant;
}

/** Anna's network is gone and comes back. @returns Virtual ms from then to agreement. */
function goAway(world: World, awayMs: number): number {
  world.network.setOffline("anna", true);
  world.network.cut("anna", "silent");
  world.clock.advance(awayMs);
  world.network.setOffline("anna", false);
  annaOf(world).wake();
  return settle(world, BACK_WITHIN_MS, 10);
}

describe("away and back without a reload", () => {
  for (const topology of ["sfu", "mesh"] as const) {
    for (const { name, awayMs, lost } of AWAY) {
      it(`${topology}, ${name}`, (t) => {
        using world = stage({ topology, names: ["anna", "bert"] });
        const before = placeOf(world, "anna");
        let told = 0;
        annaOf(world).on("place-lost", ({ participant }) => {
          assert.equal(participant, before);
          told += 1;
        });
        const tookMs = goAway(world, awayMs);
        t.diagnostic(`agreed ${tookMs} virtual ms after the network was back`);
        assert.equal(told, lost ? 1 : 0);
        assert.equal(placeOf(world, "anna") === before, !lost);
        assert.equal(cameraOf(world, placeOf(world, "anna")), "live", "the same wishes, by itself");
        assert.deepEqual(world.violations, []);
      });
    }

    it(`${topology}: a long lease outlives the link, and the media session outlives both`, () => {
      const timers = { leaseMs: 120_000, resumeWindowMs: 8_000 };
      using world = stage({ topology, names: ["anna", "bert"], timers });
      const before = placeOf(world, "anna");
      const sessions = annaOf(world).sessions.map(({ state }) => ("session" in state ? state.session : ""));
      const joins: boolean[] = [];
      annaOf(world).on("joined", ({ again }) => joins.push(again));
      goAway(world, 20_000);
      assert.deepEqual(joins, [true], "the link was a new one");
      assert.equal(placeOf(world, "anna"), before);
      const after = annaOf(world).sessions.map(({ state }) => ("session" in state ? state.session : ""));
      assert.deepEqual(after, sessions, "nothing that worked was thrown away");
      const [room] = world.server.hub.rooms();
      assert.equal(room?.snapshot.participants.find((one) => one.id === before)?.incarnation, 1);
      assert.deepEqual(world.violations, []);
    });
  }
});
