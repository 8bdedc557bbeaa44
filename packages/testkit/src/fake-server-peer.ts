import type { ServerPeerPort } from "@lodeline/hub";
import type { SessionInput } from "@lodeline/session";
import { type FakeMediaEngineOptions, SERVER_ENDPOINT } from "./fake-media-engine.ts";
import { FakePeer } from "./fake-peer.ts";

/** The peer that lives on the server, in the simulation: sends back what it gets. */
export class FakeServerPeer implements ServerPeerPort, Disposable {
  readonly #options: Omit<FakeMediaEngineOptions, "facts" | "admits">;
  readonly #peers = new Map<string, FakePeer>();

  constructor(options: Omit<FakeMediaEngineOptions, "facts" | "admits">) {
    this.#options = options;
  }

  open(session: string, feed: (input: SessionInput) => void): void {
    const { clock, chance, plane, violation } = this.#options;
    const peer: FakePeer = new FakePeer({
      clock,
      chance,
      plane,
      endpoint: SERVER_ENDPOINT,
      session,
      lite: true,
      feed,
      sends: [],
      receives: [],
      adopts: true,
      capture: undefined,
      live: (source) => this.#loops(session, source),
      violation,
    });
    this.#peers.set(session, peer);
  }

  perform(session: string, effect: Parameters<ServerPeerPort["perform"]>[1]): void {
    if (effect.kind !== "send" && effect.kind !== "emit") this.#peers.get(session)?.perform(effect);
  }

  close(session: string): void {
    const peer = this.#peers.get(session);
    this.#peers.delete(session);
    peer?.close();
  }

  /** Sessions that are not closed. */
  get sessions(): number {
    return this.#peers.size;
  }

  [Symbol.dispose](): void {
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
  }

  /** What arrives of a source goes back. */
  #loops(session: string, source: string): boolean {
    const peer = this.#peers.get(session);
    for (const track of peer?.connection?.tracks.values() ?? []) {
      if (track.source === source) return peer?.arrives(track.mid) ?? false;
    }
    return false;
  }
}
