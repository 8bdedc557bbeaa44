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
}

/** A forwarder in a pool. */
export interface PlacedForwarder {
  readonly id: string;
  readonly publication: string;
  readonly transport: PlacedTransport;
}

/** What is where in a pool. */
export class PoolTable {
  readonly transports = new Map<string, PlacedTransport>();
  readonly publications = new Map<string, PlacedPublication>();
  readonly forwarders = new Map<string, PlacedForwarder>();
  readonly #onMember = new Map<Member, Map<string, number>>();

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
    for (const [id, one] of this.forwarders) if (one.transport === transport) this.forwarders.delete(id);
    for (const [id, one] of this.publications) if (one.transport === transport) this.unpublish(id);
  }

  /** Forgets a publication and its forwarders. */
  unpublish(publication: string): void {
    this.publications.delete(publication);
    for (const [id, one] of this.forwarders) if (one.publication === publication) this.forwarders.delete(id);
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
