import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { publicationId, type Role } from "@lodeline/protocol";
import type { World } from "@lodeline/testkit";
import { person, placeOf, stage } from "./support/stage.ts";

/** Anna disobeys: her page goes on sending whatever a moderator says. Bert moderates, cleo listens. */
function scene(topology: "sfu" | "mesh"): World {
  const roles: Readonly<Record<string, Role>> = { bert: "moderator" };
  return stage({
    topology,
    names: ["anna", "bert", "cleo"],
    person: (name) => ({ role: roles[name], stubborn: name === "anna" }),
  });
}

function hears(world: World, who: string, source: "microphone" | "camera"): boolean {
  return person(world, who).hears(publicationId(placeOf(world, "anna"), source));
}

function standing(world: World, who: string, source: "microphone" | "camera") {
  return person(world, who).participant?.standing(publicationId(placeOf(world, "anna"), source));
}

function moderates(
  world: World,
  action: Parameters<NonNullable<ReturnType<typeof person>["participant"]>["moderate"]>[0],
) {
  person(world, "bert").participant?.moderate(action);
}

/** One round trip of the network, and what the server makes of it. */
const AT_ONCE_MS = 150;

describe("a moderator's word against a client that goes on sending", () => {
  it("sfu: a muted source is forwarded no more, at once, and again when it is free", () => {
    using world = scene("sfu");
    const anna = placeOf(world, "anna");
    assert.ok(hears(world, "cleo", "microphone"));
    moderates(world, { kind: "mute", participant: anna, source: "microphone" });
    world.clock.advance(AT_ONCE_MS);
    assert.ok(person(world, "anna").sends("microphone", "sfu"), "she goes on sending");
    assert.ok(!hears(world, "cleo", "microphone") && !hears(world, "bert", "microphone"), "and nobody hears it");
    assert.ok(hears(world, "cleo", "camera"), "her picture is another matter");
    world.clock.advance(30_000);
    assert.ok(!hears(world, "cleo", "microphone"));
    assert.equal(standing(world, "cleo", "microphone"), "off", "nobody misses it");
    moderates(world, { kind: "allow", participant: anna, source: "microphone" });
    world.clock.advance(AT_ONCE_MS);
    person(world, "anna").participant?.setSource("microphone", "live");
    world.clock.advance(2_000);
    assert.ok(hears(world, "cleo", "microphone"));
    assert.deepEqual(world.violations, []);
  });

  it("sfu: of who is made a viewer nothing is forwarded, whatever is sent", () => {
    using world = scene("sfu");
    moderates(world, { kind: "role", participant: placeOf(world, "anna"), role: "viewer" });
    world.clock.advance(AT_ONCE_MS);
    const anna = person(world, "anna");
    for (const source of ["microphone", "camera"] as const) {
      assert.ok(anna.sends(source, "sfu"));
      anna.participant?.setSource(source, "live");
    }
    world.clock.advance(30_000);
    for (const source of ["microphone", "camera"] as const) assert.ok(!hears(world, "cleo", source), source);
    assert.deepEqual(world.violations, []);
  });

  it("mesh: nobody can keep her from sending; all others are told, expect nothing and miss nothing", () => {
    using world = scene("mesh");
    const place = placeOf(world, "anna");
    moderates(world, { kind: "mute", participant: place, source: "microphone" });
    world.clock.advance(30_000);
    for (const who of ["bert", "cleo"]) {
      assert.equal(standing(world, who, "microphone"), "off");
      const { participant } = person(world, who);
      assert.equal(participant?.words(publicationId(place, "microphone")), "muted by a moderator");
    }
    assert.deepEqual([...world.replays], []);
  });

  for (const topology of ["sfu", "mesh"] as const) {
    it(`${topology}: who is removed is out and stays out, by any link and any token it has`, () => {
      using world = scene(topology);
      const anna = person(world, "anna");
      const place = anna.participant?.place;
      assert.ok(place);
      moderates(world, { kind: "remove", participant: place.participant });
      world.clock.advance(AT_ONCE_MS);
      for (const rejoin of [undefined, place]) {
        anna.vanish("crash");
        anna.wanted = undefined;
        anna.open();
        let code: string | undefined;
        anna.participant?.on("join-failed", ({ error }) => {
          code = error.code;
        });
        anna.participant?.join({ room: "hall", topology, rejoin });
        world.clock.advance(5_000);
        assert.equal(code, "room/removed");
      }
      const [room] = world.server.hub.rooms();
      assert.deepEqual(room?.snapshot.participants.map(({ identity }) => identity).sort(), ["bert", "cleo"]);
    });
  }
});
