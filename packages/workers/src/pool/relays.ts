import {
  type Clock,
  integer,
  LodelineError,
  type Logger,
  type Random,
  type Timer,
  toLodelineError,
} from "@lodeline/base";
import type { EngineEvent, EngineRequest, TrunkKey } from "../engine/messages.ts";
import type { Member } from "./member.ts";
import type { PlacedPublication } from "./pool-table.ts";

/** A relay or trunk that nobody uses is kept this long: a subscription that is attached anew comes back at once. */
export const LINGER_MS = 1_000;

/** What {@link Relays} needs of its pool. */
export interface RelaysOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Makes the keys of trunks. Must be cryptographic outside tests. */
  readonly random: Random;
}

/** The way between two workers for one room. */
interface Trunk {
  readonly id: string;
  readonly room: string;
  readonly ends: readonly [Member, Member];
  /** Settles when both ends know each other. */
  readonly ready: Promise<void>;
  readonly relays: Set<Relay>;
}

/** One publication on its way to one other worker. */
interface Relay {
  readonly id: string;
  readonly publication: string;
  readonly from: Member;
  readonly to: Member;
  readonly trunk: Trunk;
  /** Settles when the publication can be forwarded at the other worker. */
  readonly ready: Promise<void>;
  readonly forwarders: Set<string>;
  linger: Timer | undefined;
}

/**
 * The relays of rooms that span workers: a publication goes to each other worker once, over one trunk for each pair of
 * workers and room, and only in the layers that somebody there needs.
 */
export class Relays {
  readonly #options: RelaysOptions;
  readonly #trunks = new Map<string, Trunk>();
  readonly #relays = new Map<string, Relay>();
  #last = 0;

  constructor(options: RelaysOptions) {
    this.#options = options;
  }

