import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { describe, it } from "node:test";
import { runSchedule, type Schedule } from "@lodeline/testkit";
import { describeFailure, describeResult, runMany } from "./schedules/run-many.ts";

/** `SEED=n` replays one schedule with its trace; `SCHEDULES=n` runs another number of them; `FIRST=n` begins there. */
const { SEED, SCHEDULES = "20000", FIRST } = process.env;

/** A schedule that once failed, as it was: seeds mean other schedules when what draws them changes. */
interface PastFailure {
  readonly what: string;
  /** The commit that mended it. */
  readonly mended: string;
  readonly schedule: Schedule;
}

const pastFailures = JSON.parse(
  readFileSync(new URL("./past-failures.json", import.meta.url), "utf8"),
) as readonly PastFailure[];

describe("convergence", { skip: SEED !== undefined }, () => {
  for (const { what, mended, schedule } of pastFailures) {
    it(`past failure, mended by ${mended}: ${what}`, () => {
      assert.deepEqual(runSchedule(schedule).failures, []);
    });
  }

  it(`${SCHEDULES} seeded schedules, from a fresh seed, end in agreement after 3 virtual seconds of quiet`, {
    timeout: 280_000,
  }, async (t) => {
    // Fresh, so that each run of this test looks at schedules that nobody has seen; printed, so that each can be replayed.
    const first = FIRST === undefined ? randomInt(1, 2 ** 31) : Number(FIRST);
    t.diagnostic(`first seed: ${first}`);
    const threads = Math.max(2, Math.min(8, availableParallelism()));
    const result = await runMany({ first, schedules: Number(SCHEDULES), threads });
    for (const line of describeResult(result)) t.diagnostic(line);
    const failed = result.failed.slice(0, 10).map(describeFailure);
    for (const line of failed) t.diagnostic(line);
    assert.equal(result.failed.length, 0, failed.join("\n"));
    assert.equal(result.counts.runs, Number(SCHEDULES));
  });

  it("the same seed gives the same run, line by line", () => {
    for (const seed of [3, 1175, 3236, 8952, 12410]) {
      const one = runSchedule(seed, { trace: true });
      const again = runSchedule(seed, { trace: true });
      assert.ok(one.trace.length > 50);
      assert.deepEqual(again, one);
      assert.deepEqual(runSchedule(seed), { ...one, trace: [] }, "a trace changes the run");
    }
  });
});

if (SEED !== undefined) {
  it(`SEED=${SEED} replays one schedule with its trace`, () => {
    const outcome = runSchedule(Number(SEED), { trace: true });
    console.log(outcome.trace.join("\n"));
    console.log(`${outcome.kind}: agreed after ${outcome.agreedAfterMs ?? "never"} ms of quiet`);
    assert.deepEqual(outcome.failures, []);
  });
}
