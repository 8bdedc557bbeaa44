import { NO_ID } from "@lodeline/native";
import { openKernelSocket, openNodeSocket } from "./datagram-socket.ts";
import type { PacketKernel } from "./kernel/packet-kernel.ts";
import { PathNumbers } from "./path-numbers.ts";
import type { HostCandidate } from "./sdp/description.ts";
import { type TcpPath, TcpPort } from "./tcp-port.ts";
import { type PathOwner, type UdpPath, UdpPort } from "./udp-port.ts";

/** A remote address as one of our sockets sees it, by UDP or TCP. */
export type EnginePath<Owner extends PathOwner> = UdpPath<Owner> | TcpPath<Owner>;

/** Where all sockets deliver. */
export type PathHandler<Owner extends PathOwner> = (bytes: Buffer, path: EnginePath<Owner>) => void;

/** Tries where the system chooses the port and TCP does not get the same number. */
const SAME_NUMBER_TRIES = 8;

/** The sockets of one engine: UDP, Node's or the packet kernel's, TCP beside it, and whose media comes where. */
export class EnginePorts<Owner extends PathOwner> {
  readonly #kernel: PacketKernel | undefined;
  readonly #handler: PathHandler<Owner>;
  readonly #tcp: boolean;
  readonly #ports: UdpPort<Owner>[] = [];
  readonly #listeners: TcpPort<Owner>[] = [];
  readonly #numbers = new PathNumbers<UdpPath<Owner>>();

  /** @param tcp - Whether each UDP socket has a TCP listener of the same number beside it. */
  constructor(kernel: PacketKernel | undefined, tcp: boolean, handler: PathHandler<Owner>) {
    this.#kernel = kernel;
    this.#tcp = tcp;
    this.#handler = handler;
  }

  /**
   * Opens one socket on an address, at the first free port of a range, and TCP on the same number where that is wanted.
   *
   * @throws LodelineError `media/bind-failed`.
   */
  async open(address: string, range: { readonly min: number; readonly max: number }): Promise<void> {
    // Where the system chooses the number, it is free for UDP and mostly, not always, for TCP too.
    const last = range.min === 0 && this.#tcp ? SAME_NUMBER_TRIES - 1 : range.max - range.min;
    for (let tried = 0; ; tried++) {
      try {
        await this.#openBoth(address, range.min === 0 ? 0 : range.min + tried);
        return;
      } catch (error) {
        if (tried >= last) throw error;
      }
    }
  }

  async #openBoth(address: string, port: number): Promise<void> {
    const udp = await this.#bind(address, port);
    if (this.#tcp) {
      try {
        this.#listeners.push(await TcpPort.open<Owner>(address, udp.localPort, this.#handler));
      } catch (error) {
        await udp.close();
        throw error;
      }
    }
    this.#ports.push(udp);
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

  /** The UDP sockets in the order of the addresses, whichever opened first. */
  inOrder(addresses: readonly string[]): UdpPort<Owner>[] {
    return addresses.flatMap((address) => this.#ports.filter(({ localAddress }) => localAddress === address));
  }

  /** The same as candidates. */
  candidates(addresses: readonly string[]): HostCandidate[] {
    return this.inOrder(addresses).map(({ localAddress, localPort }) => ({ address: localAddress, port: localPort }));
  }

  /** Whether browsers can connect by TCP to the same numbers. */
  get hasTcp(): boolean {
    return this.#listeners.length > 0;
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
    for (const port of [...this.#ports, ...this.#listeners]) port.release(owner);
  }

  /** How many sockets are open. */
  get count(): number {
    return this.#ports.length + this.#listeners.length;
  }

  /** How many paths are kept. */
  get pathCount(): number {
    return [...this.#ports, ...this.#listeners].reduce((sum, { pathCount }) => sum + pathCount, 0);
  }

  /** Closes every socket; more may be opened afterwards. */
  async close(): Promise<void> {
    await Promise.all([...this.#ports.splice(0), ...this.#listeners.splice(0)].map((port) => port.close()));
  }
}
