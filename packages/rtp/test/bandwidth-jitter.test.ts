import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BandwidthRig, type Busy } from "./bandwidth-rig.ts";

/** What a server sends of cameras with three layers: whatever fits the estimate, in steps. */
function layered(rateBps: number) {
  const layers = [0.1, 0.3, 1].map((share) => share * rateBps);
  return (targetBps: number) => layers.findLast((layer) => layer <= targetBps) ?? 0;
}

/** Ten seconds of trouble in the middle of a call over a path that carries anything. */
function troubled(seed: number, rateBps: number, conditions: { jitterMs: number; reorder: number }, busy?: Busy) {
  const options = { encode: layered(rateBps), wantedBps: 1.15 * rateBps };
  const rig = new BandwidthRig(seed, {}, [busy === undefined ? options : { ...options, busy }]);
  rig.run(6000);
  Object.assign(rig.link.conditions, conditions);
  rig.run(10_000);
  Object.assign(rig.link.conditions, { jitterMs: 0, reorder: 0 });
  rig.run(4000);
  return rig.only;
}

/** The least that was ever allowed since the trouble began. */
function leastTarget(sender: ReturnType<typeof troubled>): number {
  return Math.min(...sender.targets.filter(({ at }) => at >= 6000).map(({ bps }) => bps));
}

const RATES = [300_000, 1_000_000, 4_000_000];

describe("jitter in the middle of a call", () => {
  for (const rateBps of RATES) {
    it(`[BWE10] takes no layer away at ${rateBps / 1000} kbit/s, reordered or not`, () => {
      for (const jitterMs of [10, 25, 40]) {
        for (const reorder of [0, 0.02, 0.05]) {
          const least = leastTarget(troubled(jitterMs, rateBps, { jitterMs, reorder }));
          assert.ok(least >= rateBps, `${least} with ${jitterMs} ms and ${reorder}`);
        }
      }
    });

    it(`[BWE10] of 80 ms does not take more than 30 % away at ${rateBps / 1000} kbit/s`, () => {
      for (const seed of [1, 2, 3]) {
        const least = leastTarget(troubled(seed, rateBps, { jitterMs: 80, reorder: 0.02 }));
        assert.ok(least >= 0.7 * rateBps, `${least} with seed ${seed}`);
      }
    });
  }

  for (const who of ["receiver", "sender"] as const) {
    it(`[BWE10] nor does a ${who} that is busy for 100 ms now and then, with jitter and without`, () => {
      for (const rateBps of RATES) {
        for (const jitterMs of [0, 40]) {
          const busy = { who, everyMs: 1000, forMs: 100 };
          const least = leastTarget(troubled(2, rateBps, { jitterMs, reorder: 0.02 }, busy));
          assert.ok(least >= rateBps, `${least} of ${rateBps} with ${jitterMs} ms`);
        }
      }
    });
  }

  it("[BWE11] a queue that came once and went is forgotten within 1.5 s", () => {
    const rateBps = 1_000_000;
    const rig = new BandwidthRig(1, {}, [{ encode: layered(rateBps), wantedBps: 1.15 * rateBps }]);
    rig.run(6000);
    const before = rig.only.estimator.targetBps;
    rig.link.conditions.rateBps = 0.85 * rateBps;
    while (rig.only.estimator.targetBps >= 0.9 * before && rig.now < 10_000) rig.run(5);
    assert.ok(rig.only.estimator.targetBps < 0.9 * before, "it was answered");
    rig.link.conditions.rateBps = Infinity;
    rig.run(1500);
    assert.ok(rig.only.estimator.targetBps >= 0.93 * before, `${rig.only.estimator.targetBps} of ${before}`);
  });
});
