import type { Clock, MonoMs } from "@lodeline/base";
import type { SocketHandle, SocketHandlers } from "@lodeline/participant";
import type { Chance } from "./chance.ts";

/** How a network treats the text frames of its sockets, each way alike. Probabilities are per frame, 0..1. */
export interface NetworkFaults {
  /** One way, ms. */
  readonly latencyMs: number;
  /** Added to the latency, uniform over 0..jitterMs. */
  readonly jitterMs: number;
  /** A frame vanishes. No WebSocket does that; a broken proxy or a bug does, and the link must notice. */
  readonly drop: number;
  /** A frame arrives twice. */
  readonly duplicate: number;
  /** A frame is overtaken by later ones: up to 100 ms late. */
  readonly reorder: number;
}

/** A network that only takes its time. */
export const CLEAN_NETWORK: NetworkFaults = { latencyMs: 10, jitterMs: 4, drop: 0, duplicate: 0, reorder: 0 };

/** The server's end of a socket: what the network tells it. */
export interface AcceptedSocketHandlers {
  /** A text frame arrived, whole. */
  text(text: string): void;
  /** The socket is closed. Called exactly once. */
  closed(code: number): void;
}

/** Says what becomes of one frame: itself, another text, or nothing (`undefined`). Sees every frame once. */
export type Intercept = (direction: "to-server" | "to-client", host: string, text: string) => string | undefined;

/** What {@link SimulatedNetwork} needs. */
export interface SimulatedNetworkOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  /** Accepts a client's socket, or refuses it (`undefined`). The returned handlers get what the client sends. */
  accept(host: string, socket: SocketHandle): AcceptedSocketHandlers | undefined;
  /** Told of every frame that chance has dropped. */
  readonly onDrop?: ((text: string) => void) | undefined;
  /** Told of every frame that is put on the wire, for the trace. */
  readonly onFrame?: ((direction: "to-server" | "to-client", host: string, text: string) => void) | undefined;
}

/** Overtaken frames are late by at most this. */
const REORDER_MS = 100;

/**
 * Sockets between named client hosts and one server, in virtual time. In order and whole unless a fault says otherwise;
 * can be cut at any moment, loudly (both ends are told) or silently (nobody is), and can refuse new sockets.
 */
export class SimulatedNetwork {
  /** What happens to frames from now on. */
  faults: NetworkFaults = CLEAN_NETWORK;
  /** Looks at each frame before the faults do; for tests that drop one message above the link. */
  intercept: Intercept | undefined;
  readonly #options: SimulatedNetworkOptions;
  readonly #wires = new Set<Wire>();
  readonly #offline = new Set<string>();
  readonly #onlineAgainAt = new Map<string, MonoMs>();
  readonly #hinderedUntil = new Map<string, MonoMs>();

  constructor(options: SimulatedNetworkOptions) {
    this.#options = options;
  }

  /** Opens a socket from `host` to the server; as {@link SocketPort.open}. */
  open(host: string, handlers: SocketHandlers): SocketHandle {
    const wire: Wire = {
      host,
      client: handlers,
      server: undefined,
      dead: false,
      silent: false,
      lastUp: 0,
      lastDown: 0,
    };
    this.#wires.add(wire);
    const { clock } = this.#options;
    clock.at(clock.now() + 2 * this.#delay(), () => this.#connect(wire));
    return {
      send: (text) => this.#send(wire, "to-server", text),
      close: (code) => this.#close(wire, code, "client"),
    };
  }

  /**
   * Cuts every socket of a host. `loud`: both ends are told with 1006 within 50 ms. `silent`: frames vanish both ways
   * and nobody is told until a timer of the link finds out. Frames under way are lost.
   */
  cut(host: string, how: "loud" | "silent"): void {
    for (const wire of [...this.#wires]) {
      if (wire.host !== host || wire.dead) continue;
      if (how === "silent") this.#swallow(wire);
      else this.#break(wire);
    }
  }

  /** The server's process is gone: every socket of every host is cut, as {@link SimulatedNetwork.cut}. */
  cutAll(how: "loud" | "silent"): void {
    for (const wire of [...this.#wires]) {
      // Of a dead process nobody is left to hear of the close.
      wire.server = DEAF;
      if (how === "loud") this.#break(wire);
      else if (wire.client === DEAF) this.#end(wire, () => {});
      else this.#swallow(wire);
    }
  }

  /**
   * Nothing passes on the present sockets of a host for a while, one way or both; afterwards everything arrives, in order.
   * A stall that lasts is a link that is lost.
   */
  stall(host: string, direction: "to-server" | "to-client" | "both", forMs: number): void {
    const until = this.#options.clock.now() + forMs;
    for (const wire of this.#wires) {
      if (wire.host !== host) continue;
      this.#hinderedUntil.set(host, until);
      if (direction !== "to-client") wire.lastUp = Math.max(wire.lastUp, until);
      if (direction !== "to-server") wire.lastDown = Math.max(wire.lastDown, until);
    }
  }

  /** Refuses new sockets of a host, or accepts them again. Existing ones stay. */
  setOffline(host: string, offline: boolean): void {
    if (offline) this.#offline.add(host);
    else if (this.#offline.delete(host)) this.#onlineAgainAt.set(host, this.#options.clock.now());
  }

  /** How long a host has been online again; 0 while it is offline, infinite when it never was. */
  onlineForMs(host: string): number {
    if (this.#offline.has(host)) return 0;
    return this.#options.clock.now() - (this.#onlineAgainAt.get(host) ?? Number.NEGATIVE_INFINITY);
  }

  /** Until when a socket of a host was last one that swallows or holds up what is said on it; in the future while held up. */
  hinderedUntilMs(host: string): number {
    return this.#hinderedUntil.get(host) ?? Number.NEGATIVE_INFINITY;
  }

  /** Whether what a host says now arrives, as far as the network goes. */
  reaches(host: string): boolean {
    if (this.faults.drop > 0 || this.faults.reorder > 0) return false;
    const soon = this.#options.clock.now() + REORDER_MS + this.faults.latencyMs + this.faults.jitterMs;
    for (const wire of this.#wires) {
      if (wire.host === host && wire.server && !wire.silent && wire.lastUp <= soon) return true;
    }
    return false;
  }

  /** Sockets that neither end has seen closed. */
  get openSockets(): number {
    return this.#wires.size;
  }

  #swallow(wire: Wire): void {
    this.#loseLastWords(wire);
    wire.silent = true;
    this.#hinderedUntil.set(wire.host, this.#options.clock.now());
  }

  #delay(): number {
    const { latencyMs, jitterMs } = this.faults;
    return latencyMs + (jitterMs > 0 ? this.#options.chance.between(0, jitterMs) : 0);
  }

  #connect(wire: Wire): void {
    if (wire.dead) return;
    if (this.#offline.has(wire.host)) {
      this.#break(wire);
      return;
    }
    const server = this.#options.accept(wire.host, {
      send: (text) => this.#send(wire, "to-client", text),
      close: (code, reason) => this.#close(wire, code, "server", reason),
    });
    if (!server) return this.#break(wire);
    wire.server = server;
    wire.client.opened();
  }

  #send(wire: Wire, direction: "to-server" | "to-client", text: string): void {
    const sender = direction === "to-server" ? wire.client : wire.server;
    if (wire.dead || wire.server === undefined || sender === DEAF) return;
    this.#options.onFrame?.(direction, wire.host, text);
    const passed = this.intercept ? this.intercept(direction, wire.host, text) : text;
    if (passed === undefined || wire.silent) return;
    const { chance } = this.#options;
    if (chance.happens(this.faults.drop)) {
      this.#options.onDrop?.(text);
      return;
    }
    this.#carry(wire, direction, passed);
    if (chance.happens(this.faults.duplicate)) this.#carry(wire, direction, passed);
  }

