import { ahead32, step32 } from "./serial.ts";

/** How far ahead of the last one in order a number may be. */
const WINDOW = 16_384;

/** Separate ranges that are kept: as many as fit in a SACK. */
const RANGE_LIMIT = 200;

/** Doubled numbers that are told in the next SACK. */
const DOUBLED_LIMIT = 16;

/** Which transmission sequence numbers have come. RFC 9260 section 6.2. */
export class ReceivedTsns {
  #cumulative: number;
  /** Numbers beyond the gap after {@link cumulative}, as distances from it, in order and apart from each other. */
  #ranges: [first: number, last: number][] = [];
  #doubled: number[] = [];

  /** @param initialTsn - The first that will come. */
  constructor(initialTsn: number) {
    this.#cumulative = step32(initialTsn, -1);
  }

  /** Everything up to here has come. */
  get cumulative(): number {
    return this.#cumulative;
  }

  /** What came beyond the first gap: distances from {@link cumulative}, as a SACK has them. */
  get ranges(): readonly (readonly [first: number, last: number])[] {
    return this.#ranges;
  }

  /** What came twice since the last call. */
  takeDoubled(): number[] {
    const doubled = this.#doubled;
    this.#doubled = [];
    return doubled;
  }

  /** Whether a number would be new and can be noted. A doubled one is remembered. */
  isNew(tsn: number): boolean {
    const distance = ahead32(tsn, this.#cumulative);
    if (distance > WINDOW) return false;
    if (distance <= 0 || this.#ranges.some(([first, last]) => distance >= first && distance <= last)) {
      if (this.#doubled.length < DOUBLED_LIMIT) this.#doubled.push(tsn);
      return false;
    }
    const touches = this.#ranges.some(([first, last]) => distance === first - 1 || distance === last + 1);
    return distance === 1 || touches || this.#ranges.length < RANGE_LIMIT;
  }

  /** Notes a number that {@link isNew}. */
  add(tsn: number): void {
    const distance = ahead32(tsn, this.#cumulative);
    if (distance === 1 && this.#ranges.length === 0) {
      this.#cumulative = tsn;
      return;
    }
    const index = this.#ranges.findIndex(([, last]) => distance <= last + 1);
    const range = this.#ranges[index];
    if (range === undefined) this.#ranges.push([distance, distance]);
    else if (distance < range[0] - 1) this.#ranges.splice(index, 0, [distance, distance]);
    else this.#grow(index, range, distance);
    this.#advance();
  }

  #grow(index: number, range: [number, number], distance: number): void {
    range[0] = Math.min(range[0], distance);
    range[1] = Math.max(range[1], distance);
    const next = this.#ranges[index + 1];
    if (next === undefined || next[0] > range[1] + 1) return;
    range[1] = next[1];
    this.#ranges.splice(index + 1, 1);
  }

  /** Nothing up to `tsn` will come any more. RFC 3758 section 3.6. */
  skipTo(tsn: number): void {
    const by = ahead32(tsn, this.#cumulative);
    if (by > 0) this.#moveBy(by);
    this.#advance();
  }

  #moveBy(by: number): void {
    this.#cumulative = step32(this.#cumulative, by);
    this.#ranges = this.#ranges
      .filter(([, last]) => last > by)
      .map(([first, last]) => [Math.max(1, first - by), last - by]);
  }

  #advance(): void {
    for (let first = this.#ranges[0]; first && first[0] === 1; first = this.#ranges[0]) this.#moveBy(first[1]);
  }
}
