import type { RoomPlace } from "@lodeline/participant";
import type { PlaceStorage } from "../api/client-api.ts";

/**
 * How long a page waits for the lock of its own earlier place. The browser gives locks of an unloaded document back at
 * once, yet not before the next document runs; a second tab that copied the storage waits this long and joins as new.
 */
const LOCK_WAIT_MS = 1_500;

/**
 * Keeps the place in a room over a reload. A tab that was duplicated has a copy of the first one's `sessionStorage`; so
 * that it does not throw the first one out, a place is used only by whoever holds its lock (Web Locks), which ends with
 * the page, crash included.
 */
export class PlaceStore {
  readonly #storage: PlaceStorage | null;
  readonly #server: string;
  #unlock: (() => void) | undefined;
  #locked: string | undefined;

  /** @param server - Places of different servers are kept apart. */
  constructor(storage: PlaceStorage | null, server: string) {
    this.#storage = storage;
    this.#server = server;
  }

  /** The place this page had in the room; `undefined` when it had none or another tab has it. */
  async take(room: string): Promise<RoomPlace | undefined> {
    const place = this.#read(room);
    if (!place) return undefined;
    return (await this.#lock(place.participant)) ? place : undefined;
  }

  /**
   * The join that this page, before its reload, sent and never heard of: asked again under the same command it is given
   * the same place. `undefined` when there was none.
   */
  unheardJoin(room: string): string | undefined {
    return this.#storage?.getItem(this.#joinKey(room)) ?? undefined;
  }

  /** A join is sent under this command. It is kept until it is answered or given up. */
  beginJoin(room: string, command: string): void {
    this.#set(this.#joinKey(room), command);
  }

  /** The join was answered, or given up: it is not asked again. */
  endJoin(room: string): void {
    this.#storage?.removeItem(this.#joinKey(room));
  }

  /** Keeps a place for a reload. */
  async keep(place: RoomPlace): Promise<void> {
    this.endJoin(place.room);
    this.#set(this.#key(place.room), JSON.stringify(place));
    await this.#lock(place.participant);
  }

  /** Forgets the place: the room was left for good. */
  drop(room: string): void {
    this.endJoin(room);
    this.#storage?.removeItem(this.#key(room));
    this.release();
  }

  #key(room: string): string {
    return `lodeline:place:${this.#server}:${room}`;
  }

  #joinKey(room: string): string {
    return `lodeline:join:${this.#server}:${room}`;
  }

  #set(key: string, value: string): void {
    try {
      this.#storage?.setItem(key, value);
    } catch {
      // A full or forbidden storage costs the place after a reload, nothing else.
    }
  }

  #read(room: string): RoomPlace | undefined {
    try {
      const value: unknown = JSON.parse(this.#storage?.getItem(this.#key(room)) ?? "null");
      return isPlace(value) && value.room === room ? value : undefined;
    } catch {
      return undefined;
    }
  }

  /** @returns Whether the lock is held, by this call or an earlier one. True where the browser has no locks. */
  async #lock(participant: string): Promise<boolean> {
    const locks = globalThis.navigator?.locks as LockManager | undefined;
    if (!locks || !this.#storage || this.#locked === participant) return true;
    this.release();
    const wait = AbortSignal.timeout(LOCK_WAIT_MS);
    return new Promise<boolean>((resolve) => {
      const hold = () => {
        this.#locked = participant;
        resolve(true);
        return new Promise<void>((release) => {
          this.#unlock = release;
        });
      };
      locks.request(`lodeline:place:${participant}`, { signal: wait }, hold).catch(() => resolve(false));
    });
  }

  /** Gives the lock back and keeps the place: the page is being left, and the next one may want it. */
  release(): void {
    this.#unlock?.();
    this.#unlock = undefined;
    this.#locked = undefined;
  }
}

function isPlace(value: unknown): value is RoomPlace {
  if (typeof value !== "object" || value === null) return false;
  const { room, participant, token } = value as Record<string, unknown>;
  return typeof room === "string" && typeof participant === "string" && typeof token === "string";
}
