import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { PersonClock, VirtualClock } from "@lodeline/testkit";

describe("PersonClock", () => {
  it("[KIT14] lets nothing run in a frozen page, and everything at once on the thaw, in order", () => {
    const world = new VirtualClock();
    const page = new PersonClock(world);
    const ran: string[] = [];
    for (const ms of [300, 100, 200]) page.at(ms, () => ran.push(`timer ${ms} at ${page.now()}`));
    page.at(5_000, () => ran.push(`timer 5000 at ${page.now()}`));
    world.advance(150);
    page.freeze(false);
    page.run(() => ran.push("heard"));
    world.advance(850);
    assert.deepEqual(ran, ["timer 100 at 100"]);
    page.thaw(true);
    world.advance(0);
    assert.deepEqual(ran.slice(1), ["timer 200 at 1000", "timer 300 at 1000", "heard"]);
    world.advance(4_000);
    assert.equal(ran.at(-1), "timer 5000 at 5000");
    assert.equal(world.armed, 0);
  });

  it("[KIT14] a clock that stood still goes on where it stood", () => {
    const world = new VirtualClock();
    const page = new PersonClock(world);
    const ran: number[] = [];
    page.at(200, () => ran.push(world.now()));
    world.advance(100);
    page.freeze(true);
    world.advance(10_000);
    assert.equal(page.now(), 100);
    page.thaw(false);
    world.advance(99);
    assert.deepEqual(ran, []);
    world.advance(1);
    assert.deepEqual(ran, [10_200]);
    assert.equal(page.now(), 200);
  });

  it("[KIT14] a cancelled timer never fires, and what waited for a page that is gone is not heard", () => {
    const world = new VirtualClock();
    const page = new PersonClock(world);
    const ran: string[] = [];
    const timer = page.at(100, () => ran.push("timer"));
    page.freeze(false);
    page.run(() => ran.push("heard"));
    timer.cancel();
    page.discard();
    world.advance(1_000);
    assert.deepEqual(ran, []);
    assert.equal(page.frozen, false);
  });
});
