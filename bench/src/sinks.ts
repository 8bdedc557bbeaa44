import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { benchAddon } from "./compiled.ts";

const BUFFER_BYTES = 4 << 20;

/** Node's own part of a socket, as far as it is needed to take its descriptor over. */
interface SocketHandle {
  readonly fd: number;
  recvStop(): void;
}

/**
 * Takes packets in without being the limit: a thread in C reads the sockets and counts media; what is no media (checks,
 * handshakes) still reaches the socket's own listeners.
 */
export class Sinks {
  readonly #addon = benchAddon();
  readonly #sockets: Socket[] = [];

  constructor() {
    this.#addon.startSinks((at, bytes, address, port) => {
      this.#sockets[at]?.emit("message", bytes, { address, family: "IPv4", port, size: bytes.length });
    });
  }

  /** Media packets taken in so far. */
  get count(): number {
    return this.#addon.sunk();
  }

  /** Takes a socket over. */
  take(socket: Socket): void {
    socket.setRecvBufferSize(BUFFER_BYTES);
    const handle = handleOf(socket);
    handle.recvStop();
    this.#addon.addSink(handle.fd, this.#sockets.push(socket) - 1);
  }

  /** New sockets on loopback. @returns Their ports. */
  async open(count: number): Promise<{ readonly ports: number[]; close(): void }> {
    const sockets = Array.from({ length: count }, () => createSocket({ type: "udp4" }));
    await Promise.all(
      sockets.map(async (socket) => {
        socket.bind(0, "127.0.0.1");
        await once(socket, "listening");
        this.take(socket);
      }),
    );
    return {
      ports: sockets.map((socket) => socket.address().port),
      close: () => {
        for (const socket of sockets) socket.close();
      },
    };
  }
}

/** Sends packets from a socket in one system call. */
export function sendTogether(socket: Socket, address: string, port: number, packets: readonly Buffer[]): void {
  benchAddon().sendTogether(handleOf(socket).fd, address, port, packets);
}

function handleOf(socket: Socket): SocketHandle {
  const [state] = Object.getOwnPropertySymbols(socket).filter((symbol) => symbol.description === "state symbol");
  const handle = state && (socket as unknown as Record<symbol, { handle?: SocketHandle }>)[state]?.handle;
  if (!handle) throw new Error("this Node keeps the descriptor of a socket elsewhere");
  return handle;
}
