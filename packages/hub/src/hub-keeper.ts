import { type RoomState, roomChanges, roomDrops } from "@lodeline/room";
import type { LinkHost } from "./link-host.ts";
import { type KeptLinkState, linkChanges, linkDrops } from "./link-records.ts";
import type { HubChanges, StoreDrop, StoreKind, StoreRecord } from "./store.ts";

/** What a {@link HubKeeper} reads of the hub. */
export interface HubKeeperOptions {
  readonly digest: ((secret: string) => string) | undefined;
  links(): readonly LinkHost[];
  /** The opening that made a link, as it is kept. */
  openingOf(host: LinkHost): string;
  /** Names of every room, entered or only made. */
  rooms(): readonly string[];
  /** `undefined` for a room that nobody is in. */
  roomState(room: string): RoomState | undefined;
  /** How a room was made before anybody entered it, as JSON. */
  definitionOf(room: string): string | undefined;
  /** Sessions of every call. */
  calls(): readonly string[];
  /** A call as JSON; `undefined` when it is over. */
  callOf(session: string): string | undefined;
}

/** Knows what of the hub is kept and what was touched since, and makes the changes that lie between. */
export class HubKeeper {
  readonly #options: HubKeeperOptions;
  /** The first batch replaces whatever the store holds, and so does one after the store has lost something. */
  #fresh = true;
  readonly #links = new Map<string, KeptLinkState>();
  readonly #rooms = new Map<string, RoomState>();
  /** Definitions and calls, by kind and name: what is kept of them. */
  readonly #texts = new Map<string, string>();
  readonly #touched = { links: new Map<string, LinkHost>(), rooms: new Set<string>(), calls: new Set<string>() };

  constructor(options: HubKeeperOptions) {
    this.#options = options;
  }

  touchLink(host: LinkHost): void {
    this.#touched.links.set(host.id, host);
  }

  touchRoom(room: string): void {
    this.#touched.rooms.add(room);
  }

  touchCall(session: string): void {
    this.#touched.calls.add(session);
  }

  /** The store has lost something: the next batch is everything. */
  beginAnew(): void {
    this.#fresh = true;
  }

  /** What changed since the last call; `undefined` when nothing did that is kept. */
  collect(): HubChanges | undefined {
    const fresh = this.#fresh;
    if (fresh) this.#touchAll();
    const { links, rooms, calls } = this.#touched;
    if (!fresh && links.size + rooms.size + calls.size === 0) return undefined;
    const drops: StoreDrop[] = [];
    const puts: StoreRecord[] = [];
    for (const host of links.values()) this.#link(host, drops, puts);
    for (const room of rooms) this.#room(room, drops, puts);
    for (const session of calls) this.#text("call", session, this.#options.callOf(session), drops, puts);
    for (const touched of [links, rooms, calls]) touched.clear();
    this.#fresh = false;
    return fresh || drops.length + puts.length > 0 ? { fresh, drops: fresh ? [] : drops, puts } : undefined;
  }

  #touchAll(): void {
    const { links, rooms, calls } = this.#options;
    for (const kept of [this.#links, this.#rooms, this.#texts]) kept.clear();
    for (const host of links()) this.touchLink(host);
    for (const room of rooms()) this.touchRoom(room);
    for (const session of calls()) this.touchCall(session);
  }

  #link(host: LinkHost, drops: StoreDrop[], puts: StoreRecord[]): void {
    const { id } = host;
    const kept = this.#links.get(id);
    if (host.isOver) {
      if (kept) drops.push(...linkDrops(id));
      this.#links.delete(id);
    } else this.#links.set(id, linkChanges(host, this.#options.openingOf(host), kept, drops, puts));
  }

  #room(room: string, drops: StoreDrop[], puts: StoreRecord[]): void {
    const { roomState, definitionOf, digest } = this.#options;
    this.#text("definition", room, definitionOf(room), drops, puts);
    const kept = this.#rooms.get(room);
    const state = roomState(room);
    if (!state) {
      if (kept) drops.push(...roomDrops(kept));
      this.#rooms.delete(room);
    } else if (state !== kept) {
      const changes = roomChanges(kept, state, digest);
      drops.push(...changes.drops);
      puts.push(...changes.puts);
      this.#rooms.set(room, state);
    }
  }

  #text(kind: StoreKind, owner: string, value: string | undefined, drops: StoreDrop[], puts: StoreRecord[]): void {
    const name = `${kind} ${owner}`;
    if (this.#texts.get(name) === value) return;
    if (value === undefined) {
      this.#texts.delete(name);
      drops.push({ kind, owner });
    } else {
      this.#texts.set(name, value);
      puts.push({ kind, owner, key: 0, value });
    }
  }
}
