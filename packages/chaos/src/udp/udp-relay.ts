import type { RemoteInfo, Socket } from "node:dgram";
import { type Clock, type Random, seededRandom } from "@lodeline/base";
import { bindUdp, UdpClient } from "./udp-client.ts";
import { type UdpConditions, UdpLane } from "./udp-conditions.ts";
import { newUdpCounters, type UdpCounters, UdpWay } from "./udp-way.ts";

/** An address of UDP. */
export interface UdpEndpoint {
  /** An IP literal. */
  readonly address: string;
  readonly port: number;
}

/** What a fault imposes on each way; absent ways are untouched. */
export interface UdpFaultConditions {
  readonly up?: UdpConditions | undefined;
  readonly down?: UdpConditions | undefined;
  /** Decides for all clients in the order their datagrams come. */
  readonly random: Random;
}

/** A client nobody heard of for this long is forgotten. */
const IDLE_MS = 60_000;

interface Flow {
  readonly client: UdpClient;
  readonly up: UdpWay;
  readonly down: UdpWay;
  readonly lanes: Map<UdpFaultConditions, { readonly up?: UdpLane; readonly down?: UdpLane }>;
}

/**
 * Stands between clients and one UDP port of a server: clients talk to {@link UdpRelay.endpoint}, the server sees each of
 * them at a socket of its own. Datagrams can be lost, late, reordered and doubled, and a client can get another port or
 * address in the middle of it all.
 */
export class UdpRelay implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #server: UdpEndpoint;
  readonly #front: Socket;
  readonly #flows = new Map<string, Flow>();
  readonly #conditions = new Set<UdpFaultConditions>();
  readonly #counters: UdpCounters = newUdpCounters();
  #moves = 0;

  private constructor(clock: Clock, server: UdpEndpoint, front: Socket) {
    this.#clock = clock;
    this.#server = server;
    this.#front = front;
    front.on("message", (bytes, from) => this.#fromClient(bytes, from));
  }

  /**
   * Opens a relay in front of a server's port, on the same address.
   *
   * @returns The caller's to close.
   */
  static async open(clock: Clock, server: UdpEndpoint): Promise<UdpRelay> {
    return new UdpRelay(clock, server, await bindUdp(server.address, 0));
  }

  /** Where clients have to send. */
  get endpoint(): UdpEndpoint {
    return { address: this.#server.address, port: this.#front.address().port };
  }

  get counters(): Readonly<UdpCounters> {
    return { ...this.#counters };
  }

  /** From now on this holds, until it is taken away with the same object. */
  impose(conditions: UdpFaultConditions): void {
    this.#conditions.add(conditions);
  }

  lift(conditions: UdpFaultConditions): void {
    this.#conditions.delete(conditions);
    for (const flow of this.#flows.values()) flow.lanes.delete(conditions);
  }

  /** Every client speaks from another port of the same address. */
  async rebind(): Promise<void> {
    await this.#rebindAll((client) => client.local?.address ?? this.#server.address);
    this.#counters.rebound += this.#flows.size;
  }

  /** Every client speaks from another loopback address. */
  async move(): Promise<void> {
    const address = `127.0.${1 + Math.floor(this.#moves / 250)}.${2 + (this.#moves % 250)}`;
    this.#moves++;
    await this.#rebindAll(() => address);
    this.#counters.moved += this.#flows.size;
  }

  /** Closes every socket. Idempotent. */
  async close(): Promise<void> {
    for (const key of [...this.#flows.keys()]) this.#forget(key);
    this.#front.removeAllListeners("message");
    await new Promise<void>((resolve) => {
      try {
        this.#front.close(() => resolve());
      } catch {
        resolve();
      }
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #rebindAll(addressOf: (client: UdpClient) => string): Promise<void> {
    await Promise.all([...this.#flows.values()].map(({ client }) => client.bind(addressOf(client))));
  }

  #fromClient(bytes: Buffer, from: RemoteInfo): void {
    const key = `${from.address} ${from.port}`;
    const flow = this.#flows.get(key) ?? this.#newFlow(key, from);
    this.#counters.up++;
    flow.client.usedAtMs = this.#clock.now();
    flow.up.handle(bytes, this.#lanes(flow, "up"));
  }

  #newFlow(key: string, from: RemoteInfo): Flow {
    this.#forgetIdle();
    this.#counters.clients++;
    const now = this.#clock.now();
    const client = new UdpClient(this.#server, now, (bytes) => {
      this.#counters.down++;
      flow.down.handle(bytes, this.#lanes(flow, "down"));
    });
    const flow: Flow = {
      client,
      up: new UdpWay(this.#clock, this.#counters, (bytes) => client.send(bytes)),
      down: new UdpWay(this.#clock, this.#counters, (bytes) => this.#front.send(bytes, from.port, from.address)),
      lanes: new Map(),
    };
    this.#flows.set(key, flow);
    client.bind(this.#server.address).catch(() => this.#forget(key));
    return flow;
  }

  #lanes(flow: Flow, way: "up" | "down"): readonly UdpLane[] {
    if (this.#conditions.size === 0) return [];
    return [...this.#conditions].flatMap((conditions) => {
      let lanes = flow.lanes.get(conditions);
      if (!lanes) {
        const { up, down, random } = conditions;
        lanes = {
          ...(up ? { up: new UdpLane(up, seededRandom(random.u32())) } : {}),
          ...(down ? { down: new UdpLane(down, seededRandom(random.u32())) } : {}),
        };
        flow.lanes.set(conditions, lanes);
      }
      return lanes[way] ?? [];
    });
  }

  #forgetIdle(): void {
    const now = this.#clock.now();
    for (const [key, { client }] of this.#flows) if (now - client.usedAtMs > IDLE_MS) this.#forget(key);
  }

  #forget(key: string): void {
    const flow = this.#flows.get(key);
    if (!flow) return;
    this.#flows.delete(key);
    flow.up.close();
    flow.down.close();
    flow.client.close();
  }
}
