import { createServer, type Server, type Socket } from "node:net";
import { LodelineError } from "@lodeline/base";
import type { IcePath } from "./ice/ice-types.ts";
import { frameForStream, StreamFrames } from "./stream-frames.ts";

/** Connections of one listener; more are closed as they come. */
const CONNECTION_LIMIT = 1024;

/** A connection that has not shown whose it is by then is closed. */
const STRANGER_TIMEOUT_MS = 5000;

/** Consent is asked for every few seconds, so a connection without a byte for this long is dead. */
const SILENT_TIMEOUT_MS = 45_000;

/** What may wait for a receiver that does not read. More is dropped, as on a full path, and its repair is the media's. */
const QUEUE_LIMIT_BYTES = 256 * 1024;

/** Where {@link TcpPort} delivers. */
export type StreamHandler<Owner> = (bytes: Buffer, path: TcpPath<Owner>) => void;

/** One TCP connection of a browser, used as a path for datagrams. RFC 6544. */
export class TcpPath<Owner> implements IcePath {
  readonly address: string;
  readonly port: number;
  readonly #socket: Socket;
  /** Whose connection it is, once that was proven. */
  owner: Owner | undefined;
  /** Datagrams that the receiver was too slow for. */
  dropped = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.address = socket.remoteAddress ?? "0.0.0.0";
    this.port = socket.remotePort ?? 0;
  }

  send(bytes: Uint8Array): void {
    if (this.#socket.writableLength + bytes.length > QUEUE_LIMIT_BYTES) this.dropped++;
    else if (this.#socket.writable) this.#socket.write(frameForStream(bytes));
  }

  /** It was proven whose it is: it may stay. */
  keep(): void {
    this.#socket.setTimeout(SILENT_TIMEOUT_MS);
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Listens for ICE over TCP, passively: browsers connect to us. One for each local address. RFC 6544. */
export class TcpPort<Owner> {
  readonly #server: Server;
  readonly #paths = new Set<TcpPath<Owner>>();

  private constructor(server: Server, handler: StreamHandler<Owner>) {
    this.#server = server;
    server.maxConnections = CONNECTION_LIMIT;
    server.on("connection", (socket) => this.#accept(socket, handler));
    // A listener that is out of descriptors goes on when there are some again.
    server.on("error", () => {});
  }

  /**
   * Listens.
   *
   * @throws LodelineError `media/bind-failed`.
   */
  static async open<Owner>(address: string, port: number, handler: StreamHandler<Owner>): Promise<TcpPort<Owner>> {
    const server = createServer({ noDelay: true });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, address, () => {
          server.removeListener("error", reject);
          resolve();
        });
      });
    } catch (cause) {
      throw new LodelineError("media/bind-failed", { detail: `cannot listen on TCP ${address} port ${port}`, cause });
    }
    return new TcpPort(server, handler);
  }

  #accept(socket: Socket, handler: StreamHandler<Owner>): void {
    const path = new TcpPath<Owner>(socket);
    const frames = new StreamFrames();
    this.#paths.add(path);
    socket.setTimeout(STRANGER_TIMEOUT_MS);
    socket.on("timeout", () => socket.destroy());
    // What went wrong with one connection is told by its close.
    socket.on("error", () => {});
    socket.on("close", () => this.#paths.delete(path));
    socket.on("data", (bytes) => {
      const datagrams = frames.push(bytes);
      if (datagrams === undefined) return void socket.destroy();
      for (const datagram of datagrams) handler(datagram, path);
    });
  }

  /** Closes the connections of an owner that closed. */
  release(owner: Owner): void {
    for (const path of this.#paths) if (path.owner === owner) path.close();
  }

  /** How many connections have an owner. */
  get pathCount(): number {
    let count = 0;
    for (const { owner } of this.#paths) if (owner !== undefined) count++;
    return count;
  }

  /** How many connections are open. */
  get connectionCount(): number {
    return this.#paths.size;
  }

  async close(): Promise<void> {
    for (const path of this.#paths) path.close();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
