import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { LodelineError } from "@lodeline/base";
import type { PacketKernel } from "./kernel/packet-kernel.ts";

/**
 * Asked of the system for receiving and sending. The default of 208 kB lost 6 to 24 % of packets at video rates; the system
 * grants at most net.core.rmem_max without privilege.
 */
const BUFFER_BYTES = 4 * 1024 * 1024;

/** One UDP socket, Node's or the packet kernel's. */
export interface DatagramSocket {
  readonly localPort: number;
  /** The socket's number in the kernel; `undefined` for Node's. */
  readonly kernelPort: number | undefined;
  /** Datagrams that the system would not take. */
  readonly sendErrors: number;
  /** Datagrams that wait in this process because the system was busy. */
  readonly queuedDatagrams: number;
  /** Sends now. `bytes` must not change until the system has taken it: nearly always before this returns. */
  send(bytes: Uint8Array, port: number, address: string): void;
  close(): Promise<void>;
}

/** Where a {@link DatagramSocket} delivers. */
export type DatagramListener = (bytes: Buffer, port: number, address: string) => void;

/**
 * Opens a socket of Node's.
 *
 * @param address - A local IPv4 or IPv6 literal.
 * @param port - 0 for any.
 * @throws LodelineError `media/bind-failed`.
 */
export async function openNodeSocket(
  address: string,
  port: number,
  listener: DatagramListener,
): Promise<DatagramSocket> {
  const socket = createSocket({
    type: isIPv6(address) ? "udp6" : "udp4",
    recvBufferSize: BUFFER_BYTES,
    sendBufferSize: BUFFER_BYTES,
    // Addresses are always literals: no resolver, no extra turn of the event loop for each datagram.
    lookup: (host, _options, callback) => callback(null, host, isIPv6(host) ? 6 : 4),
  });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(port, address, () => {
        socket.removeListener("error", reject);
        resolve();
      });
    });
  } catch (cause) {
    socket.close();
    throw new LodelineError("media/bind-failed", { detail: `cannot bind UDP ${address} port ${port}`, cause });
  }
  return new NodeSocket(socket, listener);
}

class NodeSocket implements DatagramSocket {
  readonly #socket: Socket;
  readonly localPort: number;
  readonly kernelPort = undefined;
  sendErrors = 0;

  constructor(socket: Socket, listener: DatagramListener) {
    this.#socket = socket;
    this.localPort = socket.address().port;
    socket.on("message", (bytes, from) => listener(bytes, from.port, from.address));
    // After binding, an error event is about one datagram (such as an ICMP refusal): consent decides, not this.
    socket.on("error", () => {
      this.sendErrors++;
    });
  }

  get queuedDatagrams(): number {
    return this.#socket.getSendQueueCount();
  }

  send(bytes: Uint8Array, port: number, address: string): void {
    // Without a callback errors arrive as the socket's error event, and no request object outlives the call.
    this.#socket.send(bytes, port, address);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }
}

/**
 * Opens a socket of the kernel's: media of routed paths stays in the kernel, the rest is delivered.
 *
 * @throws LodelineError `media/bind-failed`.
 */
export function openKernelSocket(
  kernel: PacketKernel,
  address: string,
  port: number,
  listener: DatagramListener,
): DatagramSocket {
  const id = kernel.openPort(address, port, BUFFER_BYTES, listener);
  if (id < 0) {
    const detail = `cannot bind UDP ${address} port ${port} (errno ${-id - 1})`;
    throw new LodelineError("media/bind-failed", { detail });
  }
  let sendErrors = 0;
  return {
    localPort: kernel.binding.portNumber(kernel.handle, id),
    kernelPort: id,
    // What the system does not take at once is counted as an error and dropped.
    queuedDatagrams: 0,
    get sendErrors() {
      return sendErrors;
    },
    send(bytes, to, host) {
      if (kernel.binding.sendDatagram(kernel.handle, id, host, to, bytes) === 0) sendErrors++;
    },
    async close() {
      kernel.closePort(id);
    },
  };
}
