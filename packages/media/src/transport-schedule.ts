import type { Clock, MonoMs, Timer } from "@lodeline/base";

/**
 * What is not due soon waits for company, or each of a hundred transports would wake the process by itself: consent, which
 * is due in seconds, most of all.
 */
const GRIDS = [
  { beyondMs: 1000, gridMs: 250 },
  { beyondMs: 25, gridMs: 25 },
] as const;

/** When something that is due at `at` is done: then, or a little later with others. */
function inCompany(at: MonoMs, now: MonoMs): MonoMs {
  const grid = GRIDS.find(({ beyondMs }) => at - now > beyondMs);
  return grid === undefined ? at : Math.ceil(at / grid.gridMs) * grid.gridMs;
}

/** Something with a deadline. */
export interface Scheduled {
  readonly deadlineMs: MonoMs | undefined;
  tick(now: MonoMs): void;
}

/** The transports of an engine and when each is to be looked at again, with one timer for all: what is not due costs nothing. */
export class TransportSchedule<Transport extends Scheduled> implements Iterable<Transport> {
  readonly #clock: Clock;
  readonly #beforeRound: () => void;
  readonly #dueAtMs = new Map<Transport, MonoMs>();
  #timer: Timer | undefined;
  #armedAtMs: MonoMs = Infinity;
  #closed = false;

  /** @param beforeRound - Called each time before those are looked at that are due. */
  constructor(clock: Clock, beforeRound: () => void) {
    this.#clock = clock;
    this.#beforeRound = beforeRound;
  }

  [Symbol.iterator](): Iterator<Transport> {
    return this.#dueAtMs.keys();
  }

  get size(): number {
    return this.#dueAtMs.size;
  }

  /** Whether the timer runs. */
  get isArmed(): boolean {
    return this.#timer !== undefined;
  }

  /** Nothing of it is due yet. */
  add(transport: Transport): void {
    this.#dueAtMs.set(transport, Infinity);
  }

  delete(transport: Transport): void {
    this.#dueAtMs.delete(transport);
    if (this.#dueAtMs.size === 0) this.#disarm();
  }

  /** Looks at it no later than at this time, or a little later with others. */
  wake(transport: Transport, at: MonoMs): void {
    const known = this.#dueAtMs.get(transport);
    if (known === undefined || at >= known) return;
    const dueAtMs = inCompany(at, this.#clock.now());
    if (dueAtMs >= known) return;
    this.#dueAtMs.set(transport, dueAtMs);
    this.#arm(dueAtMs);
  }

  #arm(at: MonoMs): void {
    if (at >= this.#armedAtMs || this.#closed) return;
    this.#timer?.cancel();
    this.#armedAtMs = at;
    this.#timer = this.#clock.at(at, () => this.#round());
  }

  #disarm(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#armedAtMs = Infinity;
  }

  #round(): void {
    this.#timer = undefined;
    this.#armedAtMs = Infinity;
    const now = this.#clock.now();
    this.#beforeRound();
    let next = Infinity;
    for (const [transport, dueAtMs] of this.#dueAtMs) {
      next = Math.min(next, dueAtMs <= now ? this.#attend(transport, now) : dueAtMs);
    }
    if (next < Infinity) this.#arm(next);
  }

  /** @returns When it is due again. */
  #attend(transport: Transport, now: MonoMs): MonoMs {
    // What it says while it ticks counts; what was known before does not.
    this.#dueAtMs.set(transport, Infinity);
    if ((transport.deadlineMs ?? Infinity) <= now) transport.tick(now);
    // Never the same moment again: something that is due and does not go away must not spin.
    const nextMs = inCompany(Math.max(transport.deadlineMs ?? Infinity, now + 1), now);
    if (this.#dueAtMs.has(transport)) this.#dueAtMs.set(transport, nextMs);
    return nextMs;
  }

  /** Nothing is due any more. */
  close(): void {
    this.#closed = true;
    this.#disarm();
  }
}
