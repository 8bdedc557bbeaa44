import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "@lodeline/base";
import { type UdpConditions, UdpLane } from "@lodeline/chaos";

const FINE: UdpConditions = {
  loss: 0,
  delayMs: 0,
  jitterMs: 0,
  reorder: 0,
  duplicate: 0,
  rateBps: Infinity,
  queueBytes: 65_536,
  dead: false,
};

/** The fates of `count` datagrams of 1000 bytes, one each 20 ms. */
function fates(conditions: Partial<UdpConditions>, count = 2000, seed = 5) {
  const lane = new UdpLane({ ...FINE, ...conditions }, seededRandom(seed));
  return Array.from({ length: count }, (_, n) => ({ at: n * 20, fate: lane.decide(1000, n * 20) }));
}

const arrivals = (conditions: Partial<UdpConditions>) =>
  fates(conditions).flatMap(({ fate }) => (typeof fate === "string" ? [] : fate));

describe("a lane of datagrams", () => {
  it("[UDP1] loses and doubles its share, and delays", () => {
    const lost = fates({ loss: 0.1 }).filter(({ fate }) => fate === "lost").length;
    assert.ok(lost > 150 && lost < 250, `${lost} of 2000`);
    const doubled = arrivals({ duplicate: 0.1 }).length - 2000;
    assert.ok(doubled > 150 && doubled < 250, `${doubled} of 2000`);
    assert.ok(fates({ delayMs: 70 }).every(({ at, fate }) => typeof fate !== "string" && fate[0] === at + 70));
    assert.ok(fates({ dead: true }).every(({ fate }) => fate === "dead"));
  });

  it("[UDP1] repeats itself with its seed", () => {
    const all = { loss: 0.1, jitterMs: 30, reorder: 0.1, duplicate: 0.1 };
    assert.deepEqual(fates(all, 300, 8), fates(all, 300, 8));
    assert.notDeepEqual(fates(all, 300, 8), fates(all, 300, 9));
  });

  it("[UDP2] jitter keeps the order, reordering does not", () => {
    const jittered = arrivals({ jitterMs: 100 });
    assert.ok(jittered.every((at, n) => n === 0 || at >= (jittered[n - 1] ?? 0)));
    const reordered = arrivals({ reorder: 0.1 });
    const overtaken = reordered.filter((at, n) => at > (reordered[n + 1] ?? Infinity)).length;
    assert.ok(overtaken > 80, `${overtaken} of 2000`);
  });

  it("[UDP3] a rate of half of what comes lets half of it through, after its queue", () => {
    const through = fates({ rateBps: 200_000, queueBytes: 5000 });
    const late = through.map(({ at, fate }) => (typeof fate === "string" ? 0 : (fate[0] ?? 0) - at));
    assert.ok(Math.max(...late) <= 200 && Math.max(...late) >= 160, `${Math.max(...late)} ms`);
    const overflowed = through.filter(({ fate }) => fate === "overflow").length;
    assert.ok(Math.abs(overflowed - 1000) < 10, `${overflowed} of 2000`);
  });
});
