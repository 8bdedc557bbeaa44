import { isErrorCode, LodelineError } from "@lodeline/base";
import type { NumberedRequest, TransformOptions, WorkerNews, WorkerRequest } from "./worker-messages.ts";

/** What a {@link WorkerPort} hears beside the answers to what was asked. */
export type UnaskedNews = Exclude<WorkerNews, { tell: "done" }>;

/** The page's end of the worker: requests with their answers, and the transforms that run there. */
export class WorkerPort implements Disposable {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, { resolve(): void; reject(error: LodelineError): void }>();
  readonly #address: string | undefined;
  #calls = 0;

  /**
   * Starts the worker.
   *
   * @param script - Its code, or the address of it.
   * @throws LodelineError `encryption/unsupported` where the browser has no encoded transforms, or forbids the worker.
   */
  constructor(script: { readonly code: string } | { readonly url: string | URL }, heard: (news: UnaskedNews) => void) {
    if (!("RTCRtpScriptTransform" in globalThis)) throw new LodelineError("encryption/unsupported");
    this.#address =
      "code" in script ? URL.createObjectURL(new Blob([script.code], { type: "text/javascript" })) : undefined;
    this.#worker = startWorker(this.#address ?? ("url" in script ? script.url : ""));
    this.#worker.onmessage = ({ data }: MessageEvent<WorkerNews>) => {
      if (data.tell === "done") this.#settle(data);
      else heard(data);
    };
    this.#worker.onerror = (event) => this.#fail(event.message);
  }

  /** Asks for something. @throws LodelineError with the worker's code. */
  ask(request: WorkerRequest): Promise<void> {
    this.#calls += 1;
    const call = this.#calls;
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      this.#worker.postMessage({ ...request, call } satisfies NumberedRequest);
    });
  }

  /** Says something whose answer nobody waits for. */
  say(request: WorkerRequest): void {
    void this.ask(request).catch(() => {});
  }

  /** Has every frame of a sender or receiver pass through the worker from now on. */
  transform(end: RTCRtpSender | RTCRtpReceiver, options: TransformOptions): void {
    end.transform = new RTCRtpScriptTransform(this.#worker, options);
  }

  /** Ends the worker. What is asked and not answered fails. */
  [Symbol.dispose](): void {
    this.#worker.terminate();
    this.#fail("The room is over.");
    if (this.#address) URL.revokeObjectURL(this.#address);
  }

  #settle({ call, code, detail }: Extract<WorkerNews, { tell: "done" }>): void {
    const waiting = this.#waiting.get(call);
    this.#waiting.delete(call);
    if (code === undefined) waiting?.resolve();
    else waiting?.reject(new LodelineError(isErrorCode(code) ? code : "encryption/unsupported", { detail }));
  }

  #fail(detail: string): void {
    for (const waiting of this.#waiting.values())
      waiting.reject(new LodelineError("encryption/unsupported", { detail }));
    this.#waiting.clear();
  }
}

function startWorker(address: string | URL): Worker {
  try {
    return new Worker(address);
  } catch (cause) {
    // A content security policy without `worker-src blob:`: see `workerUrl`.
    throw new LodelineError("encryption/unsupported", { detail: "This page does not allow the worker.", cause });
  }
}
