/** Entries kept; beyond it the oldest goes early. */
const ENTRY_LIMIT = 1024;

/** The least delay of the packets of the last `windowMs`. */
export class LeastDelay {
  readonly #windowMs: number;
  /** Those that no later one undercuts, so both figures go up: the first is the least. */
  readonly #entries: { readonly arrivalMs: number; readonly delayMs: number }[] = [];

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** 0 before anything arrived. */
  get leastMs(): number {
    return this.#entries[0]?.delayMs ?? 0;
  }

  /** Forgets all but the last packet. */
  restart(): void {
    this.#entries.splice(0, this.#entries.length - 1);
  }

  /** A packet arrived. */
  add(arrivalMs: number, delayMs: number): void {
    const entries = this.#entries;
    while ((entries.at(-1)?.delayMs ?? -Infinity) >= delayMs) entries.pop();
    entries.push({ arrivalMs, delayMs });
    while (entries.length > ENTRY_LIMIT || arrivalMs - (entries[0]?.arrivalMs ?? arrivalMs) > this.#windowMs)
      entries.shift();
  }
}
