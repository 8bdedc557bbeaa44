import type { Clock } from "@lodeline/base";
import type { HubConnection, HubPorts, HubSocket, MediaPort, ServerPeerPort } from "./ports.ts";
import type { HubChanges, HubStore } from "./store.ts";

/**
 * Says nothing on any socket before what it follows from is kept. Every way into the hub goes through a turn; at its end
 * what changed is handed to the store, and what was to be said waits until the store has it. While one batch is on its
 * way, later turns collect for the next.
 */
export class WriteAhead {
  readonly #store: HubStore;
  readonly #collect: () => HubChanges | undefined;
  #depth = 0;
  #held: (() => void)[] = [];
  #saving = false;
  #over = false;

  /** @param collect - What changed since it was last called; `undefined` when nothing did. */
  constructor(store: HubStore, collect: () => HubChanges | undefined) {
    this.#store = store;
    this.#collect = collect;
  }

  /** Does something that may change the hub; turns within turns are one. */
  turn<T>(act: () => T): T {
    this.#depth += 1;
    try {
      return act();
    } finally {
      this.#depth -= 1;
      if (this.#depth === 0) this.#settle();
    }
  }

  /** From now on nothing is said and nothing saved: as after a kill. */
  stop(): void {
    this.#over = true;
    this.#held = [];
  }

  /** A clock whose timers fire in turns. */
  clock(inner: Clock): Clock {
    return {
      now: () => inner.now(),
      wall: () => inner.wall(),
      at: (at, fn) => inner.at(at, () => this.turn(fn)),
    };
  }

  /** A socket on which everything waits. */
  socket(inner: HubSocket): HubSocket {
    return {
      send: (text) => void this.#held.push(() => inner.send(text)),
      close: (code, reason) => void this.#held.push(() => inner.close(code, reason)),
    };
  }

  /** The receiving half of one, which feeds in turns. */
  connection(inner: HubConnection): HubConnection {
    return {
      text: (text) => this.turn(() => inner.text(text)),
      refuse: (error) => this.turn(() => inner.refuse(error)),
      closed: (code) => this.turn(() => inner.closed(code)),
    };
  }

  /** Ports whose results come in turns. */
  ports(inner: HubPorts): HubPorts {
    const { media, serverPeer } = inner;
    return {
      authorization: {
        authorize: (request, done) => inner.authorization.authorize(request, (result) => this.turn(() => done(result))),
      },
      media: media && this.#mediaPort(media),
      serverPeer: serverPeer && this.#serverPeerPort(serverPeer),
      iceServers: (identity) => inner.iceServers?.(identity) ?? [],
      ...(inner.intercept && {
        intercept: (passing, forward) => inner.intercept?.(passing, () => this.turn(forward)),
      }),
    };
  }

  #mediaPort(media: MediaPort): MediaPort {
    return {
      open: (key, feed) => media.open(key, (input) => this.turn(() => feed(input))),
      perform: (key, effect) => media.perform(key, effect),
      close: (key) => media.close(key),
      operate: (room, op) => media.operate(room, op),
    };
  }

  #serverPeerPort(peer: ServerPeerPort): ServerPeerPort {
    return {
      open: (session, feed) => peer.open(session, (input) => this.turn(() => feed(input))),
      perform: (session, effect) => peer.perform(session, effect),
      close: (session) => peer.close(session),
    };
  }

  #settle(): void {
    while (!this.#saving && !this.#over) {
      const changes = this.#collect();
      const waiting = this.#held;
      this.#held = [];
      if (!changes) return release(waiting);
      this.#save(changes, waiting);
    }
  }

  #save(changes: HubChanges, waiting: readonly (() => void)[]): void {
    this.#saving = true;
    let done = false;
    this.#store.save(changes, () => {
      if (done || this.#over) return;
      done = true;
      this.#saving = false;
      release(waiting);
      if (this.#depth === 0) this.#settle();
    });
  }
}

function release(waiting: readonly (() => void)[]): void {
  for (const say of waiting) say();
}
