import type { Clock } from "@lodeline/base";
import { type Authorization, Hub, type Recipient } from "@lodeline/hub";
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
  readonly hub: Hub;
  readonly media: FakeMediaEngine;
  readonly serverPeer: FakeServerPeer;
  /** Drops messages to clients above the link, where no resend brings them back. */
  filter: MessageFilter | undefined;

  constructor(options: SimulatedServerOptions) {
    const { clock, chance, plane, timers, topology, violation } = options;
    const engine = { clock, plane, violation };
    this.media = new FakeMediaEngine({
      ...engine,
      onOperation: options.onOperation,
      chance: chance.fork("media"),
      facts: (room, facts) => this.hub.mediaFacts(room, facts),
    });
    this.serverPeer = new FakeServerPeer({ ...engine, chance: chance.fork("server-peer") });
    this.hub = new Hub({
      clock,
      random: chance.fork("hub"),
      timers,
      topology,
      rate: RATE,
      ports: {
        authorization: { authorize: (request, done) => done(authorizationOf(request.token ?? request.name)) },
        media: this.media,
        serverPeer: this.serverPeer,
        intercept: ({ who, direction, message }, forward) => {
          if (direction === "to-server" || (this.filter?.(who, message) ?? true)) forward();
        },
      },
    });
  }

  /** Takes a socket of the simulated network. */
  accept(socket: SocketHandle): AcceptedSocketHandlers {
    const connection = this.hub.connect(socket);
    return { text: (text) => connection.text(text), closed: (code) => connection.closed(code) };
  }

  [Symbol.dispose](): void {
    this.hub[Symbol.dispose]();
    this.media[Symbol.dispose]();
  }
}

function authorizationOf(token: string): Authorization {
  const [identity = "nobody", role] = token.split("/");
  return {
    identity,
    name: identity,
    grants: { join: true, call: true, role: role === "moderator" || role === "viewer" ? role : "speaker" },
  };
}
