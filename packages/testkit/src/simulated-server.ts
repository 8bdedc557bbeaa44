import type { Clock } from "@lodeline/base";
import { type Authorization, Hub, type HubImage, type MemoryStore, type Recipient } from "@lodeline/hub";
import type { SocketHandle } from "@lodeline/participant";
import type { ServerMessage, Timers, Topology } from "@lodeline/protocol";
import type { Chance } from "./chance.ts";
import { FakeMediaEngine, type FakeMediaEngineOptions } from "./fake-media-engine.ts";
import { FakeServerPeer } from "./fake-server-peer.ts";
import type { MediaPlane } from "./media-plane.ts";
import type { AcceptedSocketHandlers } from "./simulated-network.ts";

/** What {@link SimulatedServer} needs. */
export interface SimulatedServerOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly plane: MediaPlane;
  readonly timers: Timers;
  readonly topology: Topology;
  /** Told of every operation on the media engine, for the trace. */
  readonly onOperation?: FakeMediaEngineOptions["onOperation"];
  violation(text: string): void;
  /** Told of each hub, the first and the one of each restart, before anything happens to it. */
  readonly onHub?: ((hub: Hub) => void) | undefined;
  /**
   * Where the hub keeps what survives a {@link SimulatedServer.kill}: a new one for each life, so that what the last one
   * still had under way is lost. Absent: nothing is kept.
   */
  readonly store?: (() => MemoryStore) | undefined;
}

/** Says whether a message goes out to a client. */
export type MessageFilter = (to: Recipient, message: ServerMessage) => boolean;

/** Messages a client may send: faults make many, and the limit has tests of its own. */
const RATE = { perSecond: 500, burst: 2000 };

/**
 * A server without sockets: the real hub, on a fake media engine. A token is `<identity>` or `<identity>/<role>`; every
 * one is good.
 */
export class SimulatedServer implements Disposable {
  readonly #options: SimulatedServerOptions;
  #lives = 0;
  #life: Life;
  /** What the last life has kept. */
  #kept: HubImage | undefined;
  /** Drops messages to clients above the link, where no resend brings them back. */
  filter: MessageFilter | undefined;

  constructor(options: SimulatedServerOptions) {
    this.#options = options;
    this.#life = this.#begin();
  }

  get hub(): Hub {
    return this.#life.hub;
  }

  get media(): FakeMediaEngine {
    return this.#life.media;
  }

  get serverPeer(): FakeServerPeer {
    return this.#life.serverPeer;
  }

  /** Where the present hub keeps itself; undefined where nothing is kept. */
  get store(): MemoryStore | undefined {
    return this.#life.store;
  }

  /** The process dies: nothing more is said, nothing more is kept. Sockets and media are cut by whoever calls. */
  kill(): void {
    this.#kept = this.#life.store?.image();
    this[Symbol.dispose]();
  }

  /** After a kill: another process begins with what was kept. */
  restart(): void {
    this.#life = this.#begin();
  }

  /** Takes a socket of the simulated network. */
  accept(socket: SocketHandle): AcceptedSocketHandlers {
    const connection = this.hub.connect(socket);
    return { text: (text) => connection.text(text), closed: (code) => connection.closed(code) };
  }

  [Symbol.dispose](): void {
    this.hub[Symbol.dispose]();
    this.media[Symbol.dispose]();
    this.serverPeer[Symbol.dispose]();
  }

  #begin(): Life {
    const { clock, chance, plane, timers, topology, violation, onOperation, onHub } = this.#options;
    const engine = { clock, plane, violation };
    const store = this.#options.store?.();
    // A process draws chances of its own: the same ones would make the same ids again.
    const own = (what: string) => chance.fork(this.#lives > 0 ? `${what} ${this.#lives}` : what);
    this.#lives += 1;
    const media: FakeMediaEngine = new FakeMediaEngine({
      ...engine,
      onOperation,
      chance: own("media"),
      facts: (room, facts) => hub.mediaFacts(room, facts),
    });
    const serverPeer = new FakeServerPeer({ ...engine, chance: own("server-peer") });
    const hub: Hub = new Hub({
      clock,
      random: own("hub"),
      timers,
      topology,
      rate: RATE,
      store,
      restore: this.#kept,
      digest: (secret) => [...secret].reverse().join(""),
      ports: {
        authorization: { authorize: (request, done) => done(authorizationOf(request.token ?? request.name)) },
        media,
        serverPeer,
        intercept: ({ who, direction, message }, forward) => {
          if (direction === "to-server" || (this.filter?.(who, message) ?? true)) forward();
        },
      },
    });
    onHub?.(hub);
    return { hub, media, serverPeer, store };
  }
}

/** One process of the server. */
interface Life {
  readonly hub: Hub;
  readonly media: FakeMediaEngine;
  readonly serverPeer: FakeServerPeer;
  readonly store: MemoryStore | undefined;
}

function authorizationOf(token: string): Authorization {
  const [identity = "nobody", role] = token.split("/");
  return {
    identity,
    name: identity,
    grants: { join: true, call: true, role: role === "moderator" || role === "viewer" ? role : "speaker" },
  };
}
