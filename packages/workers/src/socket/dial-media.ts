import { LodelineError, type Timer, toLodelineError } from "@lodeline/base";
import type { FramePort, FromEngine, PortListener, ToEngine } from "../link/frames.ts";
import { RemoteEngine, type RemoteEngineOptions } from "../link/remote-engine.ts";
import { type ByteSocket, connectSocket } from "./byte-socket.ts";
import { FramedSocket } from "./framed-socket.ts";
import { type Greeter, greetMedia } from "./greet.ts";
import type { MediaKey } from "./link-secrets.ts";
import type { MediaAddress } from "./media-address.ts";
import { SocketPort } from "./socket-port.ts";

/** How long a media process is tried before it is lost. Shorter than `ready` may take. */
export const DIAL_MS = 5_000;
const AGAIN_FIRST_MS = 50;
const AGAIN_MAX_MS = 400;
/** What may be said before the media process is there: only what makes an engine ready. */
const EARLY_LIMIT = 100;

/** What a {@link DialingPort} needs. */
export interface DialOptions extends Greeter {
  readonly key: MediaKey;
  /** Begins to connect; what fails is told as the end of the socket. */
  connect(): ByteSocket;
}

/**
 * The port to a media process, which is tried again until it is there, and given up after {@link DIAL_MS} or at once where
 * another try would be refused as well. What is posted before waits. Once there it ends with its connection.
 */
export class DialingPort implements FramePort<ToEngine, FromEngine> {
  readonly #options: DialOptions;
  #early: ToEngine[] = [];
  #listener: PortListener<FromEngine> | undefined;
  #socket: FramedSocket | undefined;
  #port: SocketPort<ToEngine, FromEngine> | undefined;
  #pause: Timer | undefined;
  #over = false;

  constructor(options: DialOptions) {
    this.#options = options;
  }

  post(frame: ToEngine): void {
    if (this.#over) return;
    if (this.#port) return this.#port.post(frame);
    // Nothing is there that would have to be closed in order.
    if (frame.kind === "close") return this.#end("it was not there yet");
    if (this.#early.length >= EARLY_LIMIT) throw new LodelineError("media/engine-busy");
    this.#early.push(frame);
  }

  listen(listener: PortListener<FromEngine>): void {
    this.#listener = listener;
    const { clock } = this.#options;
    void this.#dial(clock.now() + DIAL_MS, AGAIN_FIRST_MS);
  }

  close(): void {
    this.#listener = undefined;
    this.#end("closed here");
  }

  async #dial(untilMs: number, againMs: number): Promise<void> {
    const { clock } = this.#options;
    try {
      await this.#attempt();
    } catch (thrown) {
      if (this.#over) return;
      const error = toLodelineError(thrown, "media/engine-lost");
      if (error.retry === "never" || clock.now() + againMs > untilMs) return this.#end(error.detail, error);
      const next = Math.min(againMs * 2, AGAIN_MAX_MS);
      this.#pause = clock.at(clock.now() + againMs, () => void this.#dial(untilMs, next));
    }
  }

  async #attempt(): Promise<void> {
    const { connect, clock, key } = this.#options;
    const socket = new FramedSocket(connect());
    this.#socket = socket;
    const seals = await greetMedia(socket, this.#options, key);
    if (this.#over) return socket.end("closed here");
    const port = new SocketPort<ToEngine, FromEngine>(socket, seals, clock);
    this.#port = port;
    for (const frame of this.#early.splice(0)) port.post(frame);
    port.listen({
      frame: (frame) => this.#listener?.frame(frame),
      closed: (why) => this.#end(why),
    });
  }

  #end(why: string, error?: LodelineError): void {
    if (this.#over) return;
    this.#over = true;
    this.#early = [];
    this.#pause?.cancel();
    this.#port?.close();
    this.#socket?.end(why);
    this.#listener?.closed(why, error);
  }
}

/** Options of {@link dialMedia}. */
export type DialMediaOptions = Omit<RemoteEngineOptions, "port"> &
  Greeter & { readonly address: MediaAddress; readonly key: MediaKey };

/**
 * The engine of a media process. It is connected to at once; what is asked before waits. It is lost with its connection.
 *
 * @returns The caller's to close.
 */
export function dialMedia(options: DialMediaOptions): RemoteEngine {
  const { address, ...others } = options;
  const port = new DialingPort({ ...others, connect: () => connectSocket(address) });
  return new RemoteEngine({ ...others, port });
}
