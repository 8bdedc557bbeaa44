import { parentPort, workerData } from "node:worker_threads";
import { type DeadlineName, drawSchedule, type Outcome, runSchedule, type Schedule } from "@lodeline/testkit";

/** Which seeds a shard runs: `from`, `from + every`, ... below `to`. */
export interface ShardOrder {
  readonly from: number;
  readonly to: number;
  readonly every: number;
}

/** What was counted over many schedules. Adds up. */
export interface Counts {
  runs: number;
  virtualMs: number;
  /** Schedules by kind, by number of people, and actions by name. */
  readonly kinds: Record<string, number>;
  readonly sizes: Record<string, number>;
  readonly actions: Record<string, number>;
  /** Schedules in which quiet had to wait for a named deadline, by its name. */
  readonly waits: Partial<Record<DeadlineName, number>>;
  /** From the beginning of quiet to agreement: how many schedules took so many virtual ms. */
  readonly agreedAfterMs: Record<string, number>;
}

/** What a shard says on its way. `counts` is what came since its last word. */
export interface ShardReport {
  readonly counts: Counts;
  readonly failed: readonly Outcome[];
  readonly done: boolean;
}

/** So many schedules between two reports. */
const REPORT_EVERY = 250;

/** Nothing counted yet. */
export function noCounts(): Counts {
  return { runs: 0, virtualMs: 0, kinds: {}, sizes: {}, actions: {}, waits: {}, agreedAfterMs: {} };
}

/** Adds what a schedule came to. */
export function count(counts: Counts, schedule: Schedule, outcome: Outcome): void {
  counts.runs += 1;
  counts.virtualMs += outcome.virtualMs;
  raise(counts.kinds, schedule.kind);
  raise(counts.sizes, String(schedule.people.length));
  for (const { action } of schedule.actions) raise(counts.actions, action.do);
  if (outcome.waitedFor) raise(counts.waits, outcome.waitedFor);
  if (outcome.agreedAfterMs !== undefined) raise(counts.agreedAfterMs, String(Math.round(outcome.agreedAfterMs)));
}

/** Runs a shard of seeds, and reports on the way. Each seed is a world of its own: who runs it makes no difference. */
export function runShard({ from, to, every }: ShardOrder, report: (report: ShardReport) => void): void {
  let counts = noCounts();
  let failed: Outcome[] = [];
  const tell = (done: boolean) => {
    report({ counts, failed, done });
    counts = noCounts();
    failed = [];
  };
  for (let seed = from; seed < to; seed += every) {
    const schedule = drawSchedule(seed);
    const outcome = runSchedule(schedule);
    count(counts, schedule, outcome);
    if (outcome.failures.length > 0) failed.push(outcome);
    if (counts.runs === REPORT_EVERY) tell(false);
  }
  tell(true);
}

function raise(table: Partial<Record<string, number>>, name: string): void {
  table[name] = (table[name] ?? 0) + 1;
}

if (parentPort) {
  const port = parentPort;
  // Errors are made by the thousand and none of their stacks is read: a failing seed is replayed with its trace.
  Error.stackTraceLimit = 0;
  runShard(workerData as ShardOrder, (report) => port.postMessage(report));
}