  #carry(wire: Wire, direction: "to-server" | "to-client", text: string): void {
    const { clock, chance } = this.#options;
    let at: MonoMs = clock.now() + this.#delay();
    if (chance.happens(this.faults.reorder)) {
      // Overtaken: late itself, without holding up those behind it.
      at += chance.between(1, REORDER_MS);
    } else if (direction === "to-server") {
      at = wire.lastUp = Math.max(at, wire.lastUp);
    } else {
      at = wire.lastDown = Math.max(at, wire.lastDown);
    }
    clock.at(at, () => {
      if (wire.silent) return;
      // Said to a server that has closed the socket, and whose word of it is still under way, or came first.
      if (direction === "to-server" && wire.server === DEAF && GOODBYE.test(text)) this.#options.onDrop?.(LAST_WORDS);
      if (wire.dead) return;
      if (direction === "to-server") wire.server?.text(text);
      else wire.client.text(text);
    });
  }

  /**
   * An orderly close by one end: the other is told after what is under way. On a silent wire it is never told, as with
   * a peer that lost its power: its own timers must find out.
   */
  #close(wire: Wire, code: number, by: "client" | "server", reason?: string): void {
    if (wire.dead) return;
    const { clock } = this.#options;
    const { server, client } = wire;
    if (by === "client") wire.client = DEAF;
    else wire.server = DEAF;
    if (wire.silent) {
      if (wire.client === DEAF && (server === undefined || wire.server === DEAF)) this.#end(wire, () => {});
      return;
    }
    const at = Math.max(clock.now() + this.#delay(), by === "client" ? wire.lastUp : wire.lastDown);
    clock.at(at, () => this.#end(wire, () => (by === "client" ? server?.closed(code) : client.closed(code, reason))));
  }

  #break(wire: Wire): void {
    const { client, server } = wire;
    this.#loseLastWords(wire);
    const { clock, chance } = this.#options;
    this.#end(wire, () => {
      clock.at(clock.now() + chance.between(0, 50), () => client.closed(1006));
      if (server) clock.at(clock.now() + chance.between(0, 50), () => server.closed(1006));
    });
  }

  /** A wire on which the client was closing in order takes its goodbye with it. */
  #loseLastWords(wire: Wire): void {
    if (wire.client === DEAF && !wire.dead && !wire.silent) this.#options.onDrop?.(LAST_WORDS);
  }

  #end(wire: Wire, tell: () => void): void {
    if (wire.dead) return;
    wire.dead = true;
    this.#wires.delete(wire);
    tell();
  }
}

interface Wire {
  readonly host: string;
  client: SocketHandlers;
  /** Undefined until the server has accepted. */
  server: AcceptedSocketHandlers | undefined;
  dead: boolean;
  silent: boolean;
  lastUp: MonoMs;
  lastDown: MonoMs;
}

/** What is told as dropped when a goodbye reaches nobody: its wire breaks, or the server has closed it. */
export const LAST_WORDS = "last words";

const GOODBYE = /^\{"kind":"bye"/;

/** Stands in for an end that has closed: hears nothing. */
const DEAF: SocketHandlers = { opened() {}, text() {}, closed() {} };
