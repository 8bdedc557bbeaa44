import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import { type AllocationRequest, allocateBitrate, type Pausing } from "@lodeline/rtp";

const SIMULCAST = [
  { bitrateBps: 150_000, value: 320 * 180 },
  { bitrateBps: 500_000, value: 640 * 360 },
  { bitrateBps: 1_500_000, value: 1280 * 720 },
];

function video(id: string, more: Partial<AllocationRequest> = {}): AllocationRequest {
  return { id, kind: "video", steps: SIMULCAST, priority: 1, shownPixels: 1, current: -1, elastic: false, ...more };
}

function audio(id: string, bitrateBps = 40_000): AllocationRequest {
  return video(id, { kind: "audio", steps: [{ bitrateBps, value: 1 }] });
}

function steps(availableBps: number, requests: readonly AllocationRequest[], pausing: Pausing = "anybody") {
  const granted = allocateBitrate(availableBps, requests, pausing);
  return Object.fromEntries([...granted].map(([id, { step }]) => [id, step]));
}

describe("the allocation of a receiver's bitrate", () => {
  it("[ALLOC1] sound comes first, then the lowest layer of each, then upgrades", () => {
    const requests = [video("a"), video("b"), audio("s")];
    assert.deepEqual(steps(Infinity, requests), { s: 0, a: 2, b: 2 });
    assert.deepEqual(steps(400_000, requests), { s: 0, a: 0, b: 0 });
    assert.deepEqual(steps(1_000_000, requests), { s: 0, a: 1, b: 0 }, "a second upgrade would not fit");
    assert.deepEqual(steps(10_000, requests), { s: 0, a: -1, b: -1 }, "sound even where there is not enough");
  });

  it("[ALLOC2] whoever has the higher priority is served first and upgraded first; then whoever is shown larger", () => {
    const small = { steps: SIMULCAST.slice(0, 2) };
    assert.deepEqual(steps(230_000, [video("a"), video("b", { priority: 2 })]), { b: 0, a: -1 });
    assert.deepEqual(steps(230_000, [video("a"), video("b", { shownPixels: 9 })]), { b: 0, a: -1 });
    assert.deepEqual(steps(850_000, [video("a", small), video("b", { ...small, priority: 2 })]), { b: 1, a: 0 });
  });

  it("[ALLOC3] what cannot have its lowest layer is paused, and says why", () => {
    const granted = allocateBitrate(160_000, [audio("s"), video("a", { steps: [{ bitrateBps: 500_000, value: 1 }] })]);
    assert.equal(granted.get("a")?.paused, "paused: 120 kbit/s of 500 are left");
    assert.equal(granted.get("a")?.bitrateBps, 0);
    assert.equal(granted.get("s")?.paused, undefined);
    assert.deepEqual(steps(160_000, [audio("s"), video("a")], "nobody"), { s: 0, a: 0 }, "not by an assumption");
  });

  it("[ALLOC7] who plays keeps its lowest layer while a limit is not sure; who waits goes on waiting", () => {
    const requests = [audio("s"), video("plays", { current: 2 }), video("waits")];
    assert.deepEqual(steps(60_000, requests, "waiting"), { s: 0, plays: 0, waits: -1 });
    assert.deepEqual(steps(60_000, requests, "anybody"), { s: 0, plays: -1, waits: -1 });
  });

  it("[ALLOC4] what one has is kept where it fits; more needs a margin", () => {
    assert.deepEqual(steps(505_000, [video("a", { current: 1 })]), { a: 1 });
    assert.deepEqual(steps(505_000, [video("a", { current: 0 })]), { a: 0 });
    assert.deepEqual(steps(580_000, [video("a", { current: 0 })]), { a: 1 });
    assert.deepEqual(steps(155_000, [video("a", { current: 0 })]), { a: 0 });
    assert.deepEqual(steps(155_000, [video("a", { current: -1 })]), { a: -1 });
  });

  it("[ALLOC5] a sender that follows a bound gets exactly what is left, up to what it can use", () => {
    const ladder = [100_000, 300_000, 900_000, 2_500_000].map((bitrateBps) => ({ bitrateBps, value: bitrateBps }));
    const elastic = video("a", { steps: ladder, elastic: true });
    const rate = (availableBps: number, ...more: AllocationRequest[]) =>
      Math.round(allocateBitrate(availableBps, [elastic, ...more]).get("a")?.bitrateBps ?? 0);
    assert.equal(rate(450_000, audio("s")), 410_000);
    assert.equal(rate(9_000_000, audio("s")), 2_500_000);
    assert.equal(rate(800_000, video("b", { steps: ladder, elastic: true })), 400_000);
  });

  it("[ALLOC6] never gives more than there is, whatever is asked", () => {
    const random = seededRandom(5);
    for (let round = 0; round < 2000; round++) {
      const requests = Array.from({ length: integer(random, 12) }, (_, i) => {
        let bitrateBps = 0;
        const all = Array.from({ length: integer(random, 4) }, () => {
          bitrateBps += 1 + integer(random, 900_000);
          return { bitrateBps, value: integer(random, 1_000_000) };
        });
        const base = { steps: all, priority: integer(random, 3), shownPixels: integer(random, 10) };
        return video(String(i), { ...base, current: integer(random, 5) - 1, elastic: integer(random, 3) === 0 });
      });
      const availableBps = integer(random, 5_000_000);
      const granted = allocateBitrate(availableBps, requests);
      const sum = [...granted.values()].reduce((all, { bitrateBps }) => all + bitrateBps, 0);
      assert.ok(sum <= availableBps + 1, `${sum} of ${availableBps} in round ${round}`);
      assert.equal(granted.size, requests.length);
    }
  });
});
