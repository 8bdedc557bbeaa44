import type { Clock, MonoMs, Timer, WallMs } from "@lodeline/base";

/** One armed timer. `fn` is undefined once it was cancelled or has fired; the heap drops it when it surfaces. */
interface Entry {
  readonly at: MonoMs;
  readonly order: number;
  fn: (() => void) | undefined;
}

/** A calendar for records: virtual time begins at 2026-01-01T00:00:00Z. */
const WALL_ORIGIN_MS: WallMs = 1_767_225_600_000;

/**
 * Time that moves only when told to. Timers fire in the order of their time, equal times in the order in which they
 * were armed, so a run is a function of its inputs alone. Two virtual minutes cost as much as what happens in them.
 */
export class VirtualClock implements Clock {
  readonly #heap: Entry[] = [];
  #nowMs: MonoMs = 0;
  #order = 0;
  #armed = 0;

  now(): MonoMs {
    return this.#nowMs;
  }

  wall(): WallMs {
    return WALL_ORIGIN_MS + this.#nowMs;
  }

  /** As {@link Clock.at}. A time that has passed fires at the next step, never inside this call. */
  at(at: MonoMs, fn: () => void): Timer {
    const entry: Entry = { at: Math.max(at, this.#nowMs), order: this.#order++, fn };
    this.#armed += 1;
    push(this.#heap, entry);
    const cancel = () => {
      if (entry.fn === undefined) return;
      entry.fn = undefined;
      this.#armed -= 1;
    };
    return { cancel, [Symbol.dispose]: cancel };
  }

  /** How many timers are armed and neither cancelled nor fired: a leak test reads it. */
  get armed(): number {
    return this.#armed;
  }

  /** When the next timer is due, or `undefined` when none is armed. */
  get nextAt(): MonoMs | undefined {
    this.#dropCancelled();
    return this.#heap[0]?.at;
  }

  /** Fires everything that is due within the next `ms`, in order, and stands at `now() + ms` afterwards. */
  advance(ms: number): void {
    const until = this.#nowMs + ms;
    while (this.#fireNext(until));
    this.#nowMs = until;
  }

  /**
   * Fires timers until none is armed or `limitMs` have passed, whichever is first. Time stops at the last one fired.
   *
   * @returns Whether nothing is armed any more.
   */
  runUntilIdle(limitMs: number): boolean {
    const until = this.#nowMs + limitMs;
    while (this.#fireNext(until));
    return this.#armed === 0;
  }

  /** Fires the one timer that is due next, within `limitMs`. @returns Whether there was one. */
  step(limitMs = Number.POSITIVE_INFINITY): boolean {
    return this.#fireNext(this.#nowMs + limitMs);
  }

  /**
   * Fires timers until `done` says so, asked after each, or `limitMs` have passed.
   *
   * @returns Whether `done` said so.
   */
  runUntil(done: () => boolean, limitMs: number): boolean {
    const until = this.#nowMs + limitMs;
    while (!done()) if (!this.#fireNext(until)) break;
    return done();
  }

  #fireNext(until: MonoMs): boolean {
    this.#dropCancelled();
    const next = this.#heap[0];
    if (next === undefined || next.at > until) return false;
    pop(this.#heap);
    const { fn } = next;
    this.#nowMs = next.at;
    this.#armed -= 1;
    next.fn = undefined;
    fn?.();
    return true;
  }

  #dropCancelled(): void {
    while (this.#heap[0] !== undefined && this.#heap[0].fn === undefined) pop(this.#heap);
  }
}

function before(a: Entry, b: Entry): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

function push(heap: Entry[], entry: Entry): void {
  let child = heap.length;
  heap.push(entry);
  while (child > 0) {
    const parent = (child - 1) >> 1;
    const above = heap[parent] as Entry;
    if (!before(entry, above)) break;
    heap[child] = above;
    child = parent;
  }
  heap[child] = entry;
}

function pop(heap: Entry[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let parent = 0;
  for (;;) {
    let child = 2 * parent + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && before(heap[child + 1] as Entry, heap[child] as Entry)) child += 1;
    const below = heap[child] as Entry;
    if (!before(below, last)) break;
    heap[parent] = below;
    parent = child;
  }
  heap[parent] = last;
}
