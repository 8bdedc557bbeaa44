import { createId, Emitter, type Listenable, type ListenOptions, LodelineError } from "@lodeline/base";
import { DEFAULT_TIMERS, type Hello, LIMITS, SERVER_PEER_IDENTITY, type Timers } from "@lodeline/protocol";
import { ServerLink, type ServerLinkImage, type ServerLinkState } from "@lodeline/signaling";
import { CallDirectory } from "./call-directory.ts";
import type { CallView } from "./call-record.ts";
import { ClientMessages } from "./client-messages.ts";
import { Connection, type Doorkeeper } from "./connection.ts";
import { type CountingClock, countingClock } from "./counting-clock.ts";
import { hubDoor } from "./hub-door.ts";
import type { HubEvents, HubOptions, HubStatus } from "./hub-types.ts";
import { type Keeping, keepingOf, keptState } from "./keeping.ts";
import { type KeptSeat, LinkHost, type LinkListener } from "./link-host.ts";
import { LinkTable } from "./link-table.ts";
import type { Authorization, HubConnection, HubSocket, MediaFacts } from "./ports.ts";
import { restoreHub } from "./restore-hub.ts";
import type { RoomDefinition } from "./room-definition.ts";
import { RoomTable } from "./room-table.ts";
import type { RoomView } from "./room-view.ts";
import { ServerPeerCalls } from "./server-peer-calls.ts";
import { tellSession } from "./session-told.ts";
import type { HubImage } from "./store.ts";

/**
 * The server's whole brain: links, identities, rooms, calls, and the server's side of sessions. It opens nothing and
 * waits for nothing: sockets feed it by {@link Hub.connect}, media by its port's feed and {@link Hub.mediaFacts}.
 */
export class Hub implements Listenable<HubEvents>, Disposable {
  readonly #options: HubOptions;
  readonly #clock: CountingClock;
  readonly #timers: Timers;
  readonly #events = new Emitter<HubEvents>();
  readonly #links: LinkTable;
  readonly #keeping: Keeping;
  readonly #rooms: RoomTable;
  readonly #connections = new Set<Connection>();
  readonly #calls: CallDirectory;
  readonly #messages: ClientMessages;
  readonly #serverPeer: ServerPeerCalls | undefined;
  readonly #door: Doorkeeper;
  /** Sockets so far. */
  #accepted = 0;
  #draining: { readonly links: number } | undefined;
  #drained = false;

