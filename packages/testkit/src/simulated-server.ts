import type { Clock } from "@lodeline/base";
import { LodelineError } from "@lodeline/base";
import { type Authorization, Hub, type HubImage, type HubStore, type Passing, type Recipient } from "@lodeline/hub";
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
  /** At most so many in a room; default: the hub's own limit. */
  readonly maxParticipants?: number | undefined;
  /** Where what must survive the process is kept. Absent: nowhere. */
  readonly store?: HubStore | undefined;
  /** What an earlier process has left there. */
  readonly restore?: HubImage | undefined;
  /** The tokens that have run out: a token that was made at this wall time or before, by identity. */
  readonly expired: ReadonlyMap<string, number>;
  /** Told of every operation on the media engine, for the trace. */
  readonly onOperation?: FakeMediaEngineOptions["onOperation"];
  /** What an operation of the room on the media plane comes to, for faults planted on purpose. */
  readonly onMedia?: FakeMediaEngineOptions["admits"];
  violation(text: string): void;
}

/** Says whether a message goes out to a client. */
export type MessageFilter = (to: Recipient, message: ServerMessage) => boolean;

/** Decides what becomes of a message above the link: calls `forward` now, later, twice or never. */
export type MessageFate = (passing: Passing, forward: () => void) => void;

/** Messages a client may send: faults make many, and the limit has tests of its own. */
const RATE = { perSecond: 500, burst: 2000 };

/**
 * A server without sockets: one process, the real hub on a fake media engine. A token is `<identity>/<role>#<when>`, of
 * which role and time may be absent; every one is good until it has run out.
 */
export class SimulatedServer implements Disposable {
  readonly hub: Hub;
  readonly media: FakeMediaEngine;
  readonly serverPeer: FakeServerPeer;
  /** Drops messages to clients above the link, where no resend brings them back. */
  filter: MessageFilter | undefined;
  /** Loses, holds or doubles messages above the link, both ways. */
  fate: MessageFate | undefined;

  constructor(options: SimulatedServerOptions) {
    const { clock, chance, plane, timers, topology, violation, maxParticipants, store, restore, expired } = options;
    const engine = { clock, plane, violation };
    this.media = new FakeMediaEngine({
      ...engine,
      onOperation: options.onOperation,
      admits: options.onMedia,
      chance: chance.fork("media"),
      facts: (room, facts) => this.hub.mediaFacts(room, facts),
    });
    this.serverPeer = new FakeServerPeer({ ...engine, chance: chance.fork("server-peer") });
    this.hub = new Hub({
      clock,
      random: chance.fork("hub"),
      timers,
      topology,
      roomSettings: maxParticipants === undefined ? undefined : { maxParticipants },
      rate: RATE,
      store,
      restore,
      // One-way enough for a simulation: what is kept is not what is said.
      digest: (secret) => [...secret].reverse().join(""),
      ports: {
        authorization: { authorize: (request, done) => done(authorizationOf(request.token ?? request.name, expired)) },
        media: this.media,
        serverPeer: this.serverPeer,
        intercept: (passing, forward) => this.#intercept(passing, forward),
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
    this.serverPeer[Symbol.dispose]();
  }

  #intercept(passing: Passing, forward: () => void): void {
    const { filter, fate } = this;
    if (filter && passing.direction === "to-client" && !filter(passing.who, passing.message)) return;
    if (fate) fate(passing, forward);
    else forward();
  }
}

function authorizationOf(token: string, expired: ReadonlyMap<string, number>): Authorization | LodelineError {
  const [who = "", when = "0"] = token.split("#");
  const [identity = "nobody", role] = who.split("/");
  if (Number(when) <= (expired.get(identity) ?? -1)) return new LodelineError("auth/token-expired");
  return {
    identity,
    name: identity,
    grants: { join: true, call: true, role: role === "moderator" || role === "viewer" ? role : "speaker" },
  };
}
