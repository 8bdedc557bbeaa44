import { type Clock, Emitter, type ListenOptions, LodelineError, type Logger, toLodelineError } from "@lodeline/base";
import type { HostCandidate } from "@lodeline/media";
import { deferred } from "../deferred.ts";
import { withinDeadline } from "../engine/deadlines.ts";
import type { Engine, EngineEvents } from "../engine/engine.ts";
import { type AnswerTo, ENGINE_PROTOCOL_VERSION, type EngineRequest } from "../engine/messages.ts";
import { fromPlainError } from "../engine/plain-error.ts";
import type { FramePort, FromEngine, ToEngine } from "./frames.ts";

/** Requests without an answer, at most; each also has its deadline. */
export const PENDING_LIMIT = 20_000;

/** How long an engine may take to close before it is let go of. */
const CLOSE_MS = 2_500;

/** What a {@link RemoteEngine} needs. */
export interface RemoteEngineOptions {
  readonly port: FramePort<ToEngine, FromEngine>;
  readonly clock: Clock;
  /** Takes the other side's lines. */
  readonly logger: Logger;
  /** As in `MediaEngineOptions`. */
  readonly announce?: ((socket: HostCandidate) => Promise<HostCandidate>) | undefined;
}

interface Waiting {
  resolve(answer: AnswerTo<EngineRequest>): void;
  reject(error: LodelineError): void;
}

/** An engine at the other end of a port. */
export class RemoteEngine implements Engine {
  readonly #options: RemoteEngineOptions;
  readonly #emitter = new Emitter<EngineEvents>();
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended = deferred<void>();
  #nextId = 1;
  #state: "open" | "closing" | "lost" = "open";
  #why = new LodelineError("media/engine-lost");

  constructor(options: RemoteEngineOptions) {
    this.#options = options;
    // Whoever closes it is told.
    this.#ended.promise.catch(() => {});
    options.port.listen({ frame: (frame) => this.#heard(frame), closed: (why, error) => this.#lost(why, error) });
  }

  /** Requests that wait for their answer. */
  get waiting(): number {
    return this.#waiting.size;
  }

  on<Name extends keyof EngineEvents>(
    name: Name,
    listener: (event: EngineEvents[Name]) => void,
    options?: ListenOptions,
  ): Disposable {
    return this.#emitter.on(name, listener, options);
  }

  async ask<Request extends EngineRequest>(request: Request): Promise<AnswerTo<Request>> {
    if (this.#state !== "open") throw this.#why;
    if (this.#waiting.size >= PENDING_LIMIT) throw new LodelineError("media/engine-busy");
    const id = this.#nextId++;
    const answer = new Promise<AnswerTo<EngineRequest>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    try {
      this.#options.port.post({ kind: "ask", id, request });
      return (await withinDeadline(this.#options.clock, request.kind, answer)) as AnswerTo<Request>;
    } finally {
      // Whatever answers after the deadline finds nobody.
      this.#waiting.delete(id);
    }
  }

  /** Ends it as its death would. For a watchdog, and for faults on purpose. */
  lose(why: string): void {
    this.#options.port.close();
    this.#lost(why);
  }

  async close(): Promise<void> {
    if (this.#state === "open") {
      this.#state = "closing";
      this.#why = new LodelineError("media/closed", { detail: "The media engine is closed." });
      this.#options.port.post({ kind: "close" });
      const { clock } = this.#options;
      const detail = `The media engine did not close within ${CLOSE_MS} ms.`;
      const timer = clock.at(clock.now() + CLOSE_MS, () =>
        this.#ended.reject(new LodelineError("timeout", { detail })),
      );
      await this.#ended.promise.finally(() => {
        timer.cancel();
        this.#end();
      });
    }
    await this.#ended.promise;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #heard(frame: FromEngine): void {
    switch (frame.kind) {
      case "hello":
        return this.#checkVersion(frame.version);
      case "answer":
        return this.#waiting.get(frame.id)?.resolve(frame.answer);
      case "refusal":
        return this.#waiting.get(frame.id)?.reject(fromPlainError(frame.error));
      case "event":
        return this.#emitter.emit("event", frame.event);
      case "announce":
        return void this.#announce(frame.id, frame.socket);
      case "log":
        return this.#options.logger[frame.level](frame.event, frame.fields);
      case "closed":
        return this.#ended.resolve();
    }
  }

  #checkVersion(version: number): void {
    if (version === ENGINE_PROTOCOL_VERSION) return;
    this.lose(`it speaks version ${version} of the interface, not ${ENGINE_PROTOCOL_VERSION}`);
  }

  async #announce(id: number, socket: HostCandidate): Promise<void> {
    const { announce, port, logger } = this.#options;
    try {
      const as = announce ? await announce(socket) : socket;
      if (this.#state === "open") port.post({ kind: "announced", id, as });
    } catch (thrown) {
      const { code, detail } = toLodelineError(thrown);
      logger.error("media socket not announced", { code, reason: detail });
    }
  }

  #lost(why: string, error?: LodelineError): void {
    if (this.#state === "lost") return;
    const wasOpen = this.#state === "open";
    this.#state = "lost";
    const detail = `The media engine is lost: ${why}.`;
    if (wasOpen) this.#why = error ?? new LodelineError("media/engine-lost", { detail });
    this.#ended.resolve();
    this.#rejectAll();
    if (!wasOpen) return;
    this.#emitter.emit("lost", this.#why);
    this.#emitter.clear();
  }

  #end(): void {
    this.#rejectAll();
    this.#options.port.close();
    this.#emitter.clear();
  }

  #rejectAll(): void {
    for (const { reject } of this.#waiting.values()) reject(this.#why);
    this.#waiting.clear();
  }
}
