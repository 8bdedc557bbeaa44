import type { Clock, MonoMs } from "@lodeline/base";

/**
 * Whose page said goodbye lately: perhaps to be loaded anew, or to come back under another name. Who is called meanwhile
 * is not away yet.
 */
export class Goodbyes {
  readonly #clock: Clock;
  readonly #graceMs: number;
  /** By identity, when the grace of its last goodbye is over; the oldest goodbye first. */
  readonly #until = new Map<string, MonoMs>();

  /** @param graceMs - How long somebody may take to be back. */
  constructor(clock: Clock, graceMs: number) {
    this.#clock = clock;
    this.#graceMs = graceMs;
  }

  /** A page of somebody says goodbye now. */
  note(identity: string): void {
    this.#forget();
    this.#until.delete(identity);
    this.#until.set(identity, this.#clock.now() + this.#graceMs);
  }

  /** When the grace of somebody's last goodbye is over; `undefined` when it is, or nobody said one. */
  until(identity: string): MonoMs | undefined {
    this.#forget();
    return this.#until.get(identity);
  }

  /** Without a timer: what is over is dropped at the next question, and a goodbye is small. */
  #forget(): void {
    const now = this.#clock.now();
    for (const [identity, until] of this.#until) {
      if (until > now) return;
      this.#until.delete(identity);
    }
  }
}
