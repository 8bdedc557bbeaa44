import {
  type HubChanges,
  type HubImage,
  type HubStore,
  IMAGE_VERSION,
  type StoreDrop,
  type StoreRecord,
} from "./store.ts";

/** How a {@link MemoryStore} behaves. */
export interface MemoryStoreOptions {
  /**
   * Decides when a batch is kept: calls `keep` once, now or later, in the order of the calls. Default: at once. What has
   * not been kept when the hub is dropped was never saved: a kill between a turn and its save.
   */
  readonly schedule?: ((keep: () => void) => void) | undefined;
}

/** A {@link HubStore} in memory: outlives the hub, not the process. For the simulation, and to test other stores against. */
export class MemoryStore implements HubStore {
  readonly #records = new Map<string, StoreRecord>();
  readonly #schedule: (keep: () => void) => void;
  #batches = 0;

  constructor(options: MemoryStoreOptions = {}) {
    this.#schedule = options.schedule ?? ((keep) => keep());
  }

  /** How many records it holds. */
  get size(): number {
    return this.#records.size;
  }

  /** How many batches were kept. */
  get batches(): number {
    return this.#batches;
  }

  save(changes: HubChanges, done: () => void): void {
    this.#schedule(() => {
      if (changes.fresh) this.#records.clear();
      for (const drop of changes.drops) this.#drop(drop);
      for (const record of changes.puts) this.#records.set(nameOf(record), record);
      this.#batches += 1;
      done();
    });
  }

  /** What it holds now: the caller's own, for `HubOptions.restore`. */
  image(): HubImage {
    return { version: IMAGE_VERSION, records: [...this.#records.values()] };
  }

  #drop(drop: StoreDrop): void {
    if ("key" in drop) {
      this.#records.delete(nameOf(drop));
      return;
    }
    for (const [name, { kind, owner, key }] of this.#records) {
      if (kind !== drop.kind || owner !== drop.owner) continue;
      if (!("through" in drop) || (typeof key === "number" && key <= drop.through)) this.#records.delete(name);
    }
  }
}

function nameOf({
  kind,
  owner,
  key,
}: {
  readonly kind: string;
  readonly owner: string;
  readonly key: unknown;
}): string {
  return JSON.stringify([kind, owner, key]);
}
