/**
 * `node tools/suites/main.ts <all | checks | unit | scenarios | e2e | tools> [paths] [options]`
 *
 * Runs suites, prints every failure again at the end, and closes with one line `N passed, N failed`.
 */
import { parseArgs } from "node:util";
import { buildStale } from "../build/build.ts";
import { runChecks } from "../check/run-checks.ts";
import { root } from "../root.ts";
import { runSuite, type Selection } from "./run-suite.ts";
import { SUITES } from "./suites.ts";
import { addTallies, closingLine, EMPTY_TALLY, isSuccess, oneFailure, type Tally } from "./tally.ts";

const USAGE = `Usage: npm run <unit | scenarios | e2e | check> -- [paths] [--name=regexp] [--timeout=seconds]
       npm test -- [--without-browsers]`;

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      name: { type: "string", short: "t" },
      timeout: { type: "string" },
      "without-browsers": { type: "boolean" },
    },
  });
  const [which = "", ...paths] = positionals;
  const names = which === "all" ? ["checks", "build", ...SUITES.map((suite) => suite.name)] : [which];
  // Browsers open the built page and servers run from the build.
  if (which === "e2e") names.unshift("build");
  const selection: Selection = {
    paths,
    ...(values.name === undefined ? {} : { namePattern: values.name }),
    ...(values.timeout === undefined ? {} : { timeoutMs: Number(values.timeout) * 1000 }),
  };
  const started = performance.now();
  let total = EMPTY_TALLY;
  for (const name of names) {
    if (name === "e2e" && values["without-browsers"] === true) continue;
    const tally = await runNamed(name, selection);
    if (tally === undefined) {
      console.error(USAGE);
      return 2;
    }
    total = addTallies(total, tally);
  }
  printFailures(total);
  if (total.passed + total.failed === 0) console.log("\nNo test ran: that counts as a failure.");
  console.log(`\n${((performance.now() - started) / 1000).toFixed(1)} s`);
  console.log(closingLine(total));
  return isSuccess(total) ? 0 : 1;
}

async function runNamed(name: string, selection: Selection): Promise<Tally | undefined> {
  if (name === "checks") return runChecks(root, selection.paths);
  if (name === "build") return runBuild();
  const suite = SUITES.find((candidate) => candidate.name === name);
  return suite === undefined ? undefined : runSuite(root, suite, selection);
}

async function runBuild(): Promise<Tally> {
  console.log("\nbuild");
  const failures = await buildStale();
  console.log(failures.length === 0 ? "  ok  built" : "  FAILED");
  // Only a failure counts: a build that worked must not make a run without tests look like a success.
  return failures.length === 0 ? EMPTY_TALLY : oneFailure("build", "build", failures.join("\n\n"));
}

function printFailures(tally: Tally): void {
  if (tally.failures.length === 0) return;
  console.log(`\n--- ${tally.failures.length} failed ---`);
  for (const failure of tally.failures) {
    console.log(`\n[${failure.suite}] ${failure.title}`);
    console.log(failure.detail.replace(/^/gm, "    "));
  }
}

process.exitCode = await main(process.argv.slice(2));
