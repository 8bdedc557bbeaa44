import { NO_ID } from "@lodeline/native";
import { openKernelSocket, openNodeSocket } from "./datagram-socket.ts";
import type { PacketKernel } from "./kernel/packet-kernel.ts";
import { PathNumbers } from "./path-numbers.ts";
import type { HostCandidate } from "./sdp/answer.ts";
import { type DatagramHandler, type PathOwner, type UdpPath, UdpPort } from "./udp-port.ts";

/** The UDP sockets of one engine, Node's or the packet kernel's, and whose media comes where. */
export class EnginePorts<Owner extends PathOwner> {
  readonly #kernel: PacketKernel | undefined;
  readonly #handler: DatagramHandler<Owner>;
  readonly #ports: UdpPort<Owner>[] = [];
  readonly #numbers = new PathNumbers<UdpPath<Owner>>();

  constructor(kernel: PacketKernel | undefined, handler: DatagramHandler<Owner>) {
    this.#kernel = kernel;
    this.#handler = handler;
  }

  /**
   * Opens one socket on an address, at the first free port of a range.
   *
   * @throws LodelineError `media/bind-failed`.
   */
  async open(address: string, range: { readonly min: number; readonly max: number }): Promise<void> {
    for (let port = range.min; ; port++) {
      try {
        this.#ports.push(await this.#bind(address, port));
        return;
      } catch (error) {
        if (port >= range.max) throw error;
      }
    }
  }

  #bind(address: string, port: number): Promise<UdpPort<Owner>> {
    const kernel = this.#kernel;
    if (kernel === undefined) {
      return UdpPort.open(address, (listener) => openNodeSocket(address, port, listener), this.#handler);
    }
    return UdpPort.open(
      address,
      (listener) => openKernelSocket(kernel, address, port, listener),
      this.#handler,
      (path, session) => this.#route(kernel, path, session),
    );
  }

  #route(kernel: PacketKernel, path: UdpPath<Owner>, session: number | undefined): void {
    const { kernelPath } = path;
    if (kernelPath === undefined) return;
    if (session === undefined) this.#numbers.release(path);
    const number = session === undefined ? 0 : this.#numbers.of(path);
    const { port, address, portNumber } = kernelPath;
    kernel.binding.setRoute(kernel.handle, port, address, portNumber, session ?? NO_ID, number);
  }

  /** The sockets in the order of the addresses, whichever opened first. */
  candidates(addresses: readonly string[]): HostCandidate[] {
    return addresses.flatMap((address) =>
      this.#ports
        .filter(({ localAddress }) => localAddress === address)
        .map(({ localPort }) => ({ address, port: localPort })),
    );
  }

  /** The path that the kernel names by a number. */
  pathOf(number: number): UdpPath<Owner> | undefined {
    return this.#numbers.get(number);
  }

  /** An owner has got its session in the kernel: media on its paths is for that. */
  reroute(owner: Owner): void {
    for (const port of this.#ports) port.reroute(owner);
  }

  /** Forgets every path of an owner that closed. */
  release(owner: Owner): void {
    for (const port of this.#ports) port.release(owner);
  }

  /** How many sockets are open. */
  get count(): number {
    return this.#ports.length;
  }

  /** How many paths are kept. */
  get pathCount(): number {
    return this.#ports.reduce((sum, { pathCount }) => sum + pathCount, 0);
  }

  /** Closes every socket; more may be opened afterwards. */
  async close(): Promise<void> {
    await Promise.all(this.#ports.splice(0).map((port) => port.close()));
  }
}
