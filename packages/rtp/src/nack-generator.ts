import type { MonoMs } from "@lodeline/base";

/** Waits and limits of {@link NackGenerator}. */
export interface NackSettings {
  /** Wait before the first request, since packets may merely be out of order. */
  readonly reorderWaitMs: number;
  /** Least wait between two requests for one packet; the round-trip time when that is longer. */
  readonly retryMs: number;
  /** Requests for one packet before it is given up. */
  readonly attempts: number;
  /** More missing packets than this are not asked for one by one. */
  readonly missingLimit: number;
}

/** What {@link NackGenerator} does where nothing else is asked for. */
export const NACK_SETTINGS: NackSettings = { reorderWaitMs: 10, retryMs: 40, attempts: 10, missingLimit: 300 };

interface Missing {
  dueAtMs: MonoMs;
  attempts: number;
}

/**
 * Notices gaps in one incoming stream and says which packets to ask for again, and when. RFC 4585 section 6.2.1.
 * What stays missing is given up, and `keyFrameNeeded` says that only a new key frame helps.
 */
export class NackGenerator {
  readonly #settings: NackSettings;
  readonly #missing = new Map<number, Missing>();
  #newest: number | undefined;
  /** Smoothed round trip to the sender; the owner sets it when it knows one. */
  roundTripMs = 0;
  /** Set when packets were given up; the owner clears it when it has asked for a key frame. */
  keyFrameNeeded = false;
  /** Requests made so far, each packet counted every time. */
  requested = 0;
  /** Packets that arrived after they were asked for. */
  recovered = 0;
  /** Packets given up. */
  givenUp = 0;

  constructor(settings: Partial<NackSettings> = {}) {
    this.#settings = { ...NACK_SETTINGS, ...settings };
  }

  /** When {@link tick} has something to say, or `undefined`. */
  get deadlineMs(): MonoMs | undefined {
    let earliest: MonoMs | undefined;
    for (const { dueAtMs } of this.#missing.values())
      if (earliest === undefined || dueAtMs < earliest) earliest = dueAtMs;
    return earliest;
  }

  /** How many packets are missing now. */
  get missingCount(): number {
    return this.#missing.size;
  }

  /**
   * A packet arrived, in whatever order and by whatever way.
   *
   * @param sequence - Its extended sequence number.
   * @returns Whether it left a new gap, so that there is a new deadline.
   */
  handle(sequence: number, now: MonoMs): boolean {
    const newest = this.#newest;
    if (newest === undefined) {
      this.#newest = sequence;
      return false;
    }
    if (sequence <= newest) {
      const missing = this.#missing.get(sequence);
      if (missing && missing.attempts > 0) this.recovered++;
      this.#missing.delete(sequence);
      return false;
    }
    this.#newest = sequence;
    if (sequence === newest + 1) return false;
    if (sequence - newest - 1 + this.#missing.size > this.#settings.missingLimit) {
      this.#giveUpAll(sequence - newest - 1);
      return false;
    }
    for (let each = newest + 1; each < sequence; each++) {
      this.#missing.set(each, { dueAtMs: now + this.#settings.reorderWaitMs, attempts: 0 });
    }
    return true;
  }

  /**
   * Everything up to this packet arrived or is known to be missing: for whoever is told of gaps only.
   *
   * @param sequence - Its extended sequence number.
   */
  advance(sequence: number): void {
    if (this.#newest === undefined || sequence > this.#newest) this.#newest = sequence;
  }

  /**
   * The packets to ask for now.
   *
   * @returns 16-bit sequence numbers in ascending order, often none.
   */
  tick(now: MonoMs): number[] {
    const due: number[] = [];
    for (const [sequence, missing] of this.#missing) {
      if (missing.dueAtMs > now) continue;
      if (missing.attempts >= this.#settings.attempts) {
        this.#missing.delete(sequence);
        this.givenUp++;
        this.keyFrameNeeded = true;
        continue;
      }
      missing.attempts++;
      missing.dueAtMs = now + Math.max(this.#settings.retryMs, 1.25 * this.roundTripMs);
      due.push(sequence & 0xffff);
    }
    this.requested += due.length;
    return due;
  }

  /** Forgets what is missing, because a key frame made it irrelevant. */
  forget(): void {
    this.#missing.clear();
    this.keyFrameNeeded = false;
  }

  #giveUpAll(more: number): void {
    this.givenUp += this.#missing.size + more;
    this.#missing.clear();
    this.keyFrameNeeded = true;
  }
}
