import { createSocket, type Socket } from "node:dgram";
import { isIPv6 } from "node:net";
import type { MonoMs } from "@lodeline/base";

/** As the media engine asks for: the default of the kernel loses packets at video rates. */
const BUFFER_BYTES = 4 * 1024 * 1024;

/** So many ports that were given up stay open and silent. */
const GIVEN_PORTS = 4;

/** A socket that both ends of the relay use, bound and ready. */
export async function bindUdp(address: string, port: number): Promise<Socket> {
  const socket = createSocket({
    type: isIPv6(address) ? "udp6" : "udp4",
    recvBufferSize: BUFFER_BYTES,
    sendBufferSize: BUFFER_BYTES,
    // Addresses are always literals: no resolver, no extra turn of the event loop for each datagram.
    lookup: (host, _options, callback) => callback(null, host, isIPv6(host) ? 6 : 4),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, address, () => {
      socket.off("error", reject);
      resolve();
    });
  });
  // After binding, an error is about one datagram, such as a refusal by ICMP.
  socket.on("error", () => {});
  return socket;
}

/** A client as the server sees it: the socket that speaks for it, which may become another one. */
export class UdpClient {
  /** The last moment at which anything came from it or went to it. */
  usedAtMs: MonoMs;
  readonly #received: (bytes: Buffer) => void;
  readonly #server: { readonly address: string; readonly port: number };
  #early: Buffer[] | undefined = [];
  #socket: Socket | undefined;
  /** Sockets it spoke from before, newest last. */
  readonly #given: Socket[] = [];
  #closed = false;

  constructor(
    server: { readonly address: string; readonly port: number },
    now: MonoMs,
    received: (bytes: Buffer) => void,
  ) {
    this.#server = server;
    this.#received = received;
    this.usedAtMs = now;
  }

  /** The address that the server sees, once there is one. */
  get local(): { readonly address: string; readonly port: number } | undefined {
    return this.#socket?.address();
  }

  /**
   * Speaks from another port, or another address, from now on. What the server sends to the old one is lost without a
   * word, as behind a NAT whose mapping is gone.
   */
  async bind(address: string): Promise<void> {
    const socket = await bindUdp(address, 0);
    if (this.#closed) return void socket.close();
    const old = this.#socket;
    this.#socket = socket;
    // It stays open and silent: a closed one would answer with ICMP refusals, which a NAT does not.
    old?.removeAllListeners("message");
    if (old) this.#given.push(old);
    if (this.#given.length > GIVEN_PORTS) this.#given.shift()?.close();
    socket.on("message", this.#received);
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const bytes of early) this.send(bytes);
  }

  send(bytes: Buffer): void {
    if (this.#early) this.#early.push(bytes);
    else if (!this.#closed) this.#socket?.send(bytes, this.#server.port, this.#server.address);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const socket of [...this.#given, this.#socket]) socket?.close();
  }
}
