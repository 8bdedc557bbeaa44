import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import { LodelineError } from "@lodeline/base";
import type { IcePath } from "./ice/ice-types.ts";

/**
 * Asked of the kernel for receiving. The default of 208 kB lost 6 to 24 % of packets at video rates; the kernel
 * grants at most net.core.rmem_max without privilege.
 */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** A remote address as seen by one of our sockets; the same object for as long as it is in use. */
export class UdpPath<Owner> implements IcePath {
  readonly address: string;
  readonly port: number;
  readonly udp: UdpPort<Owner>;
  /** Who gets what comes from here; the one that authenticated last. */
  owner: Owner | undefined;

  constructor(udp: UdpPort<Owner>, address: string, port: number) {
    this.udp = udp;
    this.address = address;
    this.port = port;
  }

  send(bytes: Uint8Array): void {
    this.udp.send(bytes, this.port, this.address);
  }
}

/** Where {@link UdpPort} delivers. */
export type DatagramHandler<Owner> = (bytes: Buffer, path: UdpPath<Owner>) => void;

/** One UDP socket for all transports of an engine on one local address. */
export class UdpPort<Owner> {
  readonly #socket: Socket;
  readonly #paths = new Map<number, Map<string, UdpPath<Owner>>>();
  readonly localAddress: string;
  #open = true;
  /** Datagrams the kernel would not take. */
  sendErrors = 0;

  private constructor(socket: Socket, localAddress: string, handler: DatagramHandler<Owner>) {
    this.#socket = socket;
    this.localAddress = localAddress;
    socket.on("message", (bytes, from) => {
      handler(bytes, this.#paths.get(from.port)?.get(from.address) ?? new UdpPath(this, from.address, from.port));
    });
    // After binding, an error event is about one datagram (such as an ICMP refusal): consent decides, not this.
    socket.on("error", () => {
      this.sendErrors++;
    });
  }

  /**
   * Opens a socket.
   *
   * @param address - A local IPv4 or IPv6 literal.
   * @param port - 0 for any.
   * @throws LodelineError `media/bind-failed`.
   */
  static async open<Owner>(address: string, port: number, handler: DatagramHandler<Owner>): Promise<UdpPort<Owner>> {
    const socket = createSocket({
      type: isIPv6(address) ? "udp6" : "udp4",
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      sendBufferSize: RECEIVE_BUFFER_BYTES,
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
    return new UdpPort(socket, address, handler);
  }

  get localPort(): number {
    return this.#socket.address().port;
  }

  /** Bytes of receive buffer that the kernel granted. */
  get receiveBufferBytes(): number {
    return this.#socket.getRecvBufferSize();
  }

  /** Datagrams waiting in this process because the kernel was busy. */
  get queuedDatagrams(): number {
    return this.#socket.getSendQueueCount();
  }

  /** Sends now. `bytes` must not change until the kernel has taken it: nearly always before this returns. */
  send(bytes: Uint8Array, port: number, address: string): void {
    if (!this.#open) return;
    // Without a callback errors arrive as the socket's error event, and no request object outlives the call.
    this.#socket.send(bytes, port, address);
  }

  /** Keeps an authenticated path, so that later datagrams from there find their owner at once. */
  keep(path: UdpPath<Owner>): void {
    let addresses = this.#paths.get(path.port);
    if (addresses === undefined) {
      addresses = new Map();
      this.#paths.set(path.port, addresses);
    }
    addresses.set(path.address, path);
  }

  /** Forgets every path of an owner that closed. */
  release(owner: Owner): void {
    for (const [port, addresses] of this.#paths) {
      for (const [address, path] of addresses) if (path.owner === owner) addresses.delete(address);
      if (addresses.size === 0) this.#paths.delete(port);
    }
  }

  /** How many paths are kept. */
  get pathCount(): number {
    let count = 0;
    for (const addresses of this.#paths.values()) count += addresses.size;
    return count;
  }

  async close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()));
  }
}
