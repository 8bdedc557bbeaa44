import type { Random } from "@lodeline/base";

/** One way through a relay: from the client to the server, or back. */
export type Way = "up" | "down";

/** What is wrong with TCP connections while a fault lasts. */
export interface TcpConditions {
  /** Breaks a connection after so many bytes of one way, on average; the offset is drawn for each connection and way. */
  readonly cutBytes?: number | undefined;
  /** Draws the offsets. Default: the proxy's own. */
  readonly random?: Random | undefined;
  /** Whether one more cut may be made; asked, and counted, at each. */
  readonly mayCut?: (() => boolean) | undefined;
  /** Every byte arrives this much later, in ms. */
  readonly delayMs?: number | undefined;
  /** Nothing moves this way. */
  readonly stall?: Way | "both" | undefined;
  /** At most this much, on each connection and each way. */
  readonly rateBps?: number | undefined;
  /** New connections are closed at once. */
  readonly refuse?: boolean | undefined;
}

/** Conditions that hold together: delays add up, the lowest rate counts, one that stalls is enough. */
export class TcpWeather {
  readonly #conditions = new Set<TcpConditions>();
  readonly #changed: () => void;

  /** @param changed - Told when conditions come or go: what waited may go on. */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  add(conditions: TcpConditions): void {
    this.#conditions.add(conditions);
    this.#changed();
  }

  delete(conditions: TcpConditions): void {
    if (this.#conditions.delete(conditions)) this.#changed();
  }

  get delayMs(): number {
    return this.#all.reduce((sum, { delayMs = 0 }) => sum + delayMs, 0);
  }

  get rateBps(): number {
    return this.#all.reduce((least, { rateBps = Infinity }) => Math.min(least, rateBps), Infinity);
  }

  get refuses(): boolean {
    return this.#all.some(({ refuse }) => refuse);
  }

  stalls(way: Way): boolean {
    return this.#all.some(({ stall }) => stall === way || stall === "both");
  }

  /** The conditions that cut, the first of them where there are several. */
  get cutting(): TcpConditions | undefined {
    return this.#all.find(({ cutBytes }) => cutBytes !== undefined);
  }

  get #all(): readonly TcpConditions[] {
    return [...this.#conditions];
  }
}
