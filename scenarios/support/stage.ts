import assert from "node:assert/strict";
import type { Timers } from "@lodeline/protocol";
import { disagreements, type PersonOptions, type SimulatedPerson, World } from "@lodeline/testkit";

/** How a {@link stage} is set. */
export interface StageOptions {
  readonly seed?: number;
  readonly topology: "sfu" | "mesh";
  readonly names: readonly string[];
  /** Who enters the room at once; default everybody. */
  readonly enters?: (name: string) => boolean;
  readonly person?: (name: string) => PersonOptions;
  readonly trace?: boolean;
  readonly timers?: Partial<Timers>;
  /** What the server keeps for its next process is durable after at most so long; absent: nothing is kept. */
  readonly storage?: { readonly commitMs: number };
}

/** A world in which people have come, are in the room with microphone and camera, and agree. Dispose of it. */
export function stage(options: StageOptions): World {
  const { seed = 1, topology, names, enters = () => true, person = () => ({}), trace, timers, storage } = options;
  const world = new World({ seed, topology, trace, timers, storage });
  for (const name of names) {
    const one = world.person(name, { pollMs: 250, ...person(name) });
    if (enters(name)) {
      one.wanted = { room: "hall", topology };
      one.sources.microphone = "live";
      one.sources.camera = "live";
    }
    one.open();
  }
  settle(world, 10_000);
  return world;
}

/** Advances until all agree; fails with what they do not agree on. @returns Virtual ms it took. */
export function settle(world: World, limitMs: number, stepMs = 50): number {
  const began = world.clock.now();
  let left: readonly string[] = ["nothing was looked at"];
  while (world.clock.now() - began < limitMs) {
    world.clock.advance(stepMs);
    left = disagreements(world);
    if (left.length === 0) return world.clock.now() - began;
  }
  assert.deepEqual(left, [], `no agreement after ${limitMs} ms`);
  return limitMs;
}

/** The person of a name. */
export function person(world: World, identity: string): SimulatedPerson {
  const found = world.people.find((one) => one.identity === identity);
  assert.ok(found, `nobody is called ${identity}`);
  return found;
}

/** A person's participant id, by the authority. */
export function placeOf(world: World, identity: string): string {
  const ids = world.server.hub
    .rooms()
    .flatMap((room) => room.snapshot.participants)
    .filter((one) => one.identity === identity)
    .map((one) => one.id);
  assert.equal(ids.length, 1, `${identity} has ${ids.length} places`);
  return ids[0] ?? "";
}
