import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chance, VirtualClock } from "@lodeline/testkit";

describe("VirtualClock", () => {
  it("[KIT1] fires by time, and equal times in the order of arming", () => {
    const clock = new VirtualClock();
    const fired: string[] = [];
    for (const [at, name] of [
      [30, "c"],
      [10, "a"],
      [30, "d"],
      [20, "b"],
      [30, "e"],
    ] as const) {
      clock.at(at, () => fired.push(`${name}${clock.now()}`));
    }
    clock.advance(29);
    assert.deepEqual(fired, ["a10", "b20"]);
    assert.equal(clock.now(), 29);
    clock.advance(1);
    assert.deepEqual(fired, ["a10", "b20", "c30", "d30", "e30"]);
  });

  it("[KIT1] keeps the order of a thousand random timers", () => {
    const clock = new VirtualClock();
    const random = chance(7);
    const fired: number[] = [];
    for (let i = 0; i < 1000; i++) clock.at(random.between(0, 500), () => fired.push(clock.now()));
    assert.equal(clock.runUntilIdle(1000), true);
    assert.deepEqual(
      fired,
      [...fired].sort((a, b) => a - b),
    );
    assert.equal(fired.length, 1000);
  });

  it("[KIT2] cancels, counts, and never fires within the call that arms", () => {
    const clock = new VirtualClock();
    clock.advance(100);
    let fired = 0;
    const timer = clock.at(50, () => fired++);
    assert.equal(fired, 0);
    assert.equal(clock.armed, 1);
    clock.at(60, () => fired++).cancel();
    assert.equal(clock.armed, 1);
    clock.advance(0);
    assert.equal(fired, 1);
    timer.cancel();
    assert.equal(clock.armed, 0);
    assert.equal(clock.nextAt, undefined);
  });

  it("[KIT1] stops where it is told to", () => {
    const clock = new VirtualClock();
    let fired = 0;
    const again = () => {
      fired += 1;
      clock.at(clock.now() + 10, again);
    };
    clock.at(10, again);
    assert.equal(clock.runUntilIdle(95), false);
    assert.equal(fired, 9);
    assert.equal(
      clock.runUntil(() => fired === 20, 1000),
      true,
    );
    assert.equal(clock.now(), 200);
  });
});

describe("chance", () => {
  it("[KIT3] repeats itself by seed, and forks are independent", () => {
    const draw = (seed: number, disturb: boolean) => {
      const random = chance(seed);
      const fork = random.fork("network");
      if (disturb) random.u32();
      return [
        fork.u32(),
        fork.between(3, 9),
        fork.pick(["a", "b", "c"]),
        fork.weighted([
          [1, "x"],
          [5, "y"],
        ]),
      ];
    };
    assert.deepEqual(draw(5, false), draw(5, true));
    assert.notDeepEqual(draw(5, false), draw(6, false));
  });

  it("[KIT3] honours weights and probabilities", () => {
    const random = chance(11);
    let heavy = 0;
    let rare = 0;
    for (let i = 0; i < 10_000; i++) {
      if (
        random.weighted([
          [1, "light"],
          [9, "heavy"],
        ]) === "heavy"
      )
        heavy += 1;
      if (random.happens(0.01)) rare += 1;
    }
    assert.ok(heavy > 8800 && heavy < 9200, `heavy ${heavy}`);
    assert.ok(rare > 60 && rare < 140, `rare ${rare}`);
  });
});
