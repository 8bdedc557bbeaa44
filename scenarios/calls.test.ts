import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SERVER_PEER_IDENTITY } from "@lodeline/protocol";
import type { SessionEvent } from "@lodeline/session";
import { disagreements, leftovers, sessionUnder, type World } from "@lodeline/testkit";
import { person, settle, stage } from "./support/stage.ts";

interface Heard {
  readonly who: string;
  readonly event: SessionEvent;
}

/** Two people whose pages are open, in no room; `bert` takes calls after `afterMs`, unless it is undefined. */
function scene(afterMs: number | undefined, seed = 1): { readonly world: World; readonly heard: Heard[] } {
  const answers = afterMs === undefined ? undefined : ({ with: "accept", afterMs } as const);
  const world = stage({
    seed,
    topology: "sfu",
    names: ["anna", "bert"],
    enters: () => false,
    person: (name) => (name === "bert" ? { answers } : {}),
  });
  const heard: Heard[] = [];
  for (const one of world.people) {
    one.participant?.on("session", ({ event }) => heard.push({ who: one.identity, event }));
  }
  return { world, heard };
}

function call(world: World, who: string, whom: string, video = true): void {
  person(world, who).participant?.call(whom, { audio: true, video });
}

function stateOf(world: World, who: string, whom: string): string {
  return person(world, who).participant?.session(`call:${whom}`)?.state.kind ?? "Idle";
}

function ended(heard: readonly Heard[]): (SessionEvent & { kind: "ended" })[] {
  return heard.flatMap(({ event }) => (event.kind === "ended" ? [event] : []));
}

function close(world: World): void {
  for (const one of world.people) one.close();
  world.clock.advance(5_000);
  assert.deepEqual(world.violations, []);
  world.clock.runUntilIdle(600_000);
  assert.deepEqual(leftovers(world), []);
}

describe("two people who call each other at once", () => {
  for (const [first, second] of [
    ["anna", "bert"],
    ["bert", "anna"],
  ] as const) {
    it(`${first} first: one call, initiated by the lower identity, nobody busy`, () => {
      for (let apartMs = 0; apartMs <= 60; apartMs += 2) {
        const { world, heard } = scene(undefined, 1 + apartMs);
        call(world, first, second, false);
        world.clock.advance(apartMs);
        // While the first call is on its way the lower identity offers; once it rings, to call is to accept it.
        const offerer = stateOf(world, second, first) === "IncomingInit" ? first : "anna";
        call(world, second, first, true);
        settle(world, 3_000);
        const session = sessionUnder(person(world, "anna").participant, "call:bert");
        assert.equal(stateOf(world, "anna", "bert"), "Active", `${apartMs} ms apart`);
        assert.equal(stateOf(world, "bert", "anna"), "Active", `${apartMs} ms apart`);
        assert.equal(sessionUnder(person(world, "bert").participant, "call:anna"), session);
        assert.deepEqual(ended(heard), [], `${apartMs} ms apart: somebody was turned away`);
        assert.equal(offerers(heard).join(), offerer, `${apartMs} ms apart`);
        person(world, "bert").participant?.hangup("call:anna");
        world.clock.advance(1_000);
        assert.equal(stateOf(world, "anna", "bert"), "Idle");
        close(world);
        world[Symbol.dispose]();
      }
    });
  }
});

/** Who took the step `create-offer`. */
function offerers(heard: readonly Heard[]): string[] {
  const made = heard.filter(
    ({ event }) => event.kind === "step" && event.step === "create-offer" && event.outcome === "done",
  );
  return made.map(({ who }) => who);
}

describe("hangup at every step of a call", () => {
  for (const who of ["anna", "bert"] as const) {
    for (const callee of ["bert", SERVER_PEER_IDENTITY] as const) {
      if (who === "bert" && callee !== "bert") continue;
      it(`${who} ends a call of anna to ${callee}: both at Idle, everything given back, and the next call works`, (t) => {
        const steps = stepsToActive(callee);
        const states = new Set<string>();
        for (let step = 0; step <= steps + 5; step++) {
          const { world, heard } = scene(30);
          call(world, "anna", callee);
          for (let i = 0; i < step; i++) world.clock.step();
          const other = who === "anna" ? callee : "anna";
          states.add(stateOf(world, who, other));
          person(world, who).participant?.hangup(`call:${other}`);
          world.clock.advance(world.timers.endingMs + 200);
          if (stateOf(world, "anna", callee) !== "Active") checkGone(world, heard, callee, step);
          call(world, "anna", callee);
          world.clock.runUntil(() => stateOf(world, "anna", callee) === "Active", 3_000);
          settle(world, 3_000);
          assert.equal(stateOf(world, "anna", callee), "Active", `no second call after a hangup at step ${step}`);
          close(world);
          world[Symbol.dispose]();
        }
        t.diagnostic(`${steps + 6} hangups, in ${[...states].join(", ")}`);
      });
    }
  }
});

/** How many steps of time it takes until the call is Active at both ends. */
function stepsToActive(callee: string): number {
  const { world } = scene(30);
  call(world, "anna", callee);
  let steps = 0;
  const done = () => stateOf(world, "anna", callee) === "Active" && disagreements(world).length === 0;
  while (!done()) {
    assert.ok(world.clock.step(), "time stood still");
    steps += 1;
    assert.ok(steps < 1_000, "no call");
  }
  return steps;
}

function checkGone(world: World, heard: readonly Heard[], callee: string, step: number): void {
  const where = `hangup at step ${step}`;
  assert.equal(stateOf(world, "anna", callee), "Idle", where);
  assert.equal(stateOf(world, "bert", "anna"), "Idle", where);
  for (const { receipt } of ended(heard)) {
    assert.deepEqual(receipt.left, [], `${where}: ${receipt.session} left something behind`);
    assert.ok(receipt.clean, `${where}: the receipt of ${receipt.session} is not clean`);
  }
  for (const one of world.people) {
    assert.equal(one.openPeers, 0, `${where}: ${one.identity} has a connection open`);
    assert.ok(!one.devices.live("audio") && !one.devices.live("video"), `${where}: ${one.identity}'s device is on`);
  }
  assert.equal(world.plane.open, 0, `${where}: a connection is open`);
}
