import type { MessagePort, Worker } from "node:worker_threads";
import type { FramePort } from "./frames.ts";

/** A MessagePort as a {@link FramePort}: frames are cloned, not written. */
export function messagePort<Out, In>(port: MessagePort): FramePort<Out, In> {
  return {
    post: (frame) => port.postMessage(frame),
    listen: ({ frame, closed }) => {
      port.on("message", frame);
      port.once("close", () => closed("the other end of the port is closed"));
    },
    close: () => {
      port.removeAllListeners();
      port.close();
    },
  };
}

/** A worker thread as a {@link FramePort}. Its death, however it comes, is the port's end. */
export function workerPort<Out, In>(worker: Worker): FramePort<Out, In> {
  return {
    post: (frame) => worker.postMessage(frame),
    listen: ({ frame, closed }) => {
      let why: string | undefined;
      worker.on("message", frame);
      worker.on("error", (error) => (why ??= `uncaught: ${String(error)}`));
      worker.once("exit", (code) => closed(why ?? `the thread ended with code ${code}`));
    },
    close: () => {
      worker.removeAllListeners();
      // What is thrown while it goes down is nobody's any more, and must not become uncaught here.
      worker.on("error", () => {});
    },
  };
}
