import type { Listenable } from "@lodeline/base";
import type { AnswerTo, EngineEvent, EngineRequest } from "./messages.ts";

/** Events of an {@link Engine}. */
export interface EngineEvents {
  readonly event: EngineEvent;
}

/**
 * A media engine, wherever it runs: in this thread, in a worker thread, in another process, or many behind one. The
 * control plane knows nothing else of media.
 */
export interface Engine extends Listenable<EngineEvents>, AsyncDisposable {
  /**
   * Asks for something.
   *
   * @returns The answer. Rejected with the engine's own code; with `timeout` when nothing came within the request's
   * deadline ({@link REQUEST_DEADLINES_MS}); with `media/engine-lost` when what would have answered is gone, and
   * everything on it with it.
   */
  ask<Request extends EngineRequest>(request: Request): Promise<AnswerTo<Request>>;
  /** Closes everything on it and itself. Idempotent. */
  close(): Promise<void>;
}
