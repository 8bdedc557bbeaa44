import { Worker } from "node:worker_threads";
import { isErrorCode, LodelineError } from "@lodeline/base";
import { EXIT } from "./exit-codes.ts";
import type { FromServer, ServerRequest, ToServer } from "./server-request.ts";
import { KEEP_SIGNAL, watchSignals } from "./signals.ts";

/** How long a server may take to end after the first signal. */
const CLOSE_TIMEOUT_MS = 3_000;
/** What the server itself is given of it, so that it can still say what hung before the watchdog bites. */
const SERVER_SHARE_MS = 2_700;

/** How `runServer` talks to whoever started it. */
export interface RunServerOptions {
  readonly request: ServerRequest;
  /** Called once when the server listens. */
  onReady(url: string): void;
  /** Prints one line for a person. */
  say(line: string): void;
}

/**
 * Runs a server until a signal ends it.
 *
 * The server has a thread of its own, and this one only listens for signals and keeps the watchdog: a server that hangs,
 * even in a loop that never yields, cannot keep the process from ending.
 *
 * @returns The exit code.
 * @throws LodelineError when the server refuses to start.
 */
export function runServer(options: RunServerOptions): Promise<number> {
  const { request, say } = options;
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const threadUrl = new URL(`./server-thread.${extension}`, import.meta.url);
  return new Promise<number>((resolve, reject) => {
    let worker: Worker | undefined;
    let url: string | undefined;
    let revival: NodeJS.Timeout | undefined;
    let watchdog: NodeJS.Timeout | undefined;
    let waitingFor = "the server's thread";
    let finished = false;
    // The thread's own `exit` follows every other end: only the first word counts.
    const finish = (settle: () => void) => {
      if (finished) return;
      finished = true;
      clearTimeout(watchdog);
      clearTimeout(revival);
      signals[Symbol.dispose]();
      void Promise.resolve(worker?.terminate()).then(settle);
    };
    const forced = () => {
      say(`Forced to end after ${CLOSE_TIMEOUT_MS / 1000} s. Still hanging: ${waitingFor}.`);
      // Not `finish`: a thread that hangs in native code would keep `terminate` waiting as well.
      process.exit(EXIT.failed);
    };
    const signals = watchSignals({
      first: (signal) => {
        if (!worker) return finish(() => resolve(EXIT.ok));
        watchdog = setTimeout(forced, CLOSE_TIMEOUT_MS);
        const keep = signal === KEEP_SIGNAL;
        worker.postMessage({ kind: "close", timeoutMs: SERVER_SHARE_MS, keep } satisfies ToServer);
      },
      second: (signal) => process.exit(signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated),
    });
    const heard = (message: FromServer) => {
      switch (message.kind) {
        case "ready":
          if (url === undefined) options.onReady(message.url);
          else say("The server is back.");
          url = message.url;
          return;
        case "closing":
          waitingFor = message.what;
          return;
        case "closed":
          if (message.hung.length > 0) say(`Closed, but not everything ended by itself: ${message.hung.join("; ")}.`);
          return finish(() => resolve(message.hung.length > 0 ? EXIT.failed : EXIT.ok));
        case "refused":
          return finish(() => reject(refusalOf(message)));
        case "kill":
          return kill(message.downMs);
      }
    };
    const start = (workerData: ServerRequest) => {
      const thread = new Worker(threadUrl, { workerData });
      worker = thread;
      thread.on("message", heard);
      thread.on("error", (error) => finish(() => reject(error)));
      thread.on("exit", () => {
        if (worker === thread) finish(() => resolve(EXIT.failed));
      });
    };
    const kill = (downMs: number) => {
      const killed = worker;
      worker = undefined;
      say("The server was killed on purpose.");
      void killed?.terminate().then(() => {
        revival = setTimeout(() => start(onPortOf(request, url)), downMs);
      });
    };
    start(request);
  });
}

/** The same server again: on the port that the first one was given, and without the faults it was started with. */
function onPortOf(request: ServerRequest, url: string | undefined): ServerRequest {
  const port = url === undefined ? request.options.port : Number(new URL(url).port);
  return { ...request, options: { ...request.options, port }, faults: [] };
}

function refusalOf({ code, detail }: Extract<FromServer, { kind: "refused" }>): LodelineError {
  return new LodelineError(isErrorCode(code) ? code : "config/invalid", { detail });
}
