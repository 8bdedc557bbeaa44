import { writeSync } from "node:fs";
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";
import { EVENTS_FD, type SuiteEvent } from "./events.ts";

/** The totals `node:test` closes with; the runner counts for itself. */
const SUMMARY = /^(tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) /;

/**
 * A `node:test` reporter that turns test events into {@link SuiteEvent} lines on descriptor 3,
 * so that what tests print themselves cannot be mistaken for results.
 *
 * @param source - The event stream `node:test` hands to its reporters.
 */
export async function* report(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const titles: string[] = [];
  for await (const event of source) {
    if (event.type === "test:dequeue") {
      // Told the moment a test begins; "test:start" waits for its turn in the output and never comes for a hang.
      send({ kind: "started", file: place(event.data.file), name: event.data.name });
    } else if (event.type === "test:start") {
      titles.length = event.data.nesting;
      titles.push(event.data.name);
    } else if (event.type === "test:diagnostic" && !SUMMARY.test(event.data.message)) {
      send({ kind: "note", text: event.data.message });
    } else if (event.type === "test:pass" || event.type === "test:fail") {
      titles.length = event.data.nesting;
      titles.push(event.data.name);
      const ended = ending(event, [...titles]);
      if (ended !== undefined) send(ended);
    }
  }
  yield "";
}

export default report;

function ending(
  event: Extract<TestEvent, { type: "test:pass" | "test:fail" }>,
  path: string[],
): SuiteEvent | undefined {
  const { data } = event;
  const failed = event.type === "test:fail" && data.todo === undefined;
  const error = failed ? (data.details as { error?: Error }).error : undefined;
  // A group fails because a test in it failed, and that one is counted already; a group whose own
  // hook failed is counted, or the failure would be lost.
  const code = (error as { failureType?: string } | undefined)?.failureType;
  if (data.details.type === "suite" && (!failed || code === "subtestsFailed")) return undefined;
  if (failed && code === "subtestsFailed") return undefined;
  const put = data.skip !== undefined || data.todo !== undefined;
  return {
    kind: "ended",
    file: place(data.file),
    path,
    outcome: failed ? "failed" : put ? "skipped" : "passed",
    durationMs: data.details.duration_ms,
    error: error === undefined ? "" : describe(error),
  };
}

function describe(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  return withoutNodeFrames(inspect(cause, { depth: 4, colors: false }));
}

/** Drops stack lines inside Node; the brace that opens the error's own fields may hang on the last of them. */
function withoutNodeFrames(text: string): string {
  return text.replace(/(\n +at [^\n]*\bnode:[^\n]*?)+( \{)?(?=\n|$)/g, (_frames, _last, brace) => brace ?? "");
}

function place(file: string | undefined): string {
  return file === undefined ? "" : relative(process.cwd(), file.replace(/^file:\/\//, ""));
}

function send(event: SuiteEvent): void {
  writeSync(EVENTS_FD, `${JSON.stringify(event)}\n`);
}
