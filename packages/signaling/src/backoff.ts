import { type MonoMs, type Random, unit } from "@lodeline/base";

/**
 * How long to wait before the next reconnect: doubles from `firstMs` to `maxMs`; of each wait the second half is chance,
 * so that the clients of a restarted server do not all come back at once.
 *
 * @param attempt - 0 for the first reconnect after a link that worked.
 * @returns Milliseconds, at least half of `firstMs`, at most `maxMs`.
 */
export function backoffMs(attempt: number, firstMs: number, maxMs: number, random: Random): number {
  // 2^30 is past every sensible maximum and keeps the product finite.
  const whole = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return whole / 2 + (whole / 2) * unit(random);
}

/** So long after its link was lost a server is looked for more often: most are only started again. */
const SOON_MS = 10_000;
/** Within that time no wait is longer than this share of the longest. */
const SOON_SHARE = 0.25;

/** The waits of a {@link Reconnection}. */
export interface ReconnectionTimers {
  readonly reconnectFirstMs: number;
  readonly reconnectMaxMs: number;
}

/** When to try again: counts the attempts since the link last held. */
export class Reconnection {
  readonly #timers: ReconnectionTimers;
  readonly #random: Random;
  #attempt = 0;
  #openedAt: MonoMs | undefined;
  #forgaveAt: MonoMs | undefined;
  /** Since when there has been no link, where it was not lost over and over. */
  #missedSince: MonoMs = -Infinity;
  #at: MonoMs | undefined;

  constructor(timers: ReconnectionTimers, random: Random) {
    this.#timers = timers;
    this.#random = random;
  }

  /** When the next attempt is due; `undefined` while none is waited for. */
  get at(): MonoMs | undefined {
    return this.#at;
  }

  /** The link is open. Whether that counts is seen when it closes. */
  opened(now: MonoMs): void {
    this.#openedAt = now;
  }

  /**
   * The socket is gone: waits for the next attempt. A server that accepts and drops at once must not be hammered, so only
   * a link that held for the longest wait counts as one that worked.
   *
   * @returns The wait in ms.
   */
  schedule(now: MonoMs): number {
    const { reconnectFirstMs, reconnectMaxMs } = this.#timers;
    if (this.#openedAt !== undefined) {
      if (now - this.#openedAt >= reconnectMaxMs) this.#attempt = 0;
      // One that was opened and dropped over and over is not missed, however young it is.
      this.#missedSince = this.#attempt === 0 ? now : -Infinity;
      this.#openedAt = undefined;
    }
    const share = now - this.#missedSince < SOON_MS ? SOON_SHARE : 1;
    const waitMs = backoffMs(this.#attempt, reconnectFirstMs, reconnectMaxMs * share, this.#random);
    this.#attempt += 1;
    this.#at = now + waitMs;
    return waitMs;
  }

  /** An attempt begins, or the link is given up. */
  clear(): void {
    this.#at = undefined;
  }

  /**
   * The socket is to go although the server was heard on it just now: the next wait is the first again. Once in the
   * longest wait, for what spoils every socket is not cured by more of them.
   */
  forgive(now: MonoMs): void {
    if (this.#forgaveAt !== undefined && now - this.#forgaveAt < this.#timers.reconnectMaxMs) return;
    this.#forgaveAt = now;
    this.#attempt = 0;
  }

  /** There is good reason to believe that it works now: the next wait is the first again. */
  encourage(): void {
    this.#attempt = 0;
  }
}
