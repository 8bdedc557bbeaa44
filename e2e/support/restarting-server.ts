import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LodelineProcess } from "./lodeline-process.ts";

/** A real server process that can be killed, and started again on the same port and data. */
export class RestartingServer implements AsyncDisposable {
  readonly url: string;
  /** The data folder. */
  readonly directory: string;
  #process: LodelineProcess;

  private constructor(process: LodelineProcess, url: string, directory: string) {
    this.#process = process;
    this.url = url;
    this.directory = directory;
  }

  static async start(): Promise<RestartingServer> {
    const directory = await mkdtemp(join(tmpdir(), "lodeline-data-"));
    const { process, url } = await launch(directory, "0");
    return new RestartingServer(process, url, directory);
  }

  /** What the present process has written to its log. */
  get log(): string {
    return this.#process.err;
  }

  /** Kills the process without a word, and waits until it is gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Ends the process by a signal. @returns Its exit code. */
  async stop(signal: NodeJS.Signals): Promise<number | null> {
    return await this.#end(signal);
  }

  /** Starts another on the same port and data. @returns When it listened, ms on this process's clock. */
  async start(): Promise<number> {
    const { process } = await launch(this.directory, new URL(this.url).port);
    this.#process = process;
    return performance.now();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end("SIGKILL");
    await rm(this.directory, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    this.#process.signal(signal);
    const { code } = await this.#process.ended;
    return code;
  }
}

async function launch(directory: string, port: string): Promise<{ process: LodelineProcess; url: string }> {
  // Each of more than three is to be heard, whoever speaks.
  const media = ["--media-address", "127.0.0.1", "--speakers", "0"];
  const process = new LodelineProcess(["dev", "--port", port, "--data", directory, "--log-level", "info", ...media]);
  try {
    const [, url = ""] = await process.says(/(http:\/\/127\.0\.0\.1:\d+)/);
    return { process, url };
  } catch (error) {
    // Left alive it would keep the test's own process from ending.
    process[Symbol.dispose]();
    throw error;
  }
}
