import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock, type TimePlatform } from "@lodeline/base";

/** A platform whose timers a test fires by hand, `earlyMs` before their time. */
class HandPlatform implements TimePlatform {
  time = 0;
  earlyMs = 0;
  readonly timers = new Map<number, { fn: () => void; at: number; delayMs: number }>();
  #next = 1;

  now() {
    return this.time;
  }
  wall() {
    return 1_700_000_000_000 + this.time;
  }
  setTimer(fn: () => void, delayMs: number) {
    this.timers.set(this.#next, { fn, at: this.time + delayMs, delayMs });
    return this.#next++;
  }
  clearTimer(handle: unknown) {
    this.timers.delete(handle as number);
  }
  advance(ms: number) {
    const until = this.time + ms;
    for (;;) {
      const [handle, due] = [...this.timers].sort(([, a], [, b]) => a.at - b.at)[0] ?? [];
      if (handle === undefined || due === undefined || due.at - this.earlyMs > until) break;
      this.time = Math.max(this.time, due.at - this.earlyMs);
      this.timers.delete(handle);
      due.fn();
    }
    this.time = until;
  }
}

describe("systemClock", () => {
  it("[BASE1] fires once, at its time", () => {
    const platform = new HandPlatform();
    const clock = systemClock(platform);
    const fired: number[] = [];
    clock.at(10.4, () => fired.push(clock.now()));
    platform.advance(10);
    assert.deepEqual(fired, []);
    platform.advance(1000);
    assert.deepEqual(fired, [11]);
    assert.equal(platform.timers.size, 0);
    assert.equal(clock.wall(), 1_700_000_001_010);
  });

  it("[BASE1] waits on when the platform's timer is early", () => {
    const platform = new HandPlatform();
    platform.earlyMs = 0.6;
    const clock = systemClock(platform);
    const fired: number[] = [];
    clock.at(10, () => fired.push(clock.now()));
    platform.advance(100);
    assert.equal(fired.length, 1);
    assert.ok((fired[0] ?? 0) >= 10, `${fired}`);
  });

  it("[BASE2] never fires inside at", () => {
    const platform = new HandPlatform();
    platform.time = 50;
    const clock = systemClock(platform);
    let fired = 0;
    clock.at(10, () => fired++);
    assert.equal(fired, 0);
    platform.advance(0);
    assert.equal(fired, 1);
  });

  it("[BASE3] waits fifty days when it is told to", () => {
    const platform = new HandPlatform();
    const clock = systemClock(platform);
    const farMs = 50 * 24 * 3600 * 1000;
    let fired = 0;
    clock.at(farMs, () => fired++);
    assert.ok([...platform.timers.values()].every(({ delayMs }) => delayMs <= 2 ** 31 - 1));
    platform.advance(farMs - 1);
    assert.equal(fired, 0);
    platform.advance(1);
    assert.equal(fired, 1);
  });

  it("[BASE4] never fires a cancelled one, and takes every further cancel", () => {
    const platform = new HandPlatform();
    const clock = systemClock(platform);
    const timer = clock.at(10, () => assert.fail());
    timer.cancel();
    timer.cancel();
    timer[Symbol.dispose]();
    assert.equal(platform.timers.size, 0);
    let fired = 0;
    const other = clock.at(20, () => fired++);
    platform.advance(100);
    other.cancel();
    assert.equal(fired, 1);
  });

  it("[BASE4] a timer may cancel another that is due at the same time", () => {
    const platform = new HandPlatform();
    const clock = systemClock(platform);
    clock.at(10, () => second.cancel());
    const second = clock.at(10, () => assert.fail());
    platform.advance(20);
  });
});
