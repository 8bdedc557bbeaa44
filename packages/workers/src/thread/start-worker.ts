import { Worker } from "node:worker_threads";
import type { FromEngine, ToEngine } from "../link/frames.ts";
import { workerPort } from "../link/message-port.ts";
import { RemoteEngine, type RemoteEngineOptions } from "../link/remote-engine.ts";
import type { WorkerOptions } from "./worker-options.ts";

/** An engine in a thread of its own. */
export class WorkerEngine extends RemoteEngine {
  readonly #worker: Worker;

  constructor(worker: Worker, options: Omit<RemoteEngineOptions, "port">) {
    super({ ...options, port: workerPort<ToEngine, FromEngine>(worker) });
    this.#worker = worker;
  }

  /** Ends the thread at once, whatever it does. */
  override lose(why: string): void {
    super.lose(why);
    void this.#worker.terminate();
  }

  /** As a crash: the thread is gone, and this side finds out as it would of any death. For tests and faults. */
  kill(): void {
    void this.#worker.terminate();
  }

  override async close(): Promise<void> {
    try {
      await super.close();
    } finally {
      await this.#worker.terminate();
    }
  }
}

/**
 * Starts a worker thread with an engine of its own, and so with media sockets of its own.
 *
 * @returns The caller's to close.
 */
export function startWorker(worker: WorkerOptions, options: Omit<RemoteEngineOptions, "port">): WorkerEngine {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const url = new URL(`./worker-thread.${extension}`, import.meta.url);
  return new WorkerEngine(new Worker(url, { workerData: worker, name: "lodeline media" }), options);
}
