import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

/** CPU a process used between two readings, and how long it took. */
export interface CpuSpan {
  /** User and system time, all threads, in ms. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

/** A measured process of its own, so that its CPU and memory are nobody else's. Disposing of it ends it. */
export interface Measured<Ready> extends AsyncDisposable {
  /** What the process said when it was ready. */
  readonly ready: Ready;
  readonly pid: number;
  /** Begins a span of measured CPU. */
  start(): Promise<void>;
  /** Ends the span. `extra` is what the process chose to report with it. */
  stop(): Promise<CpuSpan & { readonly extra: Record<string, number> }>;
  /** Asks the process something of the bench's own; settles with its answer. */
  ask(question: object): Promise<Record<string, unknown>>;
  /** Resident memory and heap after a garbage collection, in bytes. */
  memory(): Promise<{ readonly rss: number; readonly heap: number }>;
}

/** Starts `file` (beside this one) as a measured process, with flags for its Node, and waits until it is ready. */
export async function startMeasured<Ready>(
  file: string,
  options: unknown = {},
  flags: readonly string[] = [],
): Promise<Measured<Ready>> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), [JSON.stringify(options)], {
    execArgv: ["--conditions=@lodeline/source", "--expose-gc", ...flags],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${file} ended with code ${String(code)} before it answered`);
  });
  // Nobody may be waiting when it ends, as it does when it is disposed of.
  ended.catch(() => {});
  const answer = async (): Promise<Record<string, unknown>> => {
    const { promise, resolve } = Promise.withResolvers<Record<string, unknown>>();
    child.once("message", (message) => resolve(message as Record<string, unknown>));
    return Promise.race([promise, ended]);
  };
  const ask = (question: object) => {
    const got = answer();
    child.send(question);
    return got;
  };
  const ready = (await answer()) as Ready;
  return {
    ready,
    pid: child.pid ?? 0,
    start: async () => void (await ask({ kind: "start" })),
    stop: async () => (await ask({ kind: "stop" })) as unknown as CpuSpan & { extra: Record<string, number> },
    ask,
    memory: async () => (await ask({ kind: "memory" })) as unknown as { rss: number; heap: number },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return;
      child.kill("SIGKILL");
      await once(child, "exit");
    },
  };
}

/** The measured side: says `ready`, then answers start, stop and memory. Call it once, last. */
export function serveMeasured(ready: unknown, extra: () => Record<string, number> = () => ({})): void {
  let cpu = process.cpuUsage();
  let wall = performance.now();
  process.on("message", (message: { readonly kind: string }) => {
    if (message.kind === "start") {
      cpu = process.cpuUsage();
      wall = performance.now();
      process.send?.({});
    } else if (message.kind === "stop") {
      const used = process.cpuUsage(cpu);
      process.send?.({ cpuMs: (used.user + used.system) / 1000, wallMs: performance.now() - wall, extra: extra() });
    } else if (message.kind === "memory") {
      globalThis.gc?.();
      globalThis.gc?.();
      const memory = process.memoryUsage();
      process.send?.({ rss: memory.rss, heap: memory.heapUsed });
    }
  });
  process.on("disconnect", () => process.exit(0));
  process.send?.(ready);
}

/** The options {@link startMeasured} was given, in the measured process. */
export function measuredOptions<T>(): T {
  return JSON.parse(process.argv[2] ?? "{}") as T;
}
