import type { DatagramSocket } from "./datagram-socket.ts";
import type { IcePath } from "./ice/ice-types.ts";
import type { KernelPath } from "./kernel/kernel-session.ts";

/** What a path needs of its owner. */
export interface PathOwner {
  /** The number of its session in the packet kernel; `undefined` when it has none. */
  readonly kernelSession: number | undefined;
}

/** A remote address as seen by one of our sockets; the same object for as long as it is in use. */
export class UdpPath<Owner extends PathOwner> implements IcePath {
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

  /** It was proven whose it is: later datagrams from there find their owner at once. */
  keep(): void {
    this.udp.keep(this);
  }

  /** The same path for the packet kernel, when the socket is the kernel's. */
  get kernelPath(): KernelPath | undefined {
    const port = this.udp.kernelPort;
    return port === undefined ? undefined : { port, address: this.address, portNumber: this.port };
  }
}

/** Where {@link UdpPort} delivers. */
export type DatagramHandler<Owner extends PathOwner> = (bytes: Buffer, path: UdpPath<Owner>) => void;

/** Tells the kernel whose media comes from where: session `undefined` is nobody's. */
export type RouteSetter<Owner extends PathOwner> = (path: UdpPath<Owner>, session: number | undefined) => void;

/** One UDP socket for all transports of an engine on one local address. */
export class UdpPort<Owner extends PathOwner> {
  readonly #paths = new Map<number, Map<string, UdpPath<Owner>>>();
  readonly #handler: DatagramHandler<Owner>;
  readonly #route: RouteSetter<Owner> | undefined;
  readonly localAddress: string;
  #socket: DatagramSocket | undefined;

  private constructor(localAddress: string, handler: DatagramHandler<Owner>, route: RouteSetter<Owner> | undefined) {
    this.localAddress = localAddress;
    this.#handler = handler;
    this.#route = route;
  }

  /**
   * Opens a socket.
   *
   * @param address - A local IPv4 or IPv6 literal.
   * @param open - Opens it; datagrams go to the listener.
   * @param route - Where the socket is the kernel's.
   * @throws LodelineError `media/bind-failed`.
   */
  static async open<Owner extends PathOwner>(
    address: string,
    open: (
      listener: (bytes: Buffer, port: number, address: string) => void,
    ) => Promise<DatagramSocket> | DatagramSocket,
    handler: DatagramHandler<Owner>,
    route?: RouteSetter<Owner>,
  ): Promise<UdpPort<Owner>> {
    const made = new UdpPort<Owner>(address, handler, route);
    made.#socket = await open((bytes, port, from) => made.#handler(bytes, made.pathTo(port, from)));
    return made;
  }

  /** The way from this socket to an address: the one that is kept, or a new one. */
  pathTo(port: number, address: string): UdpPath<Owner> {
    return this.#paths.get(port)?.get(address) ?? new UdpPath<Owner>(this, address, port);
  }

  get localPort(): number {
    return this.#socket?.localPort ?? 0;
  }

  /** The socket's number in the packet kernel; `undefined` when it is Node's. */
  get kernelPort(): number | undefined {
    return this.#socket?.kernelPort;
  }

  /** Datagrams that the system would not take. */
  get sendErrors(): number {
    return this.#socket?.sendErrors ?? 0;
  }

  /** Sends now. `bytes` must not change until the kernel has taken it: nearly always before this returns. */
  send(bytes: Uint8Array, port: number, address: string): void {
    this.#socket?.send(bytes, port, address);
  }

  /** Keeps an authenticated path, so that later datagrams from there find their owner at once. */
  keep(path: UdpPath<Owner>): void {
    let addresses = this.#paths.get(path.port);
    if (addresses === undefined) {
      addresses = new Map();
      this.#paths.set(path.port, addresses);
    }
    addresses.set(path.address, path);
    this.#route?.(path, path.owner?.kernelSession);
  }

  /** An owner has got its session in the kernel: what comes on its paths is for that. */
  reroute(owner: Owner): void {
    for (const path of this.paths()) if (path.owner === owner) this.#route?.(path, owner.kernelSession);
  }

  /** Every path that is kept. */
  *paths(): Iterable<UdpPath<Owner>> {
    for (const addresses of this.#paths.values()) yield* addresses.values();
  }

  /** Forgets every path of an owner that closed. */
  release(owner: Owner): void {
    for (const [port, addresses] of this.#paths) {
      for (const [address, path] of addresses) {
        if (path.owner !== owner) continue;
        addresses.delete(address);
        this.#route?.(path, undefined);
      }
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
    const socket = this.#socket;
    this.#socket = undefined;
    await socket?.close();
  }
}
