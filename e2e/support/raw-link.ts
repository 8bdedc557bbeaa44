import type { ClientFrame, ClientMessage, ServerFrame, ServerMessage, Sources } from "@lodeline/protocol";
import { PROTOCOL_VERSION, SUBPROTOCOL } from "@lodeline/protocol";
import { WebSocket } from "ws";

/** How a socket ended. */
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

/** Nothing published. */
export const NO_SOURCES: Sources = {
  microphone: { intent: "unpublished", mutedBy: null },
  camera: { intent: "unpublished", mutedBy: null },
  screen: { intent: "unpublished", mutedBy: null },
  "screen-audio": { intent: "unpublished", mutedBy: null },
};

const PATIENCE_MS = 10_000;

/**
 * A real WebSocket that speaks the protocol by hand, so that a test can also say what no client would: it numbers and
 * acknowledges frames, and answers pings, but nothing else happens by itself.
 */
export class RawLink implements Disposable {
  /** Everything heard so far, in order. */
  readonly frames: ServerFrame[] = [];
  /** Settles when the socket is closed. */
  readonly closed: Promise<Closed>;
  readonly #socket: WebSocket;
  readonly #waiting = new Set<() => void>();
  #isClosed = false;
  #sent = 0;
  #received = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("error", () => {});
    socket.on("message", (data) => this.#heard(JSON.parse(String(data)) as ServerFrame));
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => {
        this.#isClosed = true;
        resolve({ code, reason: String(reason) });
        this.#wake();
      });
    });
  }

  /** Opens a socket. Ends when it is open, or has failed to. */
  static async open(
    linkUrl: string,
    options: { origin?: string; host?: string; subprotocols?: string[] } = {},
  ): Promise<RawLink> {
    const { subprotocols = [SUBPROTOCOL], origin, host } = options;
    const headers = host === undefined ? {} : { host };
    const socket = new WebSocket(linkUrl, subprotocols, { ...(origin === undefined ? {} : { origin }), headers });
    const link = new RawLink(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("unexpected-response", (_request, response) => {
        reject(new Error(`HTTP ${response.statusCode}`));
        socket.terminate();
      });
      socket.once("error", reject);
    });
    return link;
  }

  /** Opens a socket and says hello; ends with the welcome. */
  static async greet(linkUrl: string, hello: { token?: string; name?: string } = {}): Promise<RawLink> {
    const link = await RawLink.open(linkUrl);
    link.sendFrame({ kind: "hello", version: PROTOCOL_VERSION, name: "", ...hello });
    await link.next((frame) => frame.kind === "welcome");
    return link;
  }

  /** Sends any text, or any bytes. */
  sendRaw(data: string | Uint8Array): void {
    this.#socket.send(data);
  }

  sendFrame(frame: ClientFrame): void {
    this.sendRaw(JSON.stringify(frame));
  }

  /** Sends a message in its numbered frame. Anything may stand in for a message. */
  send(message: ClientMessage | object): void {
    this.#sent++;
    this.sendRaw(JSON.stringify({ kind: "data", seq: this.#sent, ack: this.#received, message }));
  }

  /** Joins a room; ends with `joined` or `error`. */
  async join(room: string, options: { topology?: "sfu" | "mesh"; id?: string } = {}): Promise<ServerMessage> {
    const { id = `j${this.#sent}`, topology } = options;
    this.send({ type: "join", id, room, name: "", sources: NO_SOURCES, ...(topology ? { topology } : {}) });
    return await this.message((one) => (one.type === "joined" || one.type === "error") && one.id === id);
  }

  /** The first frame, heard already or yet to come, that fits. */
  async next<F extends ServerFrame>(fits: (frame: ServerFrame) => frame is F): Promise<F>;
  async next(fits: (frame: ServerFrame) => boolean): Promise<ServerFrame>;
  async next(fits: (frame: ServerFrame) => boolean): Promise<ServerFrame> {
    const giveUpAtMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const frame = this.frames.find(fits);
      if (frame) return frame;
      if (this.#isClosed) throw new Error(`closed before it came; heard ${JSON.stringify(this.frames)}`);
      if (performance.now() > giveUpAtMs) throw new Error(`did not come; heard ${JSON.stringify(this.frames)}`);
      await this.#change(giveUpAtMs - performance.now());
    }
  }

  /** The first message that fits. */
  async message(fits: (message: ServerMessage) => boolean): Promise<ServerMessage> {
    const frame = await this.next((one) => one.kind === "data" && fits(one.message));
    if (frame.kind !== "data") throw new Error("no data frame");
    return frame.message;
  }

  /** Closes from this side, without a word. */
  close(): Promise<Closed> {
    this.#socket.close(1000);
    return this.closed;
  }

  /** Cuts the connection, as a dying network does. */
  cut(): Promise<Closed> {
    this.#socket.terminate();
    return this.closed;
  }

  /** Reads nothing more from the network, as a page that hangs. */
  stopListening(): void {
    this.#socket.pause();
  }

  [Symbol.dispose](): void {
    this.#socket.terminate();
  }

  #heard(frame: ServerFrame): void {
    if (frame.kind === "data") this.#received = Math.max(this.#received, frame.seq);
    if (frame.kind === "ping") this.sendFrame({ kind: "pong", at: frame.at, ack: this.#received });
    this.frames.push(frame);
    this.#wake();
  }

  #change(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(0, waitMs));
      this.#waiting.add(wake);
    });
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
