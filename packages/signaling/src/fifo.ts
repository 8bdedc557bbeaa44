/**
 * First in, first out, without moving what is queued: both ends cost the same however long it is. (`Array.shift` copies
 * the rest each time, which shows at tens of thousands of frames a second.)
 */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  /** How many are queued. */
  get size(): number {
    return this.#items.length - this.#head;
  }

  /** Adds one at the end. */
  push(item: T): void {
    this.#items.push(item);
  }

  /** Takes the first one out; `undefined` when there is none. */
  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    // The reference is dropped at once, so that what was taken out can be freed.
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) this.clear();
    else if (this.#head >= 64 && this.#head * 2 >= this.#items.length) this.#compact();
    return item;
  }

  /** The one at `index`, counted from the first; `undefined` past the end. */
  at(index: number): T | undefined {
    return this.#items[this.#head + index];
  }

  /** Drops all. */
  clear(): void {
    if (this.#items.length > 0) this.#items = [];
    this.#head = 0;
  }

  #compact(): void {
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }
}
