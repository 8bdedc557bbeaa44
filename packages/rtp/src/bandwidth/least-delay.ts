import { fractions } from "./fractions.ts";

/** Entries kept; beyond it the oldest goes early. */
const ENTRY_LIMIT = 1024;

/** Entries that have left are cut off when they are so many. */
const CUT_AT = 256;

/** The least delay of the packets of the last `windowMs`. */
export class LeastDelay {
  readonly #windowMs: number;
  /**
   * Those that no later one undercuts, from `#from` on, so both go up: the first is the least. In two arrays of numbers, since
   * this is done for every packet of every receiver.
   */
  readonly #arrivals = fractions();
  readonly #delays = fractions();
  #from = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  /** 0 before anything arrived. */
  get leastMs(): number {
    return this.#from < this.#delays.length ? (this.#delays[this.#from] as number) : 0;
  }

  /** Forgets all but the last packet. */
  restart(): void {
    this.#from = Math.max(this.#from, this.#delays.length - 1);
  }

  /** A packet arrived. */
  add(arrivalMs: number, delayMs: number): void {
    const arrivals = this.#arrivals;
    const delays = this.#delays;
    while (delays.length > this.#from && (delays[delays.length - 1] as number) >= delayMs) {
      arrivals.pop();
      delays.pop();
    }
    arrivals.push(arrivalMs);
    delays.push(delayMs);
    const { length } = delays;
    while (length - this.#from > ENTRY_LIMIT || arrivalMs - (arrivals[this.#from] as number) > this.#windowMs)
      this.#from++;
    if (this.#from >= CUT_AT) this.#cut();
  }

  #cut(): void {
    this.#arrivals.splice(0, this.#from);
    this.#delays.splice(0, this.#from);
    this.#from = 0;
  }
}
