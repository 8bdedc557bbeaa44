import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SessionKey } from "@lodeline/participant";
import type { Topology } from "@lodeline/protocol";
import { type SimulatedPerson, World } from "@lodeline/testkit";
import { placeOf, settle, stage } from "./support/stage.ts";

const NAMES = ["ada", "bob", "cyd", "dan"];
const DOWN_MS = 500;

for (const topology of ["sfu", "mesh"] as const) {
  describe(`a server that is killed and started again, ${topology}`, () => {
    it("gives everybody their place and their media back", (t) => {
      using world = stage({ topology, names: NAMES, storage: { commitMs: 0 } });
      const before = NAMES.map((name) => placeOf(world, name));
      restart(world);
      const tookMs = settle(world, 3_000);
      assert.deepEqual(
        NAMES.map((name) => placeOf(world, name)),
        before,
        "the same participants",
      );
      assert.deepEqual(world.violations, []);
      t.diagnostic(`all agree ${tookMs} virtual ms after the start`);
    });

    it("forgets nobody who is away meanwhile, until the lease that begins anew is over", () => {
      using world = stage({ topology, names: ["ada", "bob"], storage: { commitMs: 0 } });
      const [, bob] = world.people;
      assert.ok(bob);
      bob.vanish("crash");
      world.network.cut("bob", "loud");
      world.plane.vanish("bob");
      // It was last heard of some time before it vanished.
      world.clock.advance(world.timers.leaseMs - 4_000);
      restart(world);
      world.clock.advance(world.timers.leaseMs - 500);
      assert.equal(inRoom(world), 2);
      world.clock.advance(500);
      assert.equal(inRoom(world), 1);
    });
  });
}

describe("killed at every turn of a script", () => {
  for (const topology of ["sfu", "mesh"] as const) {
    it(`of joining, publishing, muting and leaving, ${topology}`, { timeout: 120_000 }, (t) => {
      t.diagnostic(killedEverywhere(() => roomScript(topology)));
    });
  }

  it("of a call", { timeout: 60_000 }, (t) => {
    t.diagnostic(killedEverywhere(callScript));
  });
});

interface Script {
  readonly world: World;
  /** What happens at which virtual ms. */
  readonly steps: readonly (readonly [atMs: number, act: () => void])[];
}

/** When, and before or after what it follows from was kept, the server is killed. */
interface Kill {
  readonly batch: number;
  readonly kept: boolean;
}

/** Runs the script once for each batch that it makes and for each side of it. @returns What was run, in words. */
function killedEverywhere(make: () => Script): string {
  const batches = run(make, undefined).batches;
  const times: number[] = [];
  for (const kept of [false, true]) {
    for (let batch = 1; batch <= batches; batch++) times.push(run(make, { batch, kept }).tookMs);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) => times[Math.ceil(share * times.length) - 1];
  return `${times.length} kills, agreement after the last step: p50 ${at(0.5)}, p95 ${at(0.95)}, max ${at(1)} virtual ms`;
}

let present: { readonly kill: Kill | undefined; batches: number; killed: boolean; world?: World } | undefined;

/** The store of every world here: kills its server at the chosen batch. */
function schedule(keep: () => void): void {
  const now = present;
  const { world } = now ?? {};
  // The first batch of a hub is made while it is made.
  if (!now || !world) return keep();
  now.batches += 1;
  const dies = now.kill !== undefined && !now.killed && now.batches === now.kill.batch;
  if (!dies) return keep();
  now.killed = true;
  if (now.kill?.kept) keep();
  // Long enough for everything that was said too early to arrive.
  world.clock.at(world.clock.now() + 40, () => {
    world.killServer();
    world.clock.at(world.clock.now() + DOWN_MS, () => world.startServer());
  });
}

function run(make: () => Script, kill: Kill | undefined): { batches: number; tookMs: number } {
  present = { kill, batches: 0, killed: false };
  const script = make();
  using world = script.world;
  present.world = world;
  for (const [atMs, act] of script.steps) {
    world.clock.advance(atMs - world.clock.now());
    act();
  }
  const { batches } = present;
  const name = kill ? `killed ${kill.kept ? "after" : "before"} batch ${kill.batch} was kept` : "not killed";
  let tookMs = 0;
  try {
    tookMs = settle(world, DOWN_MS + 4_000);
    assert.deepEqual(world.violations, []);
  } catch (error) {
    throw new Error(`${name}: ${(error as Error).message}`, { cause: error });
  }
  present = undefined;
  return { batches, tookMs };
}

function roomScript(topology: Topology): Script {
  const world = new World({ seed: 7, topology, storage: { commitMs: 0, schedule } });
  const [ada, bob] = ["ada", "bob"].map((name) => world.person(name, { pollMs: 250, role: "moderator" }));
  assert.ok(ada && bob);
  const enter = (one: SimulatedPerson) => {
    one.wanted = { room: "hall", topology };
    one.sources.microphone = "live";
    one.open();
  };
  return {
    world,
    steps: [
      [10, () => enter(ada)],
      [300, () => enter(bob)],
      [700, () => bob.setSource("camera", "live")],
      [1_100, () => ada.setSource("microphone", "muted")],
      [1_400, () => bob.exit()],
      [1_700, () => {}],
    ],
  };
}

function callScript(): Script {
  const world = new World({ seed: 7, topology: "sfu", storage: { commitMs: 0, schedule } });
  const ada = world.person("ada", { pollMs: 250 });
  const bob = world.person("bob", { pollMs: 250, answers: { with: "accept", afterMs: 200 } });
  let key: SessionKey | undefined;
  return {
    world,
    steps: [
      [10, () => ada.open()],
      [20, () => bob.open()],
      [
        200,
        () => {
          key = ada.participant?.call("bob", { audio: true, video: false });
        },
      ],
      [1_500, () => key && ada.participant?.hangup(key)],
      [1_900, () => {}],
    ],
  };
}

function restart(world: World): void {
  world.killServer();
  world.clock.advance(DOWN_MS);
  world.startServer();
}

function inRoom(world: World): number {
  return world.server.hub.rooms().reduce((sum, { snapshot }) => sum + snapshot.participants.length, 0);
}
