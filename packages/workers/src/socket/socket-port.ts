import { deserialize, serialize } from "node:v8";
import type { Clock, MonoMs, Timer } from "@lodeline/base";
import type { FramePort, PortListener } from "../link/frames.ts";
import type { FramedSocket } from "./framed-socket.ts";
import type { Seals } from "./greet.ts";

/** The longest frame. The largest there is, the statistics of tens of thousands of forwarders, is shorter. */
export const FRAME_LIMIT_BYTES = 16 * 2 ** 20;
/** What may wait for an end that does not read. */
export const WAITING_LIMIT_BYTES = 64 * 2 ** 20;
/** Each end says at least so often that it is there. */
export const BEAT_MS = 2_000;
/** An end that says nothing for so long is gone: its machine or the network between died without a word. */
export const SILENT_MS = 8_000;

const TAG_BYTES = 16;
const BEAT = new Uint8Array(0);

/** A {@link FramePort} over a socket whose ends know each other: frames are cloned, sealed and bounded. */
export class SocketPort<Out, In> implements FramePort<Out, In> {
  readonly #socket: FramedSocket;
  readonly #seals: Seals;
  readonly #clock: Clock;
  #heardAtMs: MonoMs;
  #beat: Timer | undefined;

  constructor(socket: FramedSocket, seals: Seals, clock: Clock) {
    this.#socket = socket;
    this.#seals = seals;
    this.#clock = clock;
    this.#heardAtMs = clock.now();
    socket.limitBytes = FRAME_LIMIT_BYTES + TAG_BYTES;
    this.#beats();
  }

  post(frame: Out): void {
    const payload = serialize(frame);
    if (payload.byteLength > FRAME_LIMIT_BYTES) this.#socket.end(`a frame of ${payload.byteLength} bytes is too long`);
    else this.#send(payload);
  }

  listen(listener: PortListener<In>): void {
    this.#socket.listen({
      frame: (sealed) => {
        const payload = this.#seals.incoming.open(sealed);
        if (!payload) return this.#socket.end("a frame came that the other end did not send");
        this.#heardAtMs = this.#clock.now();
        if (payload.byteLength === 0) return;
        const frame = this.#read(payload);
        if (frame !== undefined) listener.frame(frame);
      },
      closed: (why) => {
        this.#beat?.cancel();
        listener.closed(why);
      },
    });
  }

  close(): void {
    this.#beat?.cancel();
    this.#socket.listen(undefined);
    this.#socket.end("closed here");
  }

  #read(payload: Buffer): In | undefined {
    try {
      return deserialize(payload) as In;
    } catch {
      this.#socket.end("a frame came that cannot be read here");
      return undefined;
    }
  }

  #send(payload: Uint8Array): void {
    this.#socket.send(this.#seals.outgoing.seal(payload));
    if (this.#socket.waitingBytes > WAITING_LIMIT_BYTES) this.#socket.end("it does not read what it is sent");
  }

  #beats(): void {
    const now = this.#clock.now();
    if (now - this.#heardAtMs >= SILENT_MS) return this.#socket.end(`nothing was heard of it for ${SILENT_MS} ms`);
    this.#beat = this.#clock.at(now + BEAT_MS, () => this.#beats());
    this.#send(BEAT);
  }
}
