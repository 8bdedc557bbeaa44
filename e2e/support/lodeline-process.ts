import { type ChildProcess, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = join(dirname(fileURLToPath(import.meta.url)), "../../packages/cli/src/main.ts");
/** A server starts in 3 s of one core's time; beside several pages with media on two cores that can be long. */
const PATIENCE_MS = 60_000;

/** How a process ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A real `lodeline` command in a process of its own, run from the sources. Disposing of it kills it. */
export class LodelineProcess implements Disposable {
  /** Settles when the process has ended and said all. */
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #out = "";
  #err = "";
  #over = false;
  #waiting: (() => void)[] = [];

  /**
   * @param args - As after `lodeline`.
   * @param options.environment - Added to this process's own; LODELINE_KEY is never inherited.
   * @param options.preload - A module that the process, and its threads, load first.
   */
  constructor(args: readonly string[], options: { environment?: NodeJS.ProcessEnv; preload?: string } = {}) {
    const { environment = {}, preload } = options;
    const flags = ["--conditions=@lodeline/source", ...(preload === undefined ? [] : [`--import=${preload}`])];
    this.#child = spawn(process.execPath, [...flags, MAIN, ...args], {
      env: { ...process.env, LODELINE_KEY: undefined, NODE_TEST_CONTEXT: undefined, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.on("data", (piece) => this.#heard(() => (this.#out += piece)));
    this.#child.stderr?.on("data", (piece) => this.#heard(() => (this.#err += piece)));
    this.ended = new Promise((resolve) => {
      this.#child.on("close", (code, signal) => {
        this.#heard(() => (this.#over = true));
        resolve({ code, signal });
      });
    });
  }

  /** The process, for whoever measures it. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** What it has written to standard output. */
  get out(): string {
    return this.#out;
  }

  /** What it has written to standard error. */
  get err(): string {
    return this.#err;
  }

  /** The first match in standard output, heard already or yet to come. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    const giveUpAtMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const match = pattern.exec(this.#out);
      if (match) return match;
      const left = giveUpAtMs - performance.now();
      if (this.#over || left <= 0) throw new Error(`never said ${pattern}; it said ${this.#out}\n${this.#err}`);
      await this.#change(left);
    }
  }

  /** Sends a signal. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  [Symbol.dispose](): void {
    if (!this.#over) this.#child.kill("SIGKILL");
  }

  #heard(change: () => unknown): void {
    change();
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #change(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}
