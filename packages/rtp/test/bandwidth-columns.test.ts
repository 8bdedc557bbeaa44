import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import { LeastDelay } from "../src/bandwidth/least-delay.ts";
import { PacketResults } from "../src/bandwidth/packet-results.ts";

describe("what bandwidth is estimated from, in columns", () => {
  it("a feedback of any length keeps all it told, and the next one begins anew", () => {
    const results = new PacketResults();
    for (const count of [700, 3]) {
      results.clear();
      for (let n = 0; n < count; n++) results.add(n, n % 5 === 0 ? Number.NaN : 1000 + n, 100 + n, n % 3, n % 7 === 0);
      assert.equal(results.count, count);
      for (let n = 0; n < count; n++) {
        assert.equal(results.sentAtMs[n], n);
        assert.deepEqual(results.arrivalMs[n], n % 5 === 0 ? Number.NaN : 1000 + n);
        assert.deepEqual([results.sizes[n], results.probes[n]], [100 + n, n % 3]);
        assert.equal(results.afterAll[n], n % 7 === 0 ? 1 : 0);
        assert.equal(results.held[n], 0);
      }
    }
    assert.equal(results.lastArrivedSentAtMs, 2);
  });

  it("those that a later one overtook are held, and those that come after all; the lost are neither", () => {
    const results = new PacketResults();
    for (const arrivalMs of [10, 25, Number.NaN, 20, 30]) results.add(0, arrivalMs, 1, 0, arrivalMs === 30);
    results.markHeld();
    assert.deepEqual([...results.held.subarray(0, 5)], [0, 1, 0, 0, 1]);
    const lost = new PacketResults();
    lost.add(5, Number.NaN, 1, 0, false);
    assert.equal(lost.lastArrivedSentAtMs, undefined);
  });

  it("the least delay is that of the last packets, whatever came before, over 20,000 of them", () => {
    const random = seededRandom(5);
    const windowMs = 50;
    const least = new LeastDelay(windowMs);
    assert.equal(least.leastMs, 0);
    let seen: { atMs: number; delayMs: number }[] = [];
    let atMs = 0;
    for (let n = 0; n < 20_000; n++) {
      // Now and then nothing comes for longer than the window.
      atMs += n % 997 === 0 ? 80 : integer(random, 3);
      const delayMs = 40 + 30 * Math.sin(n / 60) + integer(random, 10) / 4;
      least.add(atMs, delayMs);
      seen.push({ atMs, delayMs });
      if (n % 1500 === 1499) {
        least.restart();
        seen = seen.slice(-1);
      }
      seen = seen.filter((one) => atMs - one.atMs <= windowMs);
      assert.equal(least.leastMs, Math.min(...seen.map((one) => one.delayMs)), `packet ${n}`);
    }
  });
});