  /** What is held now, for a leak test. */
  get held(): { readonly trunks: number; readonly relays: number } {
    return { trunks: this.#trunks.size, relays: this.#relays.size };
  }

  /**
   * Has a publication at another worker, for a forwarder there.
   *
   * @returns When it can be forwarded there.
   * @throws LodelineError `media/engine-lost` when one of the two is gone, or what either answers.
   */
  async use(publication: PlacedPublication, from: Member, to: Member, forwarder: string): Promise<void> {
    const id = relayId(publication.id, to);
    const relay = this.#relays.get(id) ?? this.#open(id, publication, from, to);
    relay.linger?.cancel();
    relay.linger = undefined;
    relay.forwarders.add(forwarder);
    try {
      await relay.ready;
    } catch (thrown) {
      // The next to ask tries anew.
      if (this.#relays.get(id) === relay) this.#close(relay);
      throw thrown;
    }
  }

  /** A forwarder at another worker has ended. */
  leave(publication: string, to: Member, forwarder: string): void {
    const relay = this.#relays.get(relayId(publication, to));
    if (!relay?.forwarders.delete(forwarder) || relay.forwarders.size > 0) return;
    const { clock } = this.#options;
    relay.linger?.cancel();
    relay.linger = clock.at(clock.now() + LINGER_MS, () => this.#close(relay));
  }

  /** Who receives a publication at other workers is brought to one layer as well, or lets each have its own. */
  preferOne({ id: publication, one = false }: PlacedPublication): void {
    for (const relay of this.#relays.values()) {
      // One that is not there yet is told once it is.
      if (relay.publication === publication) this.#tell(relay.to, { kind: "prefer-one", publication, one });
    }
  }

  /** A publication has ended: so have its relays. */
  ended(publication: string): void {
    for (const relay of this.#relays.values()) if (relay.publication === publication) this.#close(relay);
  }

  /** A worker is gone, and every trunk with an end on it. */
  lost(member: Member): void {
    for (const relay of this.#relays.values()) if (relay.from === member || relay.to === member) this.#close(relay);
    for (const trunk of this.#trunks.values()) if (trunk.ends.includes(member)) this.#closeTrunk(trunk);
  }

  /** A worker tells something of its end of a relay: the other end has to know. */
  heard(event: Extract<EngineEvent, { kind: "layers-seen" | "layers-needed" }>): void {
    const relay = this.#relays.get(event.relay);
    if (!relay) return;
    if (event.kind === "layers-seen") {
      this.#tell(relay.to, { kind: "describe-layers", trunk: relay.trunk.id, relay: relay.id, layers: event.layers });
    } else {
      this.#tell(relay.from, { kind: "need-layers", trunk: relay.trunk.id, relay: relay.id, rids: event.rids });
    }
  }

  /** Disarms every timer; for a pool that closes. */
  close(): void {
    for (const { linger } of this.#relays.values()) linger?.cancel();
    this.#relays.clear();
    this.#trunks.clear();
  }

  #open(id: string, publication: PlacedPublication, from: Member, to: Member): Relay {
    const trunk = this.#trunk(publication.transport.room, from, to);
    const held = () => {
      // Ended meanwhile: what is asked now would be left behind.
      if (this.#relays.get(id) !== relay) throw new LodelineError("media/closed");
    };
    const carry = async () => {
      await trunk.ready;
      held();
      const { carried, layers } = await ask(from, {
        kind: "carry",
        trunk: trunk.id,
        relay: id,
        publication: publication.id,
      });
      held();
      const { room } = trunk;
      const { loudest } = publication;
      const taken = { trunk: trunk.id, relay: id, publication: publication.id, room, carried, layers, loudest };
      await ask(to, { kind: "take", ...taken });
      if (publication.one) this.#tell(to, { kind: "prefer-one", publication: publication.id, one: true });
    };
    const ready = carry();
    // Told to whoever waits for it.
    ready.catch(() => {});
    const relay: Relay = {
      id,
      publication: publication.id,
      from,
      to,
      trunk,
      ready,
      forwarders: new Set(),
      linger: undefined,
    };
    this.#relays.set(id, relay);
    trunk.relays.add(relay);
    return relay;
  }

  #close(relay: Relay): void {
    if (this.#relays.get(relay.id) !== relay) return;
    this.#relays.delete(relay.id);
    relay.linger?.cancel();
    const { trunk, id } = relay;
    for (const member of trunk.ends) this.#tell(member, { kind: "drop-relay", trunk: trunk.id, relay: id });
    trunk.relays.delete(relay);
    if (trunk.relays.size === 0) this.#closeTrunk(trunk);
  }

  #trunk(room: string, from: Member, to: Member): Trunk {
    const ends: [Member, Member] = from.index < to.index ? [from, to] : [to, from];
    const key = trunkKey(room, ends);
    const known = this.#trunks.get(key);
    if (known) return known;
    const id = `${key}#${++this.#last}`;
    const trunk: Trunk = { id, room, ends, ready: this.#connect(id, ends), relays: new Set() };
    trunk.ready.catch(() => {});
    this.#trunks.set(key, trunk);
    return trunk;
  }

  async #connect(trunk: string, ends: readonly [Member, Member]): Promise<void> {
    const [first, second] = await Promise.all([
      ask(ends[0], { kind: "open-trunk", trunk }),
      ask(ends[1], { kind: "open-trunk", trunk }),
    ]);
    const forth = newTrunkKey(this.#options.random);
    const back = newTrunkKey(this.#options.random);
    await Promise.all([
      ask(ends[0], { kind: "connect-trunk", trunk, remote: second.socket, sendKey: forth, receiveKey: back }),
      ask(ends[1], { kind: "connect-trunk", trunk, remote: first.socket, sendKey: back, receiveKey: forth }),
    ]);
  }

  #closeTrunk(trunk: Trunk): void {
    const key = trunkKey(trunk.room, trunk.ends);
    if (this.#trunks.get(key) !== trunk) return;
    this.#trunks.delete(key);
    for (const member of trunk.ends) this.#tell(member, { kind: "close-trunk", trunk: trunk.id });
  }

  /** What nobody waits for. A worker that is gone need not be told. */
  #tell(member: Member, request: EngineRequest): void {
    member.engine?.ask(request).catch((thrown: unknown) => {
      const { code, detail } = toLodelineError(thrown);
      this.#options.logger.debug("relay", { op: request.kind, worker: member.index, code, reason: detail });
    });
  }
}

async function ask<Request extends EngineRequest>(member: Member, request: Request) {
  const { engine } = member;
  if (!engine) throw new LodelineError("media/engine-lost");
  return await engine.ask(request);
}

function newTrunkKey(random: Random): TrunkKey {
  const bytes = (count: number) => Uint8Array.from({ length: count }, () => integer(random, 256));
  return { key: bytes(16), salt: bytes(12) };
}

function relayId(publication: string, to: Member): string {
  return `${publication}@${to.index}`;
}

function trunkKey(room: string, [one, other]: readonly [Member, Member]): string {
  return `${room}/${one.index}-${other.index}`;
}
