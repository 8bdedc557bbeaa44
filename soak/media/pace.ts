/** Packets leave in a burst every so often, as a browser's pacer sends them. */
const BURST_EVERY_MS = 5;

/** A load that was kept from sending for longer than this does not make up for all of it: it would be a flood. */
const CATCH_UP_MS = 100;

/** Sends at a rate for as long as it is wanted, and counts. */
export class Pace implements Disposable {
  readonly #burst: (packets: number) => number;
  readonly #timer: NodeJS.Timeout;
  #rate = 0;
  #due = 0;
  #atMs = performance.now();
  /** Packets that the system took. */
  sent = 0;
  /** Packets that it did not take. */
  refused = 0;
  /** Packets that were left out, since this process stood still for too long. */
  skipped = 0;

  /** @param burst - Sends as many packets at once. Returns how many left. */
  constructor(burst: (packets: number) => number) {
    this.#burst = burst;
    this.#timer = setInterval(() => this.#send(), BURST_EVERY_MS);
  }

  /** Packets a second from now on; 0 pauses. */
  set rate(packetsPerSecond: number) {
    this.#send();
    this.#rate = packetsPerSecond;
  }

  #send(): void {
    const now = performance.now();
    const elapsedMs = now - this.#atMs;
    this.#atMs = now;
    const made = Math.min(elapsedMs, CATCH_UP_MS);
    this.skipped += ((elapsedMs - made) / 1000) * this.#rate;
    this.#due += (made / 1000) * this.#rate;
    const packets = Math.floor(this.#due);
    if (packets <= 0) return;
    this.#due -= packets;
    const sent = this.#burst(packets);
    this.sent += sent;
    this.refused += packets - sent;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
