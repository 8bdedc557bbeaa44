import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { World } from "./world.ts";

const { byeGraceMs } = DEFAULT_TIMERS;
const LEASES = { suspectMs: 1_000, leaseMs: 20_000, byeGraceMs: 500, maxParticipants: 2, loudestSpeakers: 5 };

function presenceOf(world: World, who: string) {
  return world.hub.room("r")?.snapshot.participants.find(({ identity }) => identity === who)?.presence;
}

function refusal(act: () => unknown): [string, string | undefined] {
  try {
    act();
  } catch (error) {
    if (error instanceof LodelineError) return [error.code, error.field];
  }
  throw new Error("nothing was refused");
}

describe("a page that goes", () => {
  it("[HUB37] is suspect at once and gone after the grace", () => {
    const world = new World();
    const ada = world.client("ada");
    const bob = world.client("bob");
    ada.join("r", { topology: "mesh" });
    bob.join("r", { topology: "mesh" });
    world.run();
    bob.close();
    world.run(20);
    assert.equal(presenceOf(world, "bob"), "suspect");
    world.run(byeGraceMs - 30);
    assert.equal(presenceOf(world, "bob"), "suspect");
    world.run(30);
    assert.equal(presenceOf(world, "bob"), undefined);
    const kinds = ada.of("room-event").flatMap(({ events }) => events.map(({ event }) => event.kind));
    assert.deepEqual(kinds, ["peer-joined", "presence", "peer-left"]);
  });

  it("[HUB37] has its place again when the next page takes it in time", () => {
    const world = new World();
    const bob = world.client("bob");
    bob.join("r", { topology: "mesh" });
    world.run();
    const { participant, rejoinToken: token } = bob.joined;
    bob.close();
    world.run(byeGraceMs - 200);
    const next = world.client("bob", 2);
    next.join("r", { rejoin: { participant, token } });
    world.run(byeGraceMs * 3);
    assert.equal(next.joined.participant, participant);
    assert.equal(presenceOf(world, "bob"), "connected");
  });
});

describe("a room that was made", () => {
  it("[HUB38] has its own topology, leases, limit and lock, and tells its members", () => {
    const world = new World({ grants: (who) => (who === "ada" ? { role: "moderator" } : {}) });
    const made = world.hub.createRoom({ room: "r", topology: "mesh", locked: true, ...LEASES });
    assert.deepEqual([made.settings, made.snapshot.topology, made.snapshot.locked], [LEASES, "mesh", true]);
    assert.deepEqual(world.hub.rooms(), [made]);
    const [ada, bob] = [world.client("ada"), world.client("bob")];
    bob.join("r", { topology: "sfu" });
    world.run();
    assert.deepEqual(
      bob.errors.map(({ code }) => code),
      ["room/locked"],
    );
    ada.join("r", { topology: "sfu" });
    world.run();
    const { room, suspectMs, leaseMs, byeGraceMs: graceMs, maxParticipants } = ada.joined;
    assert.deepEqual({ suspectMs, leaseMs, byeGraceMs: graceMs, maxParticipants, loudestSpeakers: 5 }, LEASES);
    assert.deepEqual([room.topology, room.locked], ["mesh", true]);
    assert.deepEqual(world.hub.room("r")?.settings, LEASES);
    ada.vanish();
    world.run(19_000);
    assert.equal(presenceOf(world, "ada"), "suspect");
    world.run(1_000);
    assert.equal(world.hub.room("r"), undefined, "gone with its last member");
  });

  it("[HUB38] is refused when it is there already or cannot be", () => {
    const world = new World({ sfu: false });
    const { hub } = world;
    hub.createRoom({ room: "r" });
    world.client("ada").join("s");
    world.run();
    assert.deepEqual(
      refusal(() => hub.createRoom({ room: "r" })),
      ["room/exists", "room"],
    );
    assert.deepEqual(
      refusal(() => hub.createRoom({ room: "s" })),
      ["room/exists", "room"],
    );
    assert.deepEqual(
      refusal(() => hub.createRoom({ room: "t", topology: "sfu" })),
      ["room/topology", "topology"],
    );
    for (const [field, value] of [
      ["leaseMs", 0],
      ["leaseMs", Number.NaN],
      ["byeGraceMs", 1.5],
      ["maxParticipants", 1_000],
      ["loudestSpeakers", -1],
      ["suspectMs", 15_001],
    ] as const) {
      assert.deepEqual(
        refusal(() => hub.createRoom({ room: "t", [field]: value })),
        ["config/invalid", field],
      );
    }
    assert.deepEqual(
      refusal(() => hub.createRoom({ room: "" })),
      ["config/invalid", "room"],
    );
  });

  it("[HUB38] that nobody enters is gone after ten minutes, with its timer", () => {
    const world = new World();
    world.hub.createRoom({ room: "r", ...LEASES });
    world.run(600_000 - 1);
    assert.equal(world.hub.rooms().length, 1);
    world.run(1);
    assert.equal(world.hub.rooms().length, 0);
    assert.equal(world.hub.status().timers, 0);
  });
});
