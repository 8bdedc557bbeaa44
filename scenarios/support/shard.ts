import { parentPort, workerData } from "node:worker_threads";
import { type Outcome, runSchedule } from "@lodeline/testkit";

/** Which seeds a shard runs: `from`, `from + every`, ... below `to`. */
export interface ShardOrder {
  readonly from: number;
  readonly to: number;
  readonly every: number;
}

/** What a shard found. */
export interface ShardReport {
  readonly runs: number;
  readonly failed: readonly Outcome[];
  /** From the end of the faults to agreement, ms, by kind of schedule. */
  readonly agreedAfterMs: Readonly<Record<Outcome["kind"], readonly number[]>>;
  readonly virtualMs: number;
}

/** So many failures tell enough. */
const ENOUGH_FAILURES = 5;

/** Runs a shard of schedules. */
export function runShard({ from, to, every }: ShardOrder): ShardReport {
  const failed: Outcome[] = [];
  const agreedAfterMs: Record<Outcome["kind"], number[]> = { sfu: [], mesh: [], call: [] };
  let virtualMs = 0;
  let runs = 0;
  for (let seed = from; seed < to && failed.length < ENOUGH_FAILURES; seed += every) {
    const outcome = runSchedule(seed);
    runs += 1;
    virtualMs += outcome.virtualMs;
    if (outcome.failures.length > 0) failed.push(outcome);
    if (outcome.agreedAfterMs !== undefined) agreedAfterMs[outcome.kind].push(outcome.agreedAfterMs);
  }
  return { runs, failed, agreedAfterMs, virtualMs };
}

if (parentPort) {
  // Errors are made by the thousand and none of their stacks is read: a failing seed is replayed with its trace.
  Error.stackTraceLimit = 0;
  parentPort.postMessage(runShard(workerData as ShardOrder));
}
