import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { runSchedule } from "@lodeline/testkit";

describe("runSchedule", () => {
  it("[KIT12] is a function of its seed, with a trace or without", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const one = runSchedule(seed, { trace: true });
      assert.deepEqual(one.failures, []);
      assert.ok(one.trace.length > 20);
      assert.deepEqual(runSchedule(seed, { trace: true }), one);
      assert.deepEqual(runSchedule(seed), { ...one, trace: [] });
    }
  });

  it("[KIT13] sees devices that stay on, and receivers that lie", () => {
    const leaking = runSchedule(1, { mutation: "leaking-devices" });
    assert.ok(leaking.failures.some((failure) => failure.includes("device is still on")));
    const lies = Array.from({ length: 40 }, (_, index) =>
      runSchedule(index + 1, { mutation: "lying-receivers", quietMs: 4_000 }),
    );
    assert.ok(lies.some(({ failures }) => failures.some((failure) => failure.includes("nothing arrives in truth"))));
  });
});
