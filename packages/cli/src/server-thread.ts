import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { toLodelineError } from "@lodeline/base";
import { createLogger, createServer } from "@lodeline/server";
import type { FromServer, ServerRequest, ToServer } from "./server-request.ts";

/** Runs one server, from `workerData` to the message `close`. */
async function run(port: MessagePort, { options, logLevel, faults = [] }: ServerRequest): Promise<void> {
  const say = (message: FromServer) => port.postMessage(message);
  try {
    const kill = (downMs: number) => say({ kind: "kill", downMs });
    const server = await createServer({ ...options, kill, logger: createLogger({ level: logLevel }) });
    for (const fault of faults) server.faults?.start(fault);
    port.on("message", ({ timeoutMs, keep }: ToServer) => {
      const onProgress = (what: string) => say({ kind: "closing", what });
      void server.close({ timeoutMs, keep, onProgress }).then((report) => {
        say({ kind: "closed", ...report });
        port.close();
      });
    });
    say({ kind: "ready", url: server.url });
  } catch (thrown) {
    const { code, detail } = toLodelineError(thrown);
    // A fault nobody foresaw is shown whole: there is no server whose log could hold it.
    if (code === "server/internal") throw thrown;
    say({ kind: "refused", code, detail });
  }
}

if (parentPort) await run(parentPort, workerData as ServerRequest);
