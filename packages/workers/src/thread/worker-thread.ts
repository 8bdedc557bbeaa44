import { webcrypto } from "node:crypto";
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { cryptoRandom } from "@lodeline/base";
import { createLocalEngine } from "../engine/local-engine.ts";
import type { FromEngine, ToEngine } from "../link/frames.ts";
import { messagePort } from "../link/message-port.ts";
import { Announcements, portLogger, serveEngine } from "../link/serve-engine.ts";
import { nodeClock } from "../node-clock.ts";
import type { WorkerOptions } from "./worker-options.ts";

/** Runs one engine until its owner says `close`. */
async function run(parent: MessagePort, { announces, ...options }: WorkerOptions): Promise<void> {
  const port = messagePort<FromEngine, ToEngine>(parent);
  const announcements = new Announcements((frame) => port.post(frame));
  const engine = createLocalEngine({
    ...options,
    clock: nodeClock(),
    random: cryptoRandom((into) => webcrypto.getRandomValues(into)),
    logger: portLogger((frame) => port.post(frame)),
    announce: announces ? announcements.announce : undefined,
  });
  await serveEngine(engine, port, announcements).over;
  port.close();
}

if (parentPort) await run(parentPort, workerData as WorkerOptions);
