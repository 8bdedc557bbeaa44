import type { MonoMs } from "@lodeline/base";

/** Loss is judged this often, and only over enough packets to mean something. */
const WINDOW = { ms: 250, packets: 20 } as const;

/** Weight of a window of that length in the smoothed loss: about a second. A longer one weighs more. */
const SMOOTHING = 0.25;

/** The least loss seen in this time counts as the path's own. */
const INHERENT_MEMORY_MS = 20_000;

/** Loss beyond the path's own. Less than `calm` is noise; more than `congested` is a queue that overflows. */
const EXCESS = { calm: 0.03, congested: 0.06 } as const;

/** More loss than this is never taken for the path's own: nobody is served by sending on at that rate. */
const INTOLERABLE = 0.25;

/**
 * Above this loss it is tried whether less is lost at a lower rate: lower by `margin` times the loss, for `ms`, no more often
 * than `everyMs`. If the loss falls below `share` of what it was, it was our doing.
 */
const TRIAL = { loss: 0.08, margin: 1.2, ms: 1000, everyMs: 10_000, share: 0.5 } as const;

/** The rate goes down by this much of the excess, and up by this factor in a second. */
const REACTION = { down: 0.5, growth: 1.08 } as const;

/** Going down is answered by the path first. */
const PATIENCE_MS = 300;

/**
 * An upper bound from losses, for paths that drop without a queue that grows, such as a policer. Loss that does not depend on
 * the rate, as radio has it, is no reason to send less: the least loss of the last seconds counts as the path's own, and only
 * what goes beyond it bounds; much loss from the beginning is tried at a lower rate. (draft-ietf-rmcat-gcc-02 section 6 holds at 2 % and falls at 10 %, whatever its cause.)
 */
export class LossBound {
  readonly #inherent: { readonly atMs: MonoMs; readonly loss: number }[] = [];
  #arrived = 0;
  #lost = 0;
  #windowAtMs: MonoMs | undefined;
  #smoothed = 0;
  #windows = 0;
  #boundBps = Infinity;
  #decreasedAtMs: MonoMs = -Infinity;
  #trial: { readonly endsAtMs: MonoMs; readonly loss: number; readonly boundBps: number } | undefined;
  #triedAtMs: MonoMs = -Infinity;

  /** Bits per second; `Infinity` while losses are no reason to send less. */
  get boundBps(): number {
    return this.#boundBps;
  }

  /** Smoothed share lost, 0 .. 1. */
  get loss(): number {
    return this.#smoothed;
  }

  /** When that was judged last; `undefined` before. */
  get judgedAtMs(): MonoMs | undefined {
    return this.#windows === 0 ? undefined : this.#windowAtMs;
  }

  /** Takes what became of some packets. A negative count takes back what arrived after all. */
  add(arrived: number, lost: number): void {
    this.#arrived += arrived;
    this.#lost = Math.max(0, this.#lost + lost);
  }

  /**
   * Judges, when a window is full.
   *
   * @param estimateBps - What would be sent without this bound.
   * @param acknowledgedBps - What arrives, when it is known.
   * @param queued - A queue grew or overflowed: the delay explains the losses and answers them, so nothing is judged.
   */
  update(
    {
      estimateBps,
      acknowledgedBps,
      queued,
    }: { readonly estimateBps: number; readonly acknowledgedBps: number | undefined; readonly queued: boolean },
    now: MonoMs,
  ): void {
    this.#windowAtMs ??= now;
    const sinceMs = now - this.#windowAtMs;
    if (sinceMs < WINDOW.ms || this.#arrived + this.#lost < WINDOW.packets) return;
    const loss = this.#lost / (this.#arrived + this.#lost);
    this.#arrived = 0;
    this.#lost = 0;
    this.#windowAtMs = now;
    this.#windows++;
    // The first windows are an average, or the first loss of all would count for nothing.
    const weight = 1 - (1 - SMOOTHING) ** (sinceMs / WINDOW.ms);
    this.#smoothed += Math.max(weight, 1 / this.#windows) * (loss - this.#smoothed);
    if (queued) return;
    const excess = this.#smoothed - this.#noteInherent(now);
    if (!this.#try(estimateBps, now)) this.#judge(excess, estimateBps, acknowledgedBps, sinceMs, now);
  }

  /** @returns Whether a trial runs, so that nothing else moves the bound. */
  #try(estimateBps: number, now: MonoMs): boolean {
    const trial = this.#trial;
    if (trial) {
      if (now < trial.endsAtMs) return true;
      this.#trial = undefined;
      if (this.#smoothed > TRIAL.share * trial.loss) this.#boundBps = trial.boundBps;
      return false;
    }
    if (this.#smoothed < TRIAL.loss || now - this.#triedAtMs < TRIAL.everyMs) return false;
    this.#triedAtMs = now;
    this.#trial = { endsAtMs: now + TRIAL.ms, loss: this.#smoothed, boundBps: this.#boundBps };
    const share = Math.max(0.5, 1 - TRIAL.margin * this.#smoothed);
    this.#boundBps = Math.min(this.#boundBps, estimateBps) * share;
    return true;
  }

  #noteInherent(now: MonoMs): number {
    const smoothed = this.#smoothed;
    while ((this.#inherent.at(-1)?.loss ?? -1) >= smoothed) this.#inherent.pop();
    this.#inherent.push({ atMs: now, loss: smoothed });
    while (now - (this.#inherent[0]?.atMs ?? now) > INHERENT_MEMORY_MS) this.#inherent.shift();
    return Math.min(INTOLERABLE - EXCESS.congested, this.#inherent[0]?.loss ?? 0);
  }

  #judge(excess: number, estimateBps: number, arrivedBps: number | undefined, sinceMs: number, now: MonoMs): void {
    if (excess > EXCESS.congested) {
      if (now - this.#decreasedAtMs < PATIENCE_MS) return;
      this.#decreasedAtMs = now;
      const sentBps = Math.min(this.#boundBps, estimateBps);
      this.#boundBps = Math.min(sentBps, Math.max(sentBps * (1 - REACTION.down * excess), arrivedBps ?? 0));
    } else if (excess < EXCESS.calm && this.#boundBps < Infinity) {
      this.#boundBps *= REACTION.growth ** (sinceMs / 1000);
      // Well above what the delay allows: it bounds nothing any more.
      if (this.#boundBps > 1.5 * estimateBps) this.#boundBps = Infinity;
    }
  }
}
