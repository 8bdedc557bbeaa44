import type { MonoMs, Random } from "@lodeline/base";
import type { EnginePorts } from "./engine-ports.ts";
import type { CandidatePair, IceBase, RemoteCandidate } from "./ice/candidate-pair.ts";
import { FullIceAgent } from "./ice/full-ice-agent.ts";
import type { IceCredentials, IcePath, IceState, IceTimings } from "./ice/ice-types.ts";
import type { StunMessage } from "./ice/stun-message.ts";
import type { TransportIce } from "./ice/transport-ice.ts";
import type { PathOwner, UdpPath, UdpPort } from "./udp-port.ts";

/** What {@link ClientIce} tells its owner. */
export interface ClientIceEvents {
  readonly onState: () => void;
  readonly onPath: (path: IcePath) => void;
}

/**
 * Full ICE of one transport that connects to others, on sockets of its own: the server's port cannot be shared, since two
 * connections to one server would have the same pair of addresses. RFC 8445.
 */
export class ClientIce<Owner extends PathOwner> implements TransportIce {
  readonly #owner: Owner;
  readonly #agent: FullIceAgent;
  readonly #bases = new Map<IceBase, UdpPort<Owner>>();
  readonly #byPort = new Map<UdpPort<Owner>, IceBase>();
  readonly #events: ClientIceEvents;
  /** Of the generation that was answered last. */
  #remote: IceCredentials | undefined;
  #path: UdpPath<Owner> | undefined;
  #awaitsAnswer = true;
  #wasConnected = false;

  /** @param options.ports - Its sockets, open, in the order of `addresses`: the caller's. */
  constructor(options: {
    readonly owner: Owner;
    readonly ports: EnginePorts<Owner>;
    readonly addresses: readonly string[];
    readonly random: Random;
    readonly timings: Partial<IceTimings> | undefined;
    readonly events: ClientIceEvents;
  }) {
    this.#owner = options.owner;
    this.#events = options.events;
    for (const udp of options.ports.inOrder(options.addresses)) {
      const base: IceBase = {
        address: udp.localAddress,
        port: udp.localPort,
        send: (bytes, address, port) => udp.send(bytes, port, address),
      };
      this.#bases.set(base, udp);
      this.#byPort.set(udp, base);
    }
    this.#agent = new FullIceAgent({
      // The offerer controls, and a full agent always does where the other one is lite. RFC 8445 section 6.1.1.
      role: "controlling",
      bases: [...this.#bases.keys()],
      random: options.random,
      timings: options.timings,
      events: {
        onState: (state) => this.#stateChanged(state),
        onValid: (pair) => this.#use(pair),
        onPair: (pair) => this.#use(pair),
      },
    });
  }

  get state(): IceState {
    return this.#agent.state;
  }

  get path(): IcePath | undefined {
    return this.#path;
  }

  get roundTripMs(): number | undefined {
    return this.#agent.roundTripMs;
  }

  get deadlineMs(): MonoMs | undefined {
    return this.#agent.deadlineMs;
  }

  /** Our credentials, for the offer. */
  get local(): IceCredentials {
    return this.#agent.local;
  }

  /** Whether there was a connection since the last answer that began or restarted ICE. */
  get wasConnected(): boolean {
    return this.#wasConnected;
  }

  /** The next offer restarts ICE; before the first answer there is nothing to restart. */
  restart(): void {
    if (this.#awaitsAnswer) return;
    this.#awaitsAnswer = true;
    this.#agent.restart();
  }

  /**
   * Whether an answer with these credentials fits the offer: new ones where it began or restarted ICE, and the same ones
   * where it did not. RFC 8839 section 4.4.1.
   */
  fits({ usernameFragment, password }: IceCredentials): boolean {
    const isSame = this.#remote?.usernameFragment === usernameFragment && this.#remote.password === password;
    return this.#awaitsAnswer !== isSame;
  }

  /** The answer came. @param remote - As {@link ClientIce.fits}. */
  accept(remote: IceCredentials, candidates: readonly RemoteCandidate[], now: MonoMs): void {
    if (this.#awaitsAnswer) {
      this.#awaitsAnswer = false;
      this.#remote = remote;
      if (this.state !== "connected" && this.state !== "disconnected") this.#wasConnected = false;
      this.#agent.start(remote, candidates, now);
    } else for (const candidate of candidates) this.add(candidate);
  }

  /** One more candidate of theirs. */
  add(candidate: RemoteCandidate): void {
    this.#agent.add(candidate);
  }

  /** @returns Whether it was authentic. */
  handle(message: StunMessage, path: UdpPath<Owner>, now: MonoMs): boolean {
    const base = this.#byPort.get(path.udp);
    return base !== undefined && this.#agent.handle(message, base, path.address, path.port, now);
  }

  mediaHeard(path: IcePath, now: MonoMs): void {
    if (path === this.#path) this.#agent.heard(now);
  }

  tick(now: MonoMs): void {
    this.#agent.tick(now);
  }

  close(): void {
    this.#path = undefined;
    this.#agent.close();
  }

  #use({ base, remote }: CandidatePair): void {
    const path = this.#bases.get(base)?.pathTo(remote.port, remote.address);
    if (path === undefined || path === this.#path) return;
    path.owner = this.#owner;
    path.keep();
    this.#path = path;
    this.#events.onPath(path);
  }

  #stateChanged(state: IceState): void {
    if (state === "connected") this.#wasConnected = true;
    if (state === "failed") this.#path = undefined;
    this.#events.onState();
  }
}
