import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, type Random } from "@lodeline/base";
import { SOURCES, type Topology } from "@lodeline/protocol";
import { MEMBER_EDGES } from "@lodeline/room";
import { RoomWatch } from "./support/invariants.ts";
import type { Person } from "./support/person.ts";
import { World } from "./support/world.ts";

const QUIET_MS = 40_000;
const NAMES = ["a", "b", "c", "d"];

function pick<T>(random: Random, values: readonly T[]): T {
  return values[integer(random, values.length)] as T;
}

type Act = (world: World, person: Person) => string;

const ACTS: readonly Act[] = [
  (world, person) => {
    const source = pick(world.random, SOURCES);
    const intent = pick(world.random, ["live", "live", "muted", "unpublished"] as const);
    person.feed({ kind: "set-source", source, intent });
    return `${source} ${intent}`;
  },
  (_world, person) => {
    person.cut();
    return "cut";
  },
  (_world, person) => {
    person.mend();
    return "mend";
  },
  (_world, person) => {
    person.renew();
    return "renew";
  },
  (_world, person) => {
    if (person.wanted) person.reload();
    return "reload";
  },
  (world, person) => {
    let left = 1 + integer(world.random, 3);
    world.drop = (to) => to === person.name && left-- > 0;
    return `loses ${left}`;
  },
  (world, person) => {
    const target = pick(world.random, [...world.people.values()]).participant;
    if (!target) return "nothing";
    const source = pick(world.random, SOURCES);
    const kind = pick(world.random, ["mute", "allow"] as const);
    person.feed({ kind: "moderate", action: { kind, participant: target, source } });
    return `${kind} ${target}:${source}`;
  },
  (world, person) => {
    const [publication] = Object.keys(world.room.state.places[person.participant ?? ""]?.rows ?? {});
    if (publication) world.silenced.add(publication);
    return `silence ${publication}`;
  },
  (world, person) => {
    const subscription = Object.values(world.room.state.places[person.participant ?? ""]?.rows ?? {})[0]?.subscription;
    if (subscription) world.wedged.add(subscription);
    return `wedge ${subscription}`;
  },
  (world, person) => {
    if (integer(world.random, 3) > 0) return "nothing";
    if (person.wanted) person.leave();
    else if (["out", "removed"].includes(person.state.phase.kind)) person.join({ microphone: "live", camera: "live" });
    return "leave or join";
  },
];

function runSchedule(topology: Topology, seed: number): { trace: string[]; tookMs: number | undefined; world: World } {
  const world = new World(topology, seed);
  new RoomWatch(world.room);
  const trace: string[] = [];
  for (const name of NAMES.slice(0, 2 + integer(world.random, 3))) {
    world.add(name);
    world.run(integer(world.random, 400));
  }
  for (let i = 0; i < 12; i++) {
    const person = pick(world.random, [...world.people.values()]);
    trace.push(`${world.now} ${person.name} ${pick(world.random, ACTS)(world, person)}`);
    world.run(pick(world.random, [10, 50, 200, 1_000, 3_000]));
  }
  world.drop = () => false;
  world.silenced.clear();
  for (const person of world.people.values()) person.mend();
  const tookMs = world.runUntil(QUIET_MS, () => world.disagreements().length === 0);
  return { trace, tookMs, world };
}

describe("schedules of faults", () => {
  const edges = new Set<string>();
  for (const topology of ["sfu", "mesh"] as const) {
    it(`[MEM21] a ${topology} room agrees again after any faults`, () => {
      for (let seed = 1; seed <= 40; seed++) {
        const { trace, tookMs, world } = runSchedule(topology, seed);
        const why = world.disagreements().join("; ");
        assert.ok(tookMs !== undefined, `seed ${seed}: ${why}\n${trace.join("\n")}`);
        for (const edge of world.taken) edges.add(edge);
      }
    });
  }

  it("[MEM15] takes only the edges of the table", () => {
    // Each step was checked on the way (see Person); this asks that the runs went far enough to mean something.
    for (const edge of ["out to joining", "joining to in", "in to joining", "in to leaving", "leaving to out"]) {
      assert.ok(edges.has(edge), `${edge} was never taken`);
    }
    for (const edge of edges) {
      const [from, , to] = edge.split(" ") as [keyof typeof MEMBER_EDGES, string, never];
      assert.ok(MEMBER_EDGES[from].includes(to));
    }
  });
});