  /** @throws LodelineError `storage/version` or `storage/unreadable` when `restore` is no image that this hub can read. */
  constructor(given: HubOptions) {
    this.#keeping = this.#makeKeeping(given);
    const { options } = this.#keeping;
    this.#options = options;
    this.#links = new LinkTable(options.digest);
    this.#clock = countingClock(options.clock);
    this.#timers = options.timers ?? DEFAULT_TIMERS;
    this.#serverPeer = this.#makeServerPeer();
    this.#calls = new CallDirectory({
      clock: this.#clock,
      timers: this.#timers,
      linksOf: (identity) => this.#links.of(identity),
      serverPeer: this.#serverPeer,
      isTaken: (session) => this.#rooms.hasSession(session) || this.#isCall(session),
      event: (event) => this.#events.emit("call", event),
      touched: (session) => this.#keeping.touchCall(session),
    });
    this.#rooms = new RoomTable({
      hub: options,
      clock: this.#clock,
      timers: this.#timers,
      link: (id) => this.#links.get(id),
      linksOf: (identity) => this.#links.of(identity),
      isCall: (session) => this.#isCall(session),
      emit: (name, event) => this.#events.emit(name, event),
      touched: (room) => this.#keeping.touchRoom(room),
      changed: () => this.#checkDrained(),
    });
    this.#messages = new ClientMessages({
      rooms: this.#rooms,
      calls: this.#calls,
      refused: (event) => this.#events.emit("refused", event),
    });
    this.#door = hubDoor({
      clock: this.#clock,
      timers: this.#timers,
      authorization: options.ports.authorization,
      links: this.#links,
      isDraining: () => this.#draining !== undefined,
      openLink: (hello, who) => this.#openLink(hello, who),
      refused: (error) => this.#events.emit("refused", { error }),
      gone: (connection) => this.#connections.delete(connection),
    });
    // Also with nothing to restore: whatever the store holds from before is replaced.
    this.#keeping.turn(() => options.restore && this.#restore(options.restore));
  }

  /** A socket was opened: it has `helloTimeoutMs` to say hello. The caller feeds what it says into the result. */
  connect(socket: HubSocket): HubConnection {
    const connection = new Connection(this.#keeping.socket(socket), this.#door, ++this.#accepted);
    this.#connections.add(connection);
    return this.#keeping.connection(connection);
  }

  /** The store has lost something that it was given: it is given everything again. */
  saveAll(): void {
    this.#keeping.beginAnew();
  }

  /** What the media engine sees of a room's publications and subscriptions. Only changes need to be fed. */
  mediaFacts(room: string, facts: MediaFacts): void {
    this.#keeping.turn(() => this.#rooms.get(room)?.mediaFacts(facts));
  }

  /** Every room, smallest name first. */
  rooms(): readonly RoomView[] {
    return this.#rooms.views();
  }

  /**
   * Makes a room before anybody enters it: its topology, leases and limit, and whether it begins locked. It waits ten
   * minutes for the first to join, and is gone when the last has left, as every room.
   *
   * @throws LodelineError `room/exists`; `config/invalid` naming the field; `room/topology` where there is no sfu.
   */
  createRoom(definition: RoomDefinition): RoomView {
    return this.#keeping.turn(() => this.#rooms.define(definition));
  }

  /** Every call between two people, with what its ends last said of their media. */
  calls(): readonly CallView[] {
    return this.#calls.views();
  }

  /** One room, or `undefined`. */
  room(room: string): RoomView | undefined {
    return this.#rooms.view(room);
  }

  /**
   * Lets nobody in any more, tells every participant and every link, closes all. Media sessions run their stop plans;
   * `drained` is told when the last is down. Twice is once.
   */
  drain(reason: string): void {
    if (!this.#draining) this.#keeping.turn(() => this.#drain(reason));
  }

  #drain(reason: string): void {
    this.#draining = { links: this.#links.size };
    for (const room of this.#rooms.all()) room.drain(reason);
    this.#calls.endAll();
    const error = new LodelineError("server/draining", { detail: reason });
    for (const host of this.#links.all()) host.close(error);
    for (const connection of [...this.#connections]) connection.refuse(error);
    this.#checkDrained();
  }

  /** How many of each thing the hub holds. */
  status(): HubStatus {
    return {
      sockets: this.#connections.size,
      links: this.#links.size,
      identities: this.#links.identities,
      rooms: this.#rooms.size,
      participants: this.#rooms.participants,
      sessions: this.#rooms.sessions + (this.#serverPeer?.size ?? 0),
      calls: this.#calls.size + (this.#serverPeer?.size ?? 0),
      timers: this.#clock.armed,
      draining: this.#draining !== undefined,
    };
  }

  on<Name extends keyof HubEvents>(
    name: Name,
    listener: (event: HubEvents[Name]) => void,
    options?: ListenOptions,
  ): Disposable {
    return this.#events.on(name, listener, options);
  }

  /** Disarms every timer at once and forgets everything; `drain` first to end it politely. */
  [Symbol.dispose](): void {
    this.#keeping.stop();
    for (const connection of [...this.#connections]) connection.drop();
    for (const host of this.#links.all()) host[Symbol.dispose]();
    this.#rooms[Symbol.dispose]();
    this.#serverPeer?.dispose();
    this.#events.clear();
  }

  #openLink({ opening }: Hello, authorization: Authorization): LinkHost {
    const id = createId(this.#options.random, "lk");
    const { identity } = authorization;
    const name = authorization.name.slice(0, LIMITS.nameLength);
    const host = this.#makeLink(id, { ...authorization, name });
    this.#links.add(host, opening ?? "");
    this.#events.emit("link", { link: id, identity, what: "opened" });
    return host;
  }

  #makeLink(id: string, authorization: Authorization, image?: ServerLinkImage, seat?: KeptSeat): LinkHost {
    const { random, rate, digest } = this.#options;
    const { identity } = authorization;
    const options = { id, identity, timers: this.#timers, random, rate, digest };
    const link = new ServerLink(options, this.#clock.now(), image);
    return new LinkHost(link, authorization, this.#clock, (made) => this.#listen(made), seat);
  }

  #restore(image: HubImage): void {
    restoreHub(image, {
      now: this.#clock.now(),
      link: (id, { identity, name, grants, opening }, kept, seat) => {
        const host = this.#makeLink(id, { identity, name, grants }, kept, seat);
        this.#links.restore(host, opening);
        return host;
      },
      room: (state, definition) => this.#rooms.restore(state, definition),
      define: (definition) => void this.#rooms.define(definition),
      call: (session, kept) => this.#calls.restore(session, kept, (id) => this.#links.get(id)),
    });
  }

  #makeKeeping(options: HubOptions): Keeping {
    const json = (value: unknown) => (value === undefined ? undefined : JSON.stringify(value));
    return keepingOf(options, {
      links: () => this.#links.all(),
      openingOf: (host) => this.#links.openingOf(host),
      rooms: () => this.#rooms.names(),
      roomState: (room) => keptState(this.#rooms.get(room)?.state),
      definitionOf: (room) => json(this.#rooms.definitionOf(room)),
      calls: () => this.#calls.sessions(),
      callOf: (session) => json(this.#calls.kept(session)),
    });
  }

  #listen(host: LinkHost): LinkListener {
    const { intercept } = this.#options.ports;
    return {
      message: (message) => {
        // One that was held back may come after its link has ended.
        if (this.#links.get(host.id) === host) this.#messages.handle(host, message);
      },
      rejected: (error) => this.#events.emit("refused", { link: host.id, identity: host.identity, error }),
      changed: (state, reason) => this.#linkChanged(host, state, reason),
      touched: () => this.#keeping.touchLink(host),
      intercept: intercept && ((passing, forward) => intercept(passing, forward)),
    };
  }

  #linkChanged(host: LinkHost, state: ServerLinkState, reason: string | undefined): void {
    const { id: link, identity, membership } = host;
    const room = membership && this.#rooms.get(membership.room);
    if (state === "open") {
      if (host.link.epoch > 1) this.#events.emit("link", { link, identity, what: "resumed" });
      else this.#calls.linkOpened(host);
      this.#calls.linkChanged(host);
      if (membership) room?.linkBack(host, membership.participant);
    } else if (state !== "waiting") {
      this.#events.emit("link", { link, identity, what: state, reason });
      // A link is closed by its client's goodbye alone, as long as its room still knows it.
      if (membership) room?.linkLost(host, membership.participant, state === "closed");
      if (state === "interrupted") this.#calls.linkChanged(host);
      else this.#linkOver(host, state === "closed");
    }
  }

  #linkOver(host: LinkHost, bye: boolean): void {
    this.#links.remove(host);
    host[Symbol.dispose]();
    this.#calls.linkGone(host, bye);
    this.#checkDrained();
  }

  #isCall(session: string): boolean {
    return this.#calls.has(session) || (this.#serverPeer?.has(session) ?? false);
  }

  #makeServerPeer(): ServerPeerCalls | undefined {
    const { ports, observe } = this.#options;
    if (!ports.serverPeer) return undefined;
    return new ServerPeerCalls({
      clock: this.#clock,
      timers: this.#timers,
      port: ports.serverPeer,
      observe: observe?.session,
      send: (caller, signal) =>
        caller.deliver({ type: "signal", scope: "call", from: SERVER_PEER_IDENTITY, name: SERVER_PEER_NAME, signal }),
      event: (event) => tellSession((name, told) => this.#events.emit(name, told), {}, event),
      over: (session) => {
        this.#keeping.touchCall(session);
        this.#checkDrained();
      },
    });
  }

  #checkDrained(): void {
    const draining = this.#draining;
    if (!draining || this.#drained || this.#links.size + this.#rooms.sessions + (this.#serverPeer?.size ?? 0) > 0)
      return;
    this.#drained = true;
    this.#events.emit("drained", draining);
  }
}

/** What people read as the name of the peer that lives on the server. */
const SERVER_PEER_NAME = "Lodeline";
