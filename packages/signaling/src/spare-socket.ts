import type { MonoMs } from "@lodeline/base";

/**
 * A ping unanswered for this long, or for three round trips where that is longer, makes the socket suspect: where the
 * machine has changed its network, no browser says that the socket is dead, and often none that the network changed.
 */
const SUSPECT_MS = 1_000;

/** A second socket that came to nothing is tried again after this, while the first stays suspect. */
const AGAIN_MS = 500;

/** How far the second socket has come. */
export type SpareState = "none" | "opening" | "hello-said";

/**
 * The second socket of a link whose first may be dead: when to open it and how long it may take. The first is kept until
 * the second has its welcome, for it may only have been slow.
 */
export class SpareSocket {
  #state: SpareState = "none";
  /** When it is given up. */
  #by: MonoMs | undefined;
  /** Asked for by an event and not by silence. */
  #wantedAt: MonoMs | undefined;
  #notBefore: MonoMs = 0;
  /** Since the first socket was opened; stays true when the second came to nothing. */
  #greeted = false;

  get state(): SpareState {
    return this.#state;
  }

  /** Whether a second socket has said hello, so that the server may have moved there and closed the first for it. */
  get greeted(): boolean {
    return this.#greeted;
  }

  /** When an attempt that is under way is given up. */
  get by(): MonoMs | undefined {
    return this.#by;
  }

  /** The network has changed: do not wait for silence. */
  want(now: MonoMs): void {
    this.#wantedAt ??= now;
    this.#notBefore = 0;
  }

  /**
   * When to open it, or to give it up; `undefined` for never.
   *
   * @param silentSince - Since when a ping has waited for its answer, and nothing else was heard.
   * @param rttMs - The last round trip.
   */
  dueAt(silentSince: MonoMs | undefined, rttMs = 0): MonoMs | undefined {
    if (this.#state !== "none") return this.#by;
    const suspectAt = silentSince === undefined ? undefined : silentSince + Math.max(SUSPECT_MS, 3 * rttMs);
    const at = this.#wantedAt ?? suspectAt;
    return at === undefined ? undefined : Math.max(at, this.#notBefore);
  }

  opening(by: MonoMs): void {
    this.#state = "opening";
    this.#by = by;
  }

  helloSaid(): void {
    this.#state = "hello-said";
    this.#greeted = true;
  }

  /** It came to nothing; another attempt may follow. */
  failed(now: MonoMs): void {
    this.clear();
    this.#notBefore = now + AGAIN_MS;
  }

  /** There is another first socket, or none. */
  restart(): void {
    this.clear();
    this.#greeted = false;
  }

  /** It is not needed. */
  clear(): void {
    this.#state = "none";
    this.#by = undefined;
    this.#wantedAt = undefined;
    this.#notBefore = 0;
  }
}
