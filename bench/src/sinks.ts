import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { benchAddon } from "./compiled.ts";

const BUFFER_BYTES = 4 << 20;

/** Node's own part of a socket, as far as it is needed to take its descriptor over. */
interface SocketHandle {
  readonly fd: number;
  recvStop(): void;
}

/** What came to one sink, by the sequence numbers of all SSRCs. */
export interface SinkCounts {
  /** Numbers that came, each counted once. */
  readonly received: number;
  /** Numbers from the first that came to the newest. */
  readonly expected: number;
  readonly doubled: number;
  /** Packets that the sink's own socket dropped, since its buffer was full. */
  readonly dropped: number;
  /** The SSRC that came first; 0 before the first packet. The next three are of it alone. */
  readonly ssrc: number;
  /** Extended. */
  readonly newest: number;
  readonly receivedOfSsrc: number;
  readonly first: number;
}

/** When a packet with a transport-wide number came to a sink. */
export interface SinkArrival {
  readonly transportSequence: number;
  readonly sizeBytes: number;
  /** On a clock that all sinks share. */
  readonly atMs: number;
}

/** Arrivals taken at a time. */
const ARRIVALS = 4096;

/**
 * Takes packets in without being the limit: a thread in C reads the sockets and counts media by its sequence numbers; what
 * is no media (checks, handshakes, reports) still reaches the socket's own listeners.
 */
export class Sinks {
  readonly #addon = benchAddon();
  readonly #sockets: Socket[] = [];
  readonly #counts = new Float64Array(8);
  readonly #arrivals = new Float64Array(3 * ARRIVALS);

  constructor() {
    this.#addon.startSinks((at, bytes, address, port) => {
      this.#sockets[at]?.emit("message", bytes, { address, family: "IPv4", port, size: bytes.length });
    });
  }

  /** Media packets taken in so far. */
  get count(): number {
    return this.#addon.sunk();
  }

  /**
   * Takes a socket over.
   *
   * @param transportSequenceId - Id of the header extension with the transport-wide number, 0 for none.
   * @returns Its number here.
   */
  take(socket: Socket, transportSequenceId = 0): number {
    socket.setRecvBufferSize(BUFFER_BYTES);
    const handle = handleOf(socket);
    handle.recvStop();
    const at = this.#sockets.push(socket) - 1;
    this.#addon.addSink(handle.fd, at, transportSequenceId);
    return at;
  }

  /** What came to one so far. */
  counts(at: number): SinkCounts {
    this.#addon.sinkCounts(at, this.#counts);
    const [received = 0, expected = 0, doubled = 0, dropped = 0, ssrc = 0, newest = 0, receivedOfSsrc = 0, first = 0] =
      this.#counts;
    return { received, expected, doubled, dropped, ssrc, newest, receivedOfSsrc, first };
  }

  /** What came to one with a transport-wide number since the last call. */
  arrivals(at: number): SinkArrival[] {
    const values = this.#arrivals;
    const count = this.#addon.sinkArrivals(at, values);
    return Array.from({ length: count }, (_, i) => ({
      transportSequence: values[3 * i] ?? 0,
      sizeBytes: values[3 * i + 1] ?? 0,
      atMs: values[3 * i + 2] ?? 0,
    }));
  }

  /** New sockets on loopback. @returns Their ports, and their numbers here. */
  async open(count: number): Promise<{ readonly ports: number[]; readonly sinks: number[]; close(): void }> {
    const sockets = Array.from({ length: count }, () => createSocket({ type: "udp4" }));
    const sinks = await Promise.all(
      sockets.map(async (socket) => {
        socket.bind(0, "127.0.0.1");
        await once(socket, "listening");
        return this.take(socket);
      }),
    );
    return {
      sinks,
      ports: sockets.map((socket) => socket.address().port),
      close: () => {
        for (const socket of sockets) socket.close();
      },
    };
  }
}

/** Sends packets from a socket, one after the other without a pause. @returns How many the system took. */
export function sendTogether(socket: Socket, address: string, port: number, packets: readonly Buffer[]): number {
  return benchAddon().sendTogether(handleOf(socket).fd, address, port, packets);
}

function handleOf(socket: Socket): SocketHandle {
  const [state] = Object.getOwnPropertySymbols(socket).filter((symbol) => symbol.description === "state symbol");
  const handle = state && (socket as unknown as Record<symbol, { handle?: SocketHandle }>)[state]?.handle;
  if (!handle) throw new Error("this Node keeps the descriptor of a socket elsewhere");
  return handle;
}
