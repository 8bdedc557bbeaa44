import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { type Clock, LodelineError, type Random } from "@lodeline/base";
import { type TcpConditions, TcpWeather } from "./tcp-conditions.ts";
import { TcpPipe } from "./tcp-pipe.ts";

/** Where a TCP server is. */
export interface TcpEndpoint {
  readonly host: string;
  readonly port: number;
}

/** How a proxy is made. */
export interface TcpProxyOptions {
  readonly clock: Clock;
  /** Decides where connections are cut. */
  readonly random: Random;
  /** Where it listens; port 0 takes a free one. */
  readonly listen: TcpEndpoint;
  /** To whom it passes connections on; asked for each. */
  target(): TcpEndpoint;
  /**
   * Whether a connection that begins with these bytes feels the conditions. Default: every one does.
   */
  readonly affects?: ((head: Buffer) => boolean) | undefined;
}

/** What a proxy has seen and done since it was opened. */
export interface TcpCounters {
  readonly connections: number;
  readonly cuts: number;
  readonly refused: number;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** A TCP proxy whose connections can be cut, delayed, stalled and throttled. It never doubles, changes or reorders a byte. */
export class TcpProxy implements AsyncDisposable {
  readonly #options: TcpProxyOptions;
  readonly #server: Server;
  readonly #connections = new Set<Connection>();
  /** Clients that have not said anything yet, where their first bytes decide about them. */
  readonly #silent = new Set<Socket>();
  readonly #weather: TcpWeather;
  readonly #clear = new TcpWeather(() => {});
  readonly #counters = { connections: 0, cuts: 0, refused: 0, bytesUp: 0, bytesDown: 0 };

  private constructor(options: TcpProxyOptions) {
    this.#options = options;
    this.#weather = new TcpWeather(() => {
      for (const connection of this.#connections) connection.flow();
    });
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  /**
   * Opens a proxy.
   *
   * @returns The caller's to close.
   * @throws LodelineError `config/invalid`, field `port`, when it cannot listen there.
   */
  static async open(options: TcpProxyOptions): Promise<TcpProxy> {
    const proxy = new TcpProxy(options);
    const { host, port } = options.listen;
    await new Promise<void>((resolve, reject) => {
      const refused = (cause: NodeJS.ErrnoException) => {
        const why = cause.code === "EADDRINUSE" ? "another program listens there" : (cause.code ?? String(cause));
        const detail = `${host}:${port} cannot be used: ${why}.`;
        reject(new LodelineError("config/invalid", { field: "port", detail, cause }));
      };
      proxy.#server.once("error", refused);
      proxy.#server.listen(port, host, () => {
        proxy.#server.off("error", refused);
        resolve();
      });
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get counters(): TcpCounters {
    return { ...this.#counters };
  }

  /** From now on this holds, until it is taken away with the same object. */
  impose(conditions: TcpConditions): void {
    this.#weather.add(conditions);
  }

  lift(conditions: TcpConditions): void {
    this.#weather.delete(conditions);
  }

  /** Breaks every connection that feels the conditions, here and now. */
  cutAll(): void {
    for (const connection of [...this.#connections]) if (connection.affected) connection.cut();
  }

  /** Breaks every connection and stops listening. Idempotent. */
  async close(): Promise<void> {
    for (const connection of [...this.#connections]) connection.destroy();
    for (const client of this.#silent) client.resetAndDestroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #accept(client: Socket): void {
    client.on("error", ignore);
    const { affects } = this.#options;
    this.#counters.connections++;
    if (!affects) return this.#begin(client, true, undefined);
    // Browsers connect before they have anything to say. One that leaves without a word is let go: with half-open sockets
    // nobody else would close it.
    this.#silent.add(client);
    const goodbye = () => client.destroy();
    client.once("end", goodbye);
    client.once("close", () => this.#silent.delete(client));
    client.once("data", (head: Buffer) => {
      client.pause();
      client.off("end", goodbye);
      this.#silent.delete(client);
      this.#begin(client, affects(head), head);
    });
  }

  #begin(client: Socket, affected: boolean, head: Buffer | undefined): void {
    if (affected && this.#weather.refuses) {
      this.#counters.refused++;
      client.resetAndDestroy();
      return;
    }
    const { clock, random, target } = this.#options;
    const counters = this.#counters;
    const connection = new Connection(client, connect({ ...target(), allowHalfOpen: true, noDelay: true }), {
      affected,
      clock,
      random,
      weather: affected ? this.#weather : this.#clear,
      passed: (way, bytes) => {
        if (way === "up") counters.bytesUp += bytes;
        else counters.bytesDown += bytes;
      },
      cut: () => counters.cuts++,
      over: () => this.#connections.delete(connection),
    });
    this.#connections.add(connection);
    connection.begin(head);
  }
}

interface ConnectionOptions {
  readonly affected: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly weather: TcpWeather;
  passed(way: "up" | "down", bytes: number): void;
  cut(): void;
  over(): void;
}

/** A client's socket, the one to the server, and the two ways between them. */
class Connection {
  readonly affected: boolean;
  readonly #options: ConnectionOptions;
  readonly #sockets: readonly [Socket, Socket];
  readonly #pipes: readonly [TcpPipe, TcpPipe];
  /** Decided already: it breaks as soon as the last bytes are out. */
  #cutting = false;
  #over = false;

  constructor(client: Socket, server: Socket, options: ConnectionOptions) {
    this.#options = options;
    this.affected = options.affected;
    this.#sockets = [client, server];
    const { clock, random, weather, passed } = options;
    const cut = () => this.cut();
    const mayCut = (conditions: TcpConditions) => {
      if (this.#cutting || this.#over || !(conditions.mayCut?.() ?? true)) return false;
      this.#cutting = true;
      return true;
    };
    const shared = { clock, random, weather, cut, mayCut };
    this.#pipes = [
      new TcpPipe({ ...shared, way: "up", from: client, to: server, passed: (bytes) => passed("up", bytes) }),
      new TcpPipe({ ...shared, way: "down", from: server, to: client, passed: (bytes) => passed("down", bytes) }),
    ];
    server.on("error", ignore);
    client.on("close", (hadError) => this.#closed(0, hadError));
    server.on("close", (hadError) => this.#closed(1, hadError));
  }

  /** @param head - What was read of the client already. */
  begin(head: Buffer | undefined): void {
    const [client] = this.#sockets;
    if (head) client.emit("data", head);
    client.resume();
  }

  flow(): void {
    for (const pipe of this.#pipes) pipe.flow();
  }

  /** Half of all cuts look like a machine that went away politely (FIN), half like one that did not (RST). */
  cut(): void {
    if (this.#over) return;
    this.#options.cut();
    this.destroy(this.#options.random.u32() % 2 === 0);
  }

  destroy(reset = true): void {
    this.#end();
    for (const socket of this.#sockets) {
      if (reset) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** A side that broke breaks the other; what one said before it closed politely still arrives. */
  #closed(side: 0 | 1, hadError: boolean): void {
    if (this.#over) return;
    if (hadError || this.#sockets[1 - side]?.destroyed) return this.destroy(hadError);
    this.#pipes[side].finish(true);
    this.#pipes[side === 0 ? 1 : 0].close();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    for (const pipe of this.#pipes) pipe.close();
    this.#options.over();
  }
}

function ignore(): void {
  // A broken connection is what this is about: its `close` follows.
}
