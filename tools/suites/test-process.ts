import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { EVENTS_FD, type SuiteEvent } from "./events.ts";
import { killTree } from "./kill-tree.ts";

/** What became of one test process. */
export interface ProcessResult {
  readonly events: readonly SuiteEvent[];
  /** Standard output and error together. */
  readonly output: string;
  readonly durationMs: number;
  /** Why the process as a whole counts as failed beside its tests, or `undefined`. */
  readonly trouble: string | undefined;
}

/** How to run one test process. */
export interface ProcessOptions {
  readonly root: string;
  readonly files: readonly string[];
  /** The process is killed after this long. */
  readonly timeoutMs: number;
  /** Only tests whose name matches this regular expression. Default: all. */
  readonly namePattern?: string;
  /** Called for each event as it arrives. */
  readonly onEvent?: (event: SuiteEvent) => void;
}

/** Runs test files in one fresh Node process and collects what it reports. Never throws for a failing test. */
export async function runTestProcess(options: ProcessOptions): Promise<ProcessResult> {
  const started = performance.now();
  const child = spawn(process.execPath, [...nodeArguments(options), "tools/suites/load.ts", ...options.files], {
    cwd: options.root,
    // A runner inside a runner (the tools' own tests) must not make the child report to its parent's parent.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined, NODE_OPTIONS: undefined },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const events: SuiteEvent[] = [];
  const output: Buffer[] = [];
  child.stdout?.on("data", (piece: Buffer) => output.push(piece));
  child.stderr?.on("data", (piece: Buffer) => output.push(piece));
  createInterface({ input: child.stdio[EVENTS_FD] as Readable }).on("line", (line) => {
    const event = JSON.parse(line) as SuiteEvent;
    events.push(event);
    options.onEvent?.(event);
  });
  const stop = passOnSignals(child.pid);
  const { code, timedOut } = await ending(child, options.timeoutMs);
  stop();
  return {
    events,
    output: Buffer.concat(output).toString("utf8"),
    durationMs: performance.now() - started,
    trouble: troubleOf(code, timedOut, events, options),
  };
}

function nodeArguments(options: ProcessOptions): string[] {
  const args = [
    "--conditions=@lodeline/source",
    "--disable-warning=ExperimentalWarning",
    "--enable-source-maps",
    "--expose-gc",
    "--test-reporter=./tools/suites/reporter.ts",
    "--test-reporter-destination=stdout",
  ];
  if (options.namePattern !== undefined) args.push(`--test-name-pattern=${options.namePattern}`);
  return args;
}

async function ending(
  child: ReturnType<typeof spawn>,
  timeoutMs: number,
): Promise<{ code: number | null; timedOut: boolean }> {
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    void killTree(child.pid);
  }, timeoutMs);
  const code = await new Promise<number | null>((resolve) => {
    child.once("error", () => resolve(127));
    child.once("exit", (exitCode) => {
      // "close" waits for every holder of the pipes; a grandchild left behind would hold them for ever.
      const patience = setTimeout(() => resolve(exitCode), 1000);
      child.once("close", () => {
        clearTimeout(patience);
        resolve(exitCode);
      });
    });
  });
  clearTimeout(timer);
  child.stdout?.destroy();
  child.stderr?.destroy();
  return { code, timedOut };
}

/** Every test process that runs now: a signal ends them all, and then this one. */
const running = new Set<number>();

function endAll(): void {
  void Promise.all([...running].map((pid) => killTree(pid))).then(() => process.exit(130));
}

function passOnSignals(pid: number | undefined): () => void {
  if (pid === undefined) return () => {};
  if (running.size === 0) {
    process.once("SIGINT", endAll);
    process.once("SIGTERM", endAll);
  }
  running.add(pid);
  return () => {
    running.delete(pid);
    if (running.size > 0) return;
    process.off("SIGINT", endAll);
    process.off("SIGTERM", endAll);
  };
}

function troubleOf(
  code: number | null,
  timedOut: boolean,
  events: readonly SuiteEvent[],
  options: ProcessOptions,
): string | undefined {
  if (timedOut) return `killed after ${options.timeoutMs / 1000} s without ending${lastPlace(events)}`;
  const failed = events.some((event) => event.kind === "ended" && event.outcome === "failed");
  if (code === 0 || failed) return undefined;
  const notes = events.flatMap((event) => (event.kind === "note" ? [event.text] : []));
  return [`the process ended with code ${code ?? "none (a signal)"} and no failing test`, ...notes].join("\n");
}

function lastPlace(events: readonly SuiteEvent[]): string {
  const last = events.findLast((event) => event.kind === "started" || event.kind === "loading");
  if (last?.kind === "started") return `; last begun: ${last.file} "${last.name}"`;
  return last?.kind === "loading" ? `; while loading ${last.file}` : "";
}
