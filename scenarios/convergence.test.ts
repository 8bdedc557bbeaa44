import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { runSchedule } from "@lodeline/testkit";
import type { ShardReport } from "./support/shard.ts";

/** `SEED=n` replays one schedule with its trace; `SCHEDULES=n` runs another number of them; `FIRST=n` begins elsewhere. */
const { SEED, SCHEDULES = "20000", FIRST = "1" } = process.env;

/** Several threads, because each schedule is a world of its own. */
const SHARDS = Math.max(2, Math.min(8, availableParallelism()));

describe("convergence", { skip: SEED !== undefined }, () => {
  it(`${SCHEDULES} seeded schedules end in agreement`, { timeout: 280_000 }, async (t) => {
    const began = performance.now();
    const first = Number(FIRST);
    const to = first + Number(SCHEDULES);
    const orders = Array.from({ length: SHARDS }, (_, index) => ({ from: first + index, to, every: SHARDS }));
    const reports = await Promise.all(orders.map(runInThread));
    const runs = sum(reports.map((report) => report.runs));
    const tookMs = performance.now() - began;
    const virtualH = sum(reports.map((report) => report.virtualMs)) / 3_600_000;
    t.diagnostic(`${runs} schedules, ${virtualH.toFixed(1)} virtual hours, in ${(tookMs / 1000).toFixed(1)} s`);
    for (const kind of ["sfu", "mesh", "call"] as const) t.diagnostic(quantiles(kind, reports));
    const failed = reports.flatMap((report) => report.failed).sort((a, b) => a.seed - b.seed);
    const told = failed.map(({ seed, kind, failures }) => `SEED=${seed} (${kind}): ${failures.join("; ")}`);
    assert.equal(told.length, 0, `replay with its trace by SEED=n:\n${told.join("\n")}`);
    assert.equal(runs, Number(SCHEDULES));
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

function runInThread(order: { from: number; to: number; every: number }): Promise<ShardReport> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./support/shard.ts", import.meta.url), { workerData: order });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}

function quantiles(kind: "sfu" | "mesh" | "call", reports: readonly ShardReport[]): string {
  const all = reports.flatMap((report) => report.agreedAfterMs[kind]).sort((a, b) => a - b);
  const at = (share: number) => all[Math.min(all.length - 1, Math.floor(all.length * share))];
  return `${kind}: ${all.length} runs agreed after the faults within p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, at most ${all.at(-1)} virtual ms`;
}

function sum(values: readonly number[]): number {
  return values.reduce((all, one) => all + one, 0);
}
