import type { Listenable, LodelineError } from "@lodeline/base";
import type { AnswerTo, EngineEvent, EngineRequest } from "./messages.ts";

/** Events of an {@link Engine}. */
export interface EngineEvents {
  readonly event: EngineEvent;
  /** It is gone without having been closed, and everything on it: nothing can be asked of it any more. */
  readonly lost: LodelineError;
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
  /**
   * Closes everything on it and itself. Idempotent.
   *
   * @throws LodelineError `timeout` when it did not close in time; it was let go of then.
   */
  close(): Promise<void>;
}
