import type { Request } from "../engine/performers.ts";
import type { Member } from "./member.ts";

/** A transport in a pool. */
export interface PlacedTransport {
  readonly id: string;
  readonly room: string;
  /** Where it is; `undefined` while it waits for a place. */
  member: Member | undefined;
}

/** A publication in a pool. */
export interface PlacedPublication {
  readonly id: string;
  readonly transport: PlacedTransport;
  /** As it was published. */
  readonly loudest: Request<"publish">["loudest"];
  /** What `prefer-one` said last: whoever takes it later is told too. */
  one?: boolean;
}

/** A forwarder in a pool. */
export interface PlacedForwarder {
  readonly id: string;
  readonly publication: string;
  readonly transport: PlacedTransport;
  /** Of one whose publication is at another worker: settles when it has been asked for there. */
  asked?: Promise<unknown>;
}

/** What is where in a pool. */
export class PoolTable {
  readonly transports = new Map<string, PlacedTransport>();
  readonly publications = new Map<string, PlacedPublication>();
  readonly forwarders = new Map<string, PlacedForwarder>();
  readonly #left: (forwarder: PlacedForwarder) => void;
  readonly #onMember = new Map<Member, Map<string, number>>();

  /** @param left - Told of each forwarder that is forgotten. */
  constructor(left: (forwarder: PlacedForwarder) => void) {
    this.#left = left;
  }

  /** Transports on a member. */
  countOn(member: Member): number {
    let count = 0;
    for (const ofRoom of this.#onMember.get(member)?.values() ?? []) count += ofRoom;
    return count;
  }

  /** Transports of a room on a member. */
  countOf(member: Member, room: string): number {
    return this.#onMember.get(member)?.get(room) ?? 0;
  }

  /** A transport has its place. */
  place(transport: PlacedTransport, member: Member): void {
    transport.member = member;
    this.#count(member, transport.room, 1);
  }

  /** Forgets a transport and what hangs on it. */
  forget(transport: PlacedTransport): void {
    if (this.transports.get(transport.id) !== transport) return;
    this.transports.delete(transport.id);
    if (transport.member) this.#count(transport.member, transport.room, -1);
    for (const [id, one] of this.forwarders) if (one.transport === transport) this.unforward(id);
    for (const [id, one] of this.publications) if (one.transport === transport) this.unpublish(id);
  }

  /** Forgets a publication and its forwarders. */
  unpublish(publication: string): void {
    this.publications.delete(publication);
    for (const [id, one] of this.forwarders) if (one.publication === publication) this.unforward(id);
  }

  /** Forgets a forwarder. */
  unforward(id: string): void {
    const known = this.forwarders.get(id);
    if (!known) return;
    this.forwarders.delete(id);
    this.#left(known);
  }

  /** Every transport on a member. */
  transportsOn(member: Member): PlacedTransport[] {
    return [...this.transports.values()].filter((one) => one.member === member);
  }

  #count(member: Member, room: string, by: 1 | -1): void {
    const rooms = this.#onMember.get(member) ?? new Map<string, number>();
    this.#onMember.set(member, rooms);
    const count = (rooms.get(room) ?? 0) + by;
    if (count > 0) rooms.set(room, count);
    else rooms.delete(room);
  }
}
