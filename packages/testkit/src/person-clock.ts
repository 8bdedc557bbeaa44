import type { Clock, MonoMs, Timer, WallMs } from "@lodeline/base";

/** One armed timer of a page. */
interface Entry {
  /** By the page's own clock. */
  readonly at: MonoMs;
  fn: (() => void) | undefined;
  timer: Timer | undefined;
}

/**
 * The clock of one page: the world's, unless the tab is frozen or the machine asleep. Then no timer fires and nothing
 * that arrives is heard; on the thaw everything that has come due meanwhile happens at once, in order.
 */
export class PersonClock implements Clock {
  readonly #world: Clock;
  readonly #entries = new Set<Entry>();
  readonly #waiting: (() => void)[] = [];
  /** World's time minus the page's: grows by a sleep in which the page's clock stood still. */
  #behindMs = 0;
  #frozenAt: MonoMs | undefined;
  #stops = false;

  /** @param world - What time it is outside. */
  constructor(world: Clock) {
    this.#world = world;
  }

  now(): MonoMs {
    const world = this.#stops && this.#frozenAt !== undefined ? this.#frozenAt : this.#world.now();
    return world - this.#behindMs;
  }

  wall(): WallMs {
    return this.#world.wall();
  }

  at(at: MonoMs, fn: () => void): Timer {
    const entry: Entry = { at, fn, timer: undefined };
    this.#entries.add(entry);
    if (this.#frozenAt === undefined) this.#arm(entry);
    const cancel = () => {
      entry.fn = undefined;
      entry.timer?.cancel();
      this.#entries.delete(entry);
    };
    return { cancel, [Symbol.dispose]: cancel };
  }

  /** Whether nothing runs in the page. */
  get frozen(): boolean {
    return this.#frozenAt !== undefined;
  }

  /** Something of the world reaches the page: now, or when it runs again. In order. */
  run(fn: () => void): void {
    if (this.#frozenAt !== undefined || this.#waiting.length > 0) this.#waiting.push(fn);
    else fn();
  }

  /** Nothing runs from now on. @param stops - Whether the page's monotonic clock stands still as well. */
  freeze(stops: boolean): void {
    if (this.#frozenAt !== undefined) return;
    this.#frozenAt = this.#world.now();
    this.#stops = stops;
    for (const entry of this.#entries) entry.timer?.cancel();
  }

  /** Everything runs again. @param timersFirst - Whether timers that are due come before what arrived meanwhile. */
  thaw(timersFirst: boolean): void {
    if (this.#frozenAt === undefined) return;
    if (this.#stops) this.#behindMs += this.#world.now() - this.#frozenAt;
    this.#frozenAt = undefined;
    if (!timersFirst) this.#drainSoon();
    for (const entry of [...this.#entries].sort((a, b) => a.at - b.at)) this.#arm(entry);
    if (timersFirst) this.#drainSoon();
  }

  /** The frozen page is gone: what waited for it is never heard, and the next page runs. */
  discard(): void {
    this.#waiting.length = 0;
    this.thaw(true);
  }

  #arm(entry: Entry): void {
    entry.timer = this.#world.at(entry.at + this.#behindMs, () => {
      const { fn } = entry;
      this.#entries.delete(entry);
      entry.fn = undefined;
      fn?.();
    });
  }

  #drainSoon(): void {
    this.#world.at(this.#world.now(), () => {
      for (let fn = this.#waiting.shift(); fn && this.#frozenAt === undefined; fn = this.#waiting.shift()) fn();
    });
  }
}
