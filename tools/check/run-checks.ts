import { inLanes } from "../suites/in-lanes.ts";
import { addTallies, EMPTY_TALLY, oneFailure, type Tally } from "../suites/tally.ts";
import { type Check, formatFindings } from "./check.ts";
import { docblocks } from "./docblocks.ts";
import { generatedDocs } from "./generated-docs.ts";
import { layering } from "./layering.ts";
import { links } from "./links.ts";
import { lockfile } from "./lockfile.ts";
import { neutral } from "./neutral.ts";
import { packages } from "./packages.ts";
import { rules } from "./rules.ts";
import { style } from "./style.ts";
import { types } from "./types.ts";

/** Every check, in the order they begin: what takes longest first. */
export const CHECKS: readonly Check[] = [
  types,
  style,
  layering,
  docblocks,
  generatedDocs,
  rules,
  packages,
  lockfile,
  links,
  neutral,
];

/**
 * Runs the checks, two at a time, printing each with its time as it ends.
 *
 * @param only - Names of checks to run; all when empty. A name that no check has is a failure.
 */
export async function runChecks(root: string, only: readonly string[]): Promise<Tally> {
  console.log("\nchecks");
  let total = EMPTY_TALLY;
  for (const name of only.filter((wanted) => !CHECKS.some((check) => check.name === wanted))) {
    total = addTallies(
      total,
      oneFailure("checks", name, `no such check; there are ${CHECKS.map((check) => check.name).join(", ")}`),
    );
  }
  const wanted = CHECKS.filter(({ name }) => only.length === 0 || only.includes(name));
  // The compiler takes as long as all the others together.
  const tallies = await inLanes(
    wanted,
    () => true,
    (check) => runCheck(root, check),
  );
  return tallies.reduce(addTallies, total);
}

async function runCheck(root: string, check: Check): Promise<Tally> {
  const started = performance.now();
  const found = await findings(root, check);
  const time = `${((performance.now() - started) / 1000).toFixed(1)} s`;
  const verdict = found === "" ? "ok" : "FAILED";
  console.log(`  ${verdict}  ${check.name}: ${check.promise} (${time})`);
  return found === "" ? { ...EMPTY_TALLY, passed: 1 } : oneFailure("checks", check.name, found);
}

async function findings(root: string, check: Check): Promise<string> {
  try {
    return formatFindings(await check.run(root));
  } catch (error) {
    return `the check itself broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}
