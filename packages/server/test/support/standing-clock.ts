import type { Clock, MonoMs } from "@lodeline/base";

/** A clock that stands still until it is told to go. */
export class StandingClock implements Clock {
  #nowMs: MonoMs = 0;
  readonly #armed: { at: MonoMs; fn: () => void }[] = [];

  /** How many timers are armed. */
  get armed(): number {
    return this.#armed.length;
  }

  now(): MonoMs {
    return this.#nowMs;
  }

  wall(): number {
    return this.#nowMs;
  }

  at(at: MonoMs, fn: () => void) {
    const entry = { at, fn };
    this.#armed.push(entry);
    const cancel = () => {
      const index = this.#armed.indexOf(entry);
      if (index >= 0) this.#armed.splice(index, 1);
    };
    return { cancel, [Symbol.dispose]: cancel };
  }

  /** Lets time pass, firing what falls due in order. */
  goTo(until: MonoMs): void {
    for (let next = this.#next(until); next; next = this.#next(until)) {
      this.#armed.splice(this.#armed.indexOf(next), 1);
      this.#nowMs = Math.max(this.#nowMs, next.at);
      next.fn();
    }
    this.#nowMs = until;
  }

  #next(until: MonoMs) {
    return this.#armed.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
  }
}
