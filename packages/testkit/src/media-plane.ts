import type { Clock } from "@lodeline/base";
import type { Chance } from "./chance.ts";
import { FakeConnection, type FakeConnectionHandlers } from "./fake-connection.ts";
import { fragment } from "./fake-description.ts";

/** What a {@link MediaPlane} needs. */
export interface MediaPlaneOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  /** Time from matching descriptions to a connected transport: uniform over 20 .. this, ms. Default 120. */
  readonly connectMs?: number | undefined;
  /** Told what no engine may be asked to do. */
  violation(text: string): void;
  /** Told of changes of state, for the trace. */
  readonly onState?: ((connection: FakeConnection) => void) | undefined;
}

/** Consent to send runs out (RFC 7675 section 5.1 says 30 s; browsers show `disconnected` after a few). */
const DISCONNECTED_AFTER_MS = [200, 2500] as const;
/** From `disconnected` to `failed`, as libwebrtc has it: about 10 s. */
const FAILED_AFTER_MS = 10_000;

/**
 * Where fake connections meet. Two connect when each has applied the other's present description and at least one of
 * them a candidate of the other (an ice-lite end needs none of its peer); they part when either closes or the path
 * between their hosts breaks, and meet again when it heals or ICE restarts.
 */
export class MediaPlane {
  readonly #options: MediaPlaneOptions;
  readonly #connections = new Map<string, FakeConnection>();
  readonly #broken = new Set<string>();
  readonly #lite = new Set<string>();
  #made = 0;

  constructor(options: MediaPlaneOptions) {
    this.#options = options;
  }

  /** Makes a connection on a host. `lite`: its candidates stand in its description, as a server's do. */
  create(endpoint: string, lite: boolean, handlers: FakeConnectionHandlers): FakeConnection {
    const id = `pc${++this.#made}-${endpoint}`;
    const connection = new FakeConnection(
      id,
      endpoint,
      {
        changed: (one) => this.#changed(one),
        gather: (one) => this.#gather(one),
        violation: this.#options.violation,
      },
      handlers,
    );
    this.#connections.set(id, connection);
    if (lite) this.#lite.add(id);
    return connection;
  }

  /** The connection at the other end, once descriptions were exchanged. */
  remoteOf(connection: FakeConnection): FakeConnection | undefined {
    return connection.remote && this.#connections.get(connection.remote.connection);
  }

  /** Whether packets of this section leave `connection` now, wherever they go. */
  leaves(connection: FakeConnection, mid: string): boolean {
    const track = connection.tracks.get(mid);
    if (!track?.enabled || track.ailment === "republish" || connection.state !== "connected") return false;
    return track.live();
  }

  /** Whether packets of this section leave `connection` and can be used at the other end now. */
  flows(connection: FakeConnection, mid: string): boolean {
    const remote = this.remoteOf(connection);
    if (remote?.state !== "connected" || this.#pathBroken(connection, remote)) return false;
    if (connection.swallows || remote.swallows) return false;
    const track = connection.tracks.get(mid);
    return track !== undefined && track.ailment === undefined && !track.silent && this.leaves(connection, mid);
  }

  /** Breaks or heals every path to and from a host. */
  setBroken(endpoint: string, broken: boolean): void {
    if (broken === this.#broken.has(endpoint)) return;
    if (broken) this.#broken.add(endpoint);
    else this.#broken.delete(endpoint);
    for (const connection of this.#connections.values())
      if (connection.endpoint === endpoint) this.#changed(connection);
  }

  /** Closes what a host leaves behind when it vanishes (a reload, a crash): nobody is told at once. */
  vanish(endpoint: string): void {
    for (const connection of this.#connections.values()) if (connection.endpoint === endpoint) connection.close();
  }

  /** Whether something is ill that only a repair cures. */
  get ailing(): boolean {
    for (const connection of this.#connections.values()) {
      if (connection.swallows) return true;
      for (const track of connection.tracks.values()) if (track.ailment !== undefined) return true;
    }
    return false;
  }

  /** Connections that are not closed. */
  get open(): number {
    let open = 0;
    for (const connection of this.#connections.values()) if (!connection.closed) open += 1;
    return open;
  }

  /** Connections on a host that are not closed. */
  openOn(endpoint: string): number {
    let open = 0;
    for (const one of this.#connections.values()) if (one.endpoint === endpoint && !one.closed) open += 1;
    return open;
  }

  #gather(connection: FakeConnection): void {
    if (this.#lite.has(connection.id)) return;
    const { clock, chance } = this.#options;
    const usernameFragment = fragment(connection.id, connection.generation);
    for (let index = 0; index < 2; index++) {
      clock.at(clock.now() + chance.between(1, 30), () => {
        if (connection.closed) return;
        const candidate = `candidate:${index} 1 udp ${index} 192.0.2.1 ${5000 + index} typ host`;
        connection.handlers.candidate({ candidate, sdpMid: "0", sdpMLineIndex: 0, usernameFragment });
      });
    }
  }

  #changed(connection: FakeConnection): void {
    const remote = this.remoteOf(connection);
    if (connection.closed) {
      this.#connections.delete(connection.id);
      if (remote) this.#part(remote);
      return;
    }
    if (!remote) return;
    if (!this.#canMeet(connection, remote)) {
      this.#part(connection);
      this.#part(remote);
      return;
    }
    if (connection.state === "connected" && remote.state === "connected") return;
    this.#meet(connection, remote);
  }

  #canMeet(a: FakeConnection, b: FakeConnection): boolean {
    if (a.closed || b.closed || !a.agreesWith(b) || !b.agreesWith(a)) return false;
    if (this.#broken.has(a.endpoint) || this.#broken.has(b.endpoint)) return false;
    return a.hasCandidate || b.hasCandidate || this.#lite.has(a.id) || this.#lite.has(b.id);
  }

  #meet(a: FakeConnection, b: FakeConnection): void {
    const { clock, chance } = this.#options;
    for (const one of [a, b]) if (one.state === "new") this.#set(one, "connecting");
    const at = clock.now() + chance.between(20, this.#options.connectMs ?? 120);
    for (const one of [a, b]) {
      clock.at(at + chance.between(0, 10), () => {
        if (this.#canMeet(a, b)) this.#set(one, "connected");
      });
    }
  }

  /** What was connected finds out a little later that it is no more; what was not stays as it is. */
  #part(connection: FakeConnection): void {
    if (connection.state !== "connected") return;
    const remote = this.remoteOf(connection);
    if (remote && !remote.closed && !this.#pathBroken(connection, remote)) return;
    const { clock, chance } = this.#options;
    const [low, high] = DISCONNECTED_AFTER_MS;
    clock.at(clock.now() + chance.between(low, high), () => this.#expire(connection, "connected", "disconnected"));
  }

  #expire(connection: FakeConnection, from: "connected" | "disconnected", to: "disconnected" | "failed"): void {
    const remote = this.remoteOf(connection);
    if (connection.state !== from || (remote && this.#canMeet(connection, remote))) return;
    this.#set(connection, to);
    const { clock } = this.#options;
    if (to === "failed") return;
    clock.at(clock.now() + FAILED_AFTER_MS, () => this.#expire(connection, "disconnected", "failed"));
  }

  #pathBroken(a: FakeConnection, b: FakeConnection): boolean {
    return this.#broken.has(a.endpoint) || this.#broken.has(b.endpoint);
  }

  #set(connection: FakeConnection, state: FakeConnection["state"]): void {
    if (connection.closed || connection.state === state) return;
    connection.state = state;
    this.#options.onState?.(connection);
    connection.handlers.state(state);
  }
}
