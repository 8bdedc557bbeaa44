import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { QUIET_LIMIT_MS, runSchedule, type Schedule } from "@lodeline/testkit";

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
    const lies = Array.from({ length: 40 }, (_, index) => runSchedule(index + 1, { mutation: "lying-receivers" }));
    assert.ok(lies.some(({ failures }) => failures.some((failure) => failure.includes("nothing arrives in truth"))));
  });

  it("[KIT17] begins the quiet after the deadlines that faults set off, and gives it 3 s", () => {
    assert.equal(QUIET_LIMIT_MS, 3_000);
    const open = (who: string) => ({ atMs: 10, action: { do: "open", who, enters: true, asks: "sfu" } }) as const;
    const schedule: Schedule = {
      seed: 1,
      kind: "sfu",
      topology: "sfu",
      people: [
        { host: "anna", options: {} },
        { host: "bert", options: {} },
      ],
      actions: [open("anna"), open("bert"), { atMs: 900, action: { do: "gone", who: "bert", how: "crash" } }],
      healAtMs: 1_000,
    };
    const { failures, waitedFor, agreedAfterMs = Number.NaN } = runSchedule(schedule);
    assert.deepEqual(failures, []);
    assert.equal(waitedFor, "leaseMs");
    assert.ok(agreedAfterMs <= QUIET_LIMIT_MS);
  });
});
