import { globSync } from "node:fs";
import { basename } from "node:path";
import type { SuiteEvent } from "./events.ts";
import { inLanes } from "./in-lanes.ts";
import type { Suite } from "./suites.ts";
import { addTallies, EMPTY_TALLY, oneFailure, type Tally, tallyOf } from "./tally.ts";
import { type ProcessOptions, runTestProcess } from "./test-process.ts";

/** Which part of a suite to run. */
export interface Selection {
  /** Only files whose path contains one of these. Empty: all. */
  readonly paths: readonly string[];
  /** Only tests whose title matches this regular expression. */
  readonly namePattern?: string;
  /** Overrides the suite's own time limit. */
  readonly timeoutMs?: number;
}

/** The files of a suite that a selection leaves, sorted, relative to `root`. */
export function filesOf(root: string, suite: Suite, selection: Selection): string[] {
  const all = globSync([...suite.files], { cwd: root, exclude: (name) => basename(name) === "node_modules" });
  const wanted = selection.paths.map((path) => path.replace(/^\.\//, ""));
  return all.filter((file) => wanted.length === 0 || wanted.some((path) => file.includes(path))).sort();
}

/**
 * Runs one suite, printing what happens as it happens. A suite that has no files at all is a failure; a selection that
 * leaves none gives an empty tally.
 */
export async function runSuite(root: string, suite: Suite, selection: Selection): Promise<Tally> {
  const files = filesOf(root, suite, selection);
  if (files.length === 0) {
    return selection.paths.length > 0
      ? EMPTY_TALLY
      : oneFailure(suite.name, "no test files", `none at ${suite.files.join(", ")}`);
  }
  const missing = (suite.needs ?? []).filter((name) => process.env[name] === undefined);
  if (missing.length > 0) {
    console.log(`\n${suite.name}: cannot run, ${missing.join(" and ")} not set`);
    return oneFailure(
      suite.name,
      "cannot run",
      `${missing.join(" and ")} not set: a browser is missing. ${files.length} files were not run.`,
    );
  }
  console.log(`\n${suite.name}: ${files.length} ${files.length === 1 ? "file" : "files"}`);
  const groups = suite.isolation === "together" ? dealt(files, suite.processes ?? 1) : inOrder(suite, files);
  const mayShare = ([file = ""]: readonly string[]) => suite.isolation === "together" || isBeside(suite, file);
  const tallies = await inLanes(groups, mayShare, (group) => runGroup(root, suite, group, selection));
  return tallies.reduce(addTallies, EMPTY_TALLY);
}

function isBeside({ beside = [] }: Suite, file: string): boolean {
  return beside === "all" || beside.includes(file);
}

function inOrder({ beside = [] }: Suite, files: readonly string[]): string[][] {
  const first = beside === "all" ? [] : beside.filter((file) => files.includes(file));
  return [...first, ...files.filter((file) => !first.includes(file))].map((file) => [file]);
}

/** Neighbours go to different processes, since files of one package cost alike. */
function dealt(files: readonly string[], processes: number): string[][] {
  const hands = Array.from({ length: processes }, (_, hand) => files.filter((_file, at) => at % processes === hand));
  return hands.filter((hand) => hand.length > 0);
}

async function runGroup(root: string, suite: Suite, files: readonly string[], selection: Selection): Promise<Tally> {
  const label = files.length === 1 ? (files[0] ?? suite.name) : `${files.length} files in one process`;
  const options: ProcessOptions = {
    root,
    files,
    timeoutMs: selection.timeoutMs ?? suite.timeoutMs,
    ...(selection.namePattern === undefined ? {} : { namePattern: selection.namePattern }),
    onEvent: (event) => printProgress(event, suite.isolation === "apart"),
  };
  const result = await runTestProcess(options);
  let tally = tallyOf(suite.name, result.events);
  if (result.trouble !== undefined) {
    const tail = result.output.trim().split("\n").slice(-30).join("\n");
    tally = addTallies(tally, oneFailure(suite.name, label, `${result.trouble}\n${tail}`));
  }
  const counts = `${tally.passed} passed, ${tally.failed} failed${tally.skipped > 0 ? `, ${tally.skipped} skipped` : ""}`;
  console.log(`  ${tally.failed > 0 ? "FAILED" : "ok"}  ${label}: ${counts} (${seconds(result.durationMs)})`);
  if (tally.failed > 0 && result.output.trim() !== "") console.log(indent(result.output.trim()));
  return tally;
}

/** Lines of an error that are printed at once; the whole of it follows at the end. */
const ERROR_LINES = 12;

/**
 * Failing tests are named at once, and why, since a run may be ended before its end; slow suites also name what passed, so
 * that a long run is seen to move.
 */
function printProgress(event: SuiteEvent, verbose: boolean): void {
  if (event.kind !== "ended") return;
  if (event.outcome === "failed") {
    console.log(`  not ok  ${event.path.join(" > ")}`);
    console.log(indent(event.error.split("\n").slice(0, ERROR_LINES).join("\n")));
  } else if (verbose && event.durationMs >= 1000) {
    console.log(`  passed  ${event.path.join(" > ")} (${seconds(event.durationMs)})`);
  }
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

function indent(text: string): string {
  return text.replace(/^/gm, "    | ");
}
