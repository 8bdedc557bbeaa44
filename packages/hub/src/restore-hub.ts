import { LodelineError, type MonoMs } from "@lodeline/base";
import { type RoomRecord, type RoomState, restoreRoom } from "@lodeline/room";
import type { ServerLinkImage } from "@lodeline/signaling";
import type { KeptCall } from "./call-record.ts";
import type { KeptSeat, LinkHost } from "./link-host.ts";
import type { KeptLink, KeptStream } from "./link-records.ts";
import type { RoomDefinition } from "./room-definition.ts";
import type { RoomHost } from "./room-host.ts";
import { type HubImage, IMAGE_VERSION, type StoreKind, type StoreRecord } from "./store.ts";

/** The hub, as far as it is put together again from an image. */
export interface RestoreTarget {
  readonly now: MonoMs;
  link(id: string, kept: KeptLink, image: ServerLinkImage, seat: KeptSeat): LinkHost;
  room(state: RoomState, definition: RoomDefinition | undefined): RoomHost;
  /** A room that was made and that nobody has entered. */
  define(definition: RoomDefinition): void;
  call(session: string, kept: KeptCall): void;
}

/**
 * Puts links, rooms and calls back as they were kept. What clients have to be told of it is told on their links, and waits
 * there until they are back.
 *
 * @throws LodelineError `storage/version` for an image of another form, `storage/unreadable` for one that no hub wrote.
 */
export function restoreHub({ version, records }: HubImage, target: RestoreTarget): void {
  if (version !== IMAGE_VERSION) {
    const detail = `The kept state has form ${version}; this server reads form ${IMAGE_VERSION}.`;
    throw new LodelineError("storage/version", { detail });
  }
  try {
    restoreAll(new Records(records), target);
  } catch (cause) {
    if (cause instanceof LodelineError) throw cause;
    throw new LodelineError("storage/unreadable", { cause });
  }
}

function restoreAll(records: Records, target: RestoreTarget): void {
  const states = new Map<string, RoomState>();
  for (const room of records.owners("room")) {
    const state = restoreRoom(room, records.ofRoom(room), target.now);
    if (state) states.set(room, state);
  }
  const links = records.owners("link").map((id) => restoreLink(id, records, states, target));
  for (const room of records.owners("definition")) {
    if (!states.has(room)) target.define(read<RoomDefinition>(records.one("definition", room)));
  }
  for (const [room, state] of states) {
    const definition = records.first("definition", room);
    const host = target.room(state, definition && read<RoomDefinition>(definition));
    for (const link of links) if (link.host.membership?.room === room) tellHeld(link, host);
    host.goOn();
  }
  for (const session of records.owners("call")) target.call(session, read<KeptCall>(records.one("call", session)));
}

interface RestoredLink {
  readonly host: LinkHost;
  readonly held: readonly string[] | undefined;
}

function restoreLink(
  id: string,
  records: Records,
  states: ReadonlyMap<string, RoomState>,
  target: RestoreTarget,
): RestoredLink {
  const kept = read<KeptLink>(records.one("link", id));
  const { received, acknowledged } = read<KeptStream>(records.one("stream", id));
  const frames = records.all("frame", id).sort((a, b) => Number(a.key) - Number(b.key));
  const messages = frames.filter(({ key }) => Number(key) > acknowledged).map(({ value }) => value);
  const { epoch, secret, earlierSecret, spentJoins, held } = kept;
  const image = { epoch, secret, earlierSecret, received, acknowledged, messages };
  const { membership } = kept;
  const place = membership && states.get(membership.room)?.places[membership.participant];
  const seat: KeptSeat = { membership: place?.link === id ? membership : undefined, spentJoins, held };
  return { host: target.link(id, kept, image, seat), held };
}

/** A `joined` waited for an answer that will not come any more: it is said without, and what waited behind it follows. */
function tellHeld({ host, held }: RestoredLink, room: RoomHost): void {
  if (!held) return;
  room.tellAgain(host);
  for (const json of held) host.deliver(JSON.parse(json), json);
}

/** The records of an image, found by kind and owner. */
class Records {
  readonly #byName = new Map<string, StoreRecord[]>();
  readonly #owners = new Map<StoreKind, Set<string>>();

  constructor(records: readonly StoreRecord[]) {
    for (const record of records) {
      const { kind, owner } = record;
      const name = `${kind} ${owner}`;
      const same = this.#byName.get(name);
      if (same) same.push(record);
      else this.#byName.set(name, [record]);
      const owners = this.#owners.get(kind) ?? new Set();
      this.#owners.set(kind, owners.add(owner));
    }
  }

  owners(kind: StoreKind): readonly string[] {
    return [...(this.#owners.get(kind) ?? [])];
  }

  all(kind: StoreKind, owner: string): StoreRecord[] {
    return [...(this.#byName.get(`${kind} ${owner}`) ?? [])];
  }

  first(kind: StoreKind, owner: string): StoreRecord | undefined {
    return this.#byName.get(`${kind} ${owner}`)?.[0];
  }

  one(kind: StoreKind, owner: string): StoreRecord {
    const record = this.first(kind, owner);
    if (!record)
      throw new LodelineError("storage/unreadable", { detail: `The kept state lacks the ${kind} of ${owner}.` });
    return record;
  }

  /** All that belongs to a room, its participants' answers with it. */
  ofRoom(room: string): RoomRecord[] {
    const places = this.all("place", room);
    const answers = places.flatMap(({ key }) => this.all("answer", String(key)));
    const kinds = ["room", "pair", "event"] as const;
    return [...kinds.flatMap((kind) => this.all(kind, room)), ...places, ...answers] as RoomRecord[];
  }
}

function read<T>({ value }: StoreRecord): T {
  return JSON.parse(value) as T;
}
