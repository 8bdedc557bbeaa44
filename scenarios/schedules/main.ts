/**
 * `npm run schedules -- 200000 [--seed n] [--threads n]` runs seeded schedules and prints what they came to;
 * `--replay n` runs the one of a seed with its trace; `--show n` prints it as data, for `past-failures.json`.
 */
import { randomInt } from "node:crypto";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { drawSchedule, runSchedule } from "@lodeline/testkit";
import { describeFailure, describeResult, runMany } from "./run-many.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string" },
    threads: { type: "string" },
    replay: { type: "string" },
    show: { type: "string" },
  },
});

if (values.show !== undefined) console.log(JSON.stringify(drawSchedule(Number(values.show))));
else if (values.replay !== undefined) replay(Number(values.replay));
else await many();

function replay(seed: number): void {
  const outcome = runSchedule(seed, { trace: true });
  console.log(outcome.trace.join("\n"));
  console.log(`${outcome.kind}: agreed after ${outcome.agreedAfterMs ?? "never"} ms of quiet`);
  for (const failure of outcome.failures) console.log(`FAILED ${failure}`);
  process.exitCode = outcome.failures.length > 0 ? 1 : 0;
}

async function many(): Promise<void> {
  const schedules = Number(positionals[0] ?? 20_000);
  const first = values.seed === undefined ? randomInt(1, 2 ** 31) : Number(values.seed);
  const threads = Number(values.threads ?? Math.max(1, availableParallelism()));
  console.log(`${schedules} schedules from seed ${first} on, in ${threads} threads`);
  let told = performance.now();
  let failures = 0;
  const result = await runMany({
    first,
    schedules,
    threads,
    progress: (runs, failed) => {
      // As they come: a long run that is cut short has then told of them too.
      for (const outcome of failed) console.log(describeFailure(outcome));
      failures += failed.length;
      if (performance.now() - told < 10_000) return;
      told = performance.now();
      console.log(`  ${runs} run, ${failures} failed`);
    },
  });
  for (const line of describeResult(result)) console.log(line);
  process.exitCode = result.failed.length > 0 || result.counts.runs !== schedules ? 1 : 0;
}
