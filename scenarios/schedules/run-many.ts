import { Worker } from "node:worker_threads";
import type { Outcome } from "@lodeline/testkit";
import { type Counts, noCounts, type ShardOrder, type ShardReport } from "./shard.ts";

/** Many schedules to run. */
export interface ManyOptions {
  /** The first seed; the others follow it. */
  readonly first: number;
  readonly schedules: number;
  readonly threads: number;
  /** Told now and then how many have run, and which of them failed since it was told last. */
  readonly progress?: ((runs: number, failed: readonly Outcome[]) => void) | undefined;
}

/** What many schedules came to. */
export interface ManyResult {
  readonly counts: Counts;
  /** Smallest seed first. */
  readonly failed: readonly Outcome[];
  readonly tookMs: number;
}

/** Runs schedules in several threads. What comes of them does not depend on how many there are. */
export async function runMany({ first, schedules, threads, progress }: ManyOptions): Promise<ManyResult> {
  const began = performance.now();
  const counts = noCounts();
  const failed: Outcome[] = [];
  const orders = Array.from({ length: threads }, (_, index) => ({
    from: first + index,
    to: first + schedules,
    every: threads,
  }));
  const heed = (report: ShardReport) => {
    add(counts, report.counts);
    failed.push(...report.failed);
    progress?.(counts.runs, report.failed);
  };
  await Promise.all(orders.map((order) => runInThread(order, heed)));
  failed.sort((a, b) => a.seed - b.seed);
  return { counts, failed, tookMs: performance.now() - began };
}

/** The result in a few lines for people. */
export function describeResult({ counts, failed, tookMs }: ManyResult): string[] {
  const perMinute = Math.round((counts.runs / tookMs) * 60_000);
  const virtualH = (counts.virtualMs / 3_600_000).toFixed(1);
  return [
    `${counts.runs} schedules, ${virtualH} virtual hours, in ${(tookMs / 1000).toFixed(1)} s: ${perMinute} schedules a minute`,
    `topologies and calls: ${table(counts.kinds)}; people: ${table(counts.sizes)}`,
    `what happened: ${table(counts.actions)}`,
    `quiet waited for: ${table(counts.waits)}`,
    `agreement after the beginning of quiet, virtual ms: ${quantiles(counts.agreedAfterMs)}`,
    `failed: ${failed.length}`,
  ];
}

/** A failure, and how to see it again. */
export function describeFailure({ seed, kind, failures }: Outcome): string {
  const shown = failures.slice(0, 4).join("; ");
  return `SEED=${seed} (${kind}): ${shown}\n  npm run schedules -- --replay ${seed}`;
}

function runInThread(order: ShardOrder, heed: (report: ShardReport) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./shard.ts", import.meta.url), { workerData: order });
    worker.on("message", (report: ShardReport) => {
      heed(report);
      if (report.done) resolve();
    });
    worker.once("error", reject);
  });
}

function add(to: Counts, from: Counts): void {
  to.runs += from.runs;
  to.virtualMs += from.virtualMs;
  for (const name of ["kinds", "sizes", "actions", "waits", "agreedAfterMs"] as const) {
    const sums: Partial<Record<string, number>> = to[name];
    for (const [key, value] of Object.entries(from[name])) sums[key] = (sums[key] ?? 0) + (value ?? 0);
  }
}

function table(counts: Partial<Record<string, number>>): string {
  return Object.entries(counts)
    .sort(([, a = 0], [, b = 0]) => b - a)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");
}

function quantiles(counts: Readonly<Record<string, number>>): string {
  const values = Object.entries(counts)
    .map(([ms, times]) => ({ ms: Number(ms), times }))
    .sort((a, b) => a.ms - b.ms);
  const total = values.reduce((sum, { times }) => sum + times, 0);
  const at = (share: number) => {
    let left = Math.min(total - 1, Math.floor(total * share));
    return values.find(({ times }) => {
      left -= times;
      return left < 0;
    })?.ms;
  };
  return `p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, at most ${values.at(-1)?.ms}`;
}
