import type { Logger } from "@lodeline/base";
import type { HostCandidate } from "@lodeline/media";
import { deferred } from "../deferred.ts";
import type { Engine } from "../engine/engine.ts";
import { ENGINE_PROTOCOL_VERSION } from "../engine/messages.ts";
import { toPlainError } from "../engine/plain-error.ts";
import type { FramePort, FromEngine, LogLevel, ToEngine } from "./frames.ts";

/** An engine that serves whoever is at the other end of a port. */
export interface ServedEngine {
  /**
   * Settles when the other end has said `close`, or the port has ended; the engine is closed by then. Rejected as the
   * engine's `close` is: it was let go of.
   */
  readonly over: Promise<void>;
}

/** The other end's answers about media sockets. */
export class Announcements {
  readonly #waiting = new Map<number, { readonly socket: HostCandidate; resolve(as: HostCandidate): void }>();
  readonly #post: (frame: FromEngine) => void;
  #nextId = 1;

  constructor(post: (frame: FromEngine) => void) {
    this.#post = post;
  }

  /** As the option of this name of a media engine. */
  readonly announce = (socket: HostCandidate): Promise<HostCandidate> =>
    new Promise((resolve) => {
      const id = this.#nextId++;
      this.#waiting.set(id, { socket, resolve });
      this.#post({ kind: "announce", id, socket });
    });

  answered(id: number, as: HostCandidate): void {
    this.#waiting.get(id)?.resolve(as);
    this.#waiting.delete(id);
  }

  /** Nobody will answer any more: sockets that were asked for are told as they are. */
  end(): void {
    for (const { socket, resolve } of this.#waiting.values()) resolve(socket);
    this.#waiting.clear();
  }
}

/** A logger whose lines are frames. */
export function portLogger(post: (frame: FromEngine) => void): Logger {
  const at =
    (level: LogLevel): Logger["info"] =>
    (event, fields) =>
      post({ kind: "log", level, event, fields });
  return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug"), trace: () => {} };
}

/**
 * Serves an engine to the other end of a port: performs what it asks, answers, and tells what happens.
 *
 * @param engine - Closed when the port ends.
 */
export function serveEngine(
  engine: Engine,
  port: FramePort<FromEngine, ToEngine>,
  announcements?: Announcements,
): ServedEngine {
  const { promise: over, resolve, reject } = deferred<void>();
  let open = true;
  const post = (frame: FromEngine) => {
    if (open) port.post(frame);
  };
  const end = () => {
    announcements?.end();
    engine.close().then(() => {
      post({ kind: "closed" });
      open = false;
      resolve();
    }, reject);
  };
  engine.on("event", (event) => post({ kind: "event", event }));
  port.listen({
    frame: (frame) => {
      if (frame.kind === "announced") return announcements?.answered(frame.id, frame.as);
      if (frame.kind === "close") return end();
      const { id, request } = frame;
      engine.ask(request).then(
        (answer) => post({ kind: "answer", id, answer }),
        (thrown: unknown) => post({ kind: "refusal", id, error: toPlainError(thrown) }),
      );
    },
    closed: () => {
      open = false;
      end();
    },
  });
  post({ kind: "hello", version: ENGINE_PROTOCOL_VERSION });
  return { over };
}
