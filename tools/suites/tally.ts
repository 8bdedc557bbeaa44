import type { SuiteEvent } from "./events.ts";

/** One thing that went wrong, ready to print. */
export interface Failure {
  readonly suite: string;
  readonly title: string;
  readonly detail: string;
}

/** Counts and failures of one or more suites. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
}

/** Nothing run yet. */
export const EMPTY_TALLY: Tally = { passed: 0, failed: 0, skipped: 0, failures: [] };

/** The sum of two tallies; neither argument changes. */
export function addTallies(a: Tally, b: Tally): Tally {
  return {
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
    failures: [...a.failures, ...b.failures],
  };
}

/** A tally of one failure. */
export function oneFailure(suite: string, title: string, detail: string): Tally {
  return { passed: 0, failed: 1, skipped: 0, failures: [{ suite, title, detail }] };
}

/** Counts the ended tests among a process's events. */
export function tallyOf(suite: string, events: readonly SuiteEvent[]): Tally {
  const ended = events.filter((event) => event.kind === "ended");
  const failed = ended.filter((event) => event.outcome === "failed");
  return {
    passed: ended.filter((event) => event.outcome === "passed").length,
    failed: failed.length,
    skipped: ended.filter((event) => event.outcome === "skipped").length,
    failures: failed.map((event) => ({
      suite,
      title: `${event.file}: ${event.path.join(" > ")}`,
      detail: event.error,
    })),
  };
}

/**
 * The closing line: `N passed, N failed`, and `, N skipped` when something was.
 * Nothing passed and nothing failed is not a success; see {@link isSuccess}.
 */
export function closingLine(tally: Tally): string {
  const skipped = tally.skipped === 0 ? "" : `, ${tally.skipped} skipped`;
  return `${tally.passed} passed, ${tally.failed} failed${skipped}`;
}

/** Whether the run may end with code 0: something passed and nothing failed. */
export function isSuccess(tally: Tally): boolean {
  return tally.failed === 0 && tally.passed > 0;
}
