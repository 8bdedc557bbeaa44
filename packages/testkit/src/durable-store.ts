import type { Clock } from "@lodeline/base";
import { type HubChanges, type HubImage, type HubStore, MemoryStore } from "@lodeline/hub";
import type { Chance } from "./chance.ts";

/** What {@link DurableStore} needs. */
export interface DurableStoreOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  /** A save is durable after 0 .. this, ms; 0: at once. */
  readonly commitMs: number;
  /** Decides instead when a save is durable: calls `keep` once, or never where a kill comes first. */
  readonly schedule?: ((keep: () => void) => void) | undefined;
  /** Stands between what the hub saves and what is kept, for a fault planted on purpose. */
  readonly tamper?: ((changes: HubChanges) => HubChanges) | undefined;
}

/** A save that is not durable yet. */
interface Pending {
  readonly changes: HubChanges;
  readonly done: () => void;
}

/**
 * The disk of a simulated server: outlives its processes. What was not yet durable at a kill is lost; of what was under
 * way, as with a real disk, a first part may have been written although nobody was told so.
 */
export class DurableStore implements HubStore {
  readonly #options: DurableStoreOptions;
  readonly #kept = new MemoryStore();
  #pending: Pending[] = [];
  #freeAt = 0;

  constructor(options: DurableStoreOptions) {
    this.#options = options;
  }

  save(changes: HubChanges, done: () => void): void {
    const { clock, chance, commitMs, schedule, tamper } = this.#options;
    const one: Pending = { changes: tamper ? tamper(changes) : changes, done };
    if (schedule) return schedule(() => this.#keep(one));
    if (commitMs === 0) return this.#keep(one);
    this.#pending.push(one);
    this.#freeAt = Math.max(this.#freeAt, clock.now()) + chance.between(0, commitMs);
    clock.at(this.#freeAt, () => {
      // Lost by a kill meanwhile.
      if (this.#pending[0] !== one) return;
      this.#pending.shift();
      this.#keep(one);
    });
  }

  /** The process dies: what is under way is written or lost, and nobody is told. */
  kill(): void {
    const { chance } = this.#options;
    const written = this.#pending.length > 0 ? chance.between(0, this.#pending.length) : 0;
    for (const { changes } of this.#pending.slice(0, written)) this.#kept.save(changes, () => {});
    this.#pending = [];
  }

  /** What a new process finds. */
  image(): HubImage {
    return this.#kept.image();
  }

  /** Records it holds: 0 when nothing is left to remember. */
  get size(): number {
    return this.#kept.size;
  }

  #keep({ changes, done }: Pending): void {
    this.#kept.save(changes, done);
  }
}
