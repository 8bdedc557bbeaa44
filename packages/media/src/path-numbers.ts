/**
 * Numbers for paths, by which the packet kernel names them. A number that was given back is not used again soon, so that
 * late news of one path is not taken for another's.
 */
export class PathNumbers<Path> {
  readonly #paths = new Map<number, Path>();
  readonly #numbers = new Map<Path, number>();
  #next = 1;

  /** The number of a path, the same for as long as it is not {@link release}d. */
  of(path: Path): number {
    const known = this.#numbers.get(path);
    if (known !== undefined) return known;
    while (this.#paths.has(this.#next)) this.#next = (this.#next + 1) >>> 0;
    const number = this.#next;
    this.#next = (this.#next + 1) >>> 0;
    this.#paths.set(number, path);
    this.#numbers.set(path, number);
    return number;
  }

  /** The path of a number, while it is known. */
  get(number: number): Path | undefined {
    return this.#paths.get(number);
  }

  /** Forgets a path. */
  release(path: Path): void {
    const number = this.#numbers.get(path);
    if (number !== undefined) this.#paths.delete(number);
    this.#numbers.delete(path);
  }
}
