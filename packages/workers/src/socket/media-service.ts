import { LodelineError, type Logger, toLodelineError } from "@lodeline/base";
import type { HostCandidate } from "@lodeline/media";
import type { Engine } from "../engine/engine.ts";
import type { FromEngine, ToEngine } from "../link/frames.ts";
import { Announcements, serveEngine } from "../link/serve-engine.ts";
import type { ByteSocket } from "./byte-socket.ts";
import { FramedSocket } from "./framed-socket.ts";
import { type Greeter, greetServer } from "./greet.ts";
import type { MediaKey } from "./link-secrets.ts";
import { SocketPort } from "./socket-port.ts";

/** Connections that have not shown the key yet, at a time. */
export const STRANGERS_LIMIT = 16;

/** Options of {@link MediaService}. */
export interface MediaServiceOptions extends Greeter {
  readonly logger: Logger;
  /** Whoever holds one of them is served. */
  readonly keys: readonly MediaKey[];
  /**
   * Makes the engine of one server.
   *
   * @param announce - Asks that server what its clients are told instead of a media socket's address.
   */
  makeEngine(announce: (socket: HostCandidate) => Promise<HostCandidate>): Engine;
}

/**
 * A media process, but for its socket: serves one server at a time with an engine that lives as long as that server's
 * connection. When the connection ends, all that was on the engine is closed at once, and the next server finds an empty one.
 */
export class MediaService {
  readonly #options: MediaServiceOptions;
  readonly #strangers = new Set<FramedSocket>();
  #serving: FramedSocket | undefined;
  /** Settles when the engine made last is closed. */
  #cleared: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: MediaServiceOptions) {
    this.#options = options;
  }

  /** Whether a server is served now. */
  get isServing(): boolean {
    return this.#serving !== undefined;
  }

  /** Somebody has connected. */
  async accept(bytes: ByteSocket): Promise<void> {
    const { keys, clock, logger } = this.#options;
    const socket = new FramedSocket(bytes);
    if (this.#closed || this.#strangers.size >= STRANGERS_LIMIT) return socket.end("too many wait to be known");
    this.#strangers.add(socket);
    try {
      const seals = await greetServer(socket, this.#options, keys, () => this.#admit(socket));
      this.#serve(new SocketPort<FromEngine, ToEngine>(socket, seals, clock));
    } catch (thrown) {
      if (this.#serving === socket) this.#serving = undefined;
      const { code, detail } = toLodelineError(thrown);
      logger.warn("server refused", { code, reason: detail });
    } finally {
      this.#strangers.delete(socket);
    }
  }

  /** Ends every connection and closes the engine. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const socket of [...this.#strangers, this.#serving]) socket?.end("the media process ends");
    await this.#cleared;
  }

  async #admit(socket: FramedSocket): Promise<void> {
    if (this.#serving) {
      throw new LodelineError("media/engine-busy", { detail: "The media process works for another server." });
    }
    this.#serving = socket;
    // The ports of the last server's engine may be the only ones.
    await this.#cleared;
    if (this.#closed) throw new LodelineError("media/closed", { detail: "The media process ends." });
  }

  #serve(port: SocketPort<FromEngine, ToEngine>): void {
    const { logger, makeEngine } = this.#options;
    const announcements = new Announcements((frame) => port.post(frame));
    const engine = makeEngine(announcements.announce);
    logger.info("server connected");
    this.#cleared = serveEngine(engine, this.#freeing(port), announcements)
      .over.catch((thrown: unknown) => {
        const { code, detail } = toLodelineError(thrown);
        logger.error("media engine not closed", { code, reason: detail });
      })
      .then(() => port.close());
  }

  /** The port, whose end or `close` makes room for the next server. */
  #freeing(port: SocketPort<FromEngine, ToEngine>): Pick<typeof port, "post" | "listen" | "close"> {
    return {
      post: (frame) => port.post(frame),
      close: () => port.close(),
      listen: (listener) =>
        port.listen({
          frame: (frame) => {
            if (frame.kind === "close") this.#serving = undefined;
            listener.frame(frame);
          },
          closed: (why) => {
            this.#options.logger.warn("server gone", { reason: why });
            this.#serving = undefined;
            listener.closed(why);
          },
        }),
    };
  }
}
