import { once } from "node:events";
import { type ClientMessage, PROTOCOL_VERSION, type ServerFrame, SUBPROTOCOL } from "@lodeline/protocol";
import { WebSocket } from "ws";

/** Acknowledge at least this often, as the SDK does. */
const ACK_EVERY = 8;

/** A link of the load: speaks the protocol with as little work as can be, so that the server is what is measured. */
export class LoadLink {
  readonly #socket: WebSocket;
  #sent = 0;
  #heard = 0;
  #told = 0;
  /** Called with every message of the server. */
  onMessage: (message: Extract<ServerFrame, { kind: "data" }>["message"]) => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => this.#hear(JSON.parse(String(data)) as ServerFrame));
  }

  /** Opens a link and says hello. */
  static async open(linkUrl: string, name: string): Promise<LoadLink> {
    const socket = new WebSocket(linkUrl, SUBPROTOCOL, { perMessageDeflate: false });
    const link = new LoadLink(socket);
    await once(socket, "open");
    const welcomed = once(socket, "message");
    socket.send(JSON.stringify({ kind: "hello", version: PROTOCOL_VERSION, name }));
    await welcomed;
    return link;
  }

  /** Sends a message, numbered. */
  send(message: ClientMessage): void {
    this.#sent++;
    this.#told = this.#heard;
    this.#socket.send(JSON.stringify({ kind: "data", seq: this.#sent, ack: this.#heard, message }));
  }

  /** Sends a message and waits for the first answer that `fits`. */
  async ask<T>(message: ClientMessage, fits: (answer: ServerFrameMessage) => T | undefined): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    const before = this.onMessage;
    this.onMessage = (answer) => {
      const got = fits(answer);
      if (got !== undefined) resolve(got);
    };
    this.send(message);
    const got = await promise;
    this.onMessage = before;
    return got;
  }

  close(): void {
    this.#socket.terminate();
  }

  #hear(frame: ServerFrame): void {
    if (frame.kind === "ping") this.#socket.send(JSON.stringify({ kind: "pong", at: frame.at, ack: this.#heard }));
    if (frame.kind !== "data") return;
    this.#heard = frame.seq;
    if (this.#heard - this.#told >= ACK_EVERY) {
      this.#told = this.#heard;
      this.#socket.send(JSON.stringify({ kind: "ack", ack: this.#heard }));
    }
    this.onMessage(frame.message);
  }
}

/** A message of the server, out of its frame. */
export type ServerFrameMessage = Extract<ServerFrame, { kind: "data" }>["message"];
