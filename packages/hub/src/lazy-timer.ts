import type { Clock, MonoMs, Timer } from "@lodeline/base";

/**
 * One timer for a thing whose deadline moves with every input, mostly later. Arms anew only when the deadline has come
 * nearer; a timer that fires too early looks again. So a busy link costs no timer per frame.
 */
export class LazyTimer implements Disposable {
  readonly #clock: Clock;
  readonly #due: () => MonoMs | undefined;
  readonly #fire: () => void;
  #timer: Timer | undefined;
  #armedFor: MonoMs = 0;
  #disposed = false;

  /**
   * @param due - When there is something to do; `undefined` when never.
   * @param fire - Does it. The next deadline is looked up after it.
   */
  constructor(clock: Clock, due: () => MonoMs | undefined, fire: () => void) {
    this.#clock = clock;
    this.#due = due;
    this.#fire = fire;
  }

  /** Looks up the deadline; to be called after every input. */
  arm(): void {
    if (this.#disposed) return;
    const due = this.#due();
    if (due === undefined || (this.#timer !== undefined && this.#armedFor <= due)) return;
    this.#timer?.cancel();
    this.#armedFor = due;
    this.#timer = this.#clock.at(due, () => this.#wake());
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #wake(): void {
    this.#timer = undefined;
    const due = this.#due();
    if (due !== undefined && this.#clock.now() >= due) this.#fire();
    this.arm();
  }
}
