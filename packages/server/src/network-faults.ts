import type { Clock, Random } from "@lodeline/base";
import { performTcpFault, performUdpFault, type TcpEndpoint, TcpProxy, UdpRelay } from "@lodeline/chaos";
import { LINK_PATH } from "@lodeline/protocol";
import type { ServerFaults } from "./faults.ts";

/** What stands between the network and a server whose network may be broken on purpose: a proxy and relays. */
export class NetworkFaults implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #relays: UdpRelay[] = [];
  #proxy: TcpProxy | undefined;

  /** The faults `tcp` and `udp` can be started at `faults` from now on; they are refused until there is what they break. */
  constructor(faults: ServerFaults, clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
    faults.perform("udp", (fault, over) => performUdpFault(this.#relays, fault, { clock, random, over }));
    faults.perform("tcp", (fault, over) => {
      if (!this.#proxy) throw new TypeError("faults are started when the server listens");
      return performTcpFault(this.#proxy, fault, over);
    });
  }

  /** Puts a relay before a media socket: clients are told its address. */
  readonly announce = async (socket: { readonly address: string; readonly port: number }) => {
    const relay = await UdpRelay.open(this.#clock, socket);
    this.#relays.push(relay);
    return relay.endpoint;
  };

  /**
   * Puts a proxy before the server's own port.
   *
   * @returns The port that clients use.
   * @throws LodelineError `config/invalid`, field `port`.
   */
  async listen(listen: TcpEndpoint, target: TcpEndpoint): Promise<number> {
    this.#proxy = await TcpProxy.open({
      clock: this.#clock,
      random: this.#random,
      listen,
      target: () => target,
      // Links alone: the request that ends a fault must not suffer from it.
      affects: (head) => head.subarray(0, LINK_REQUEST.length).equals(LINK_REQUEST),
    });
    return this.#proxy.port;
  }

  /** Closes the proxy and every relay. */
  async close(): Promise<void> {
    await Promise.all([this.#proxy?.close(), ...this.#relays.splice(0).map((relay) => relay.close())]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const LINK_REQUEST = Buffer.from(`GET ${LINK_PATH}`);
