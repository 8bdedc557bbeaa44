import type { MonoMs } from "@lodeline/base";
import { SequenceUnwrapper } from "./sequence.ts";
import { encodeTransportFeedback } from "./transport-feedback.ts";

/** Arrivals kept, a power of two: two seconds of 30 Mbit/s. */
const RING_PACKETS = 8192;

/** A packet that comes this much later than its successors is still told; older ones are of no use to anybody. */
const BACK_WINDOW_MS = 500;

/** A number that is so far ahead is a new beginning, not a loss. */
const JUMP_LIMIT = 4096;

/** Most packets in one feedback: with two bytes each it still fits a datagram. */
const PACKETS_PER_FEEDBACK = 400;

/** Feedback leaves this often: often enough for the sender's estimator, whose groups are 5 ms, and rarely enough to be cheap. */
export const FEEDBACK_INTERVAL_MS = { least: 50, most: 100 } as const;

/** Share of what arrives that feedback may take, before it becomes rarer. RFC 3550 section 6.2 has the same figure. */
const FEEDBACK_SHARE = 0.05;

/** A feedback packet with its UDP, IP and SRTCP overhead, without its deltas. */
const FEEDBACK_BYTES = 86;

const NOTHING = new Float64Array(0);

/**
 * Notes when packets with transport-wide sequence numbers arrived, and writes the feedback that their sender estimates
 * its bandwidth from. draft-holmer-rmcat-transport-wide-cc-extensions-01.
 */
export class ArrivalRecorder {
  readonly #senderSsrc: number;
  readonly #unwrapper = new SequenceUnwrapper();
  /** Both from the first packet on: 131 kB that a connection without media need not have. */
  #numbers = NOTHING;
  #arrivals = NOTHING;
  /** The first number the next feedback speaks of; `undefined` when there is nothing new. */
  #base: number | undefined;
  /** One more than the last number told. */
  #told: number | undefined;
  #mediaSsrc = 0;
  #feedbackCount = 0;
  #dueAtMs: MonoMs = Infinity;
  #lastFeedbackAtMs: MonoMs = -Infinity;
  #bytesSince = 0;
  #bitrateBps = 0;
  /** Packets noted. */
  recorded = 0;

  /** @param senderSsrc - Who speaks in the feedback. */
  constructor(senderSsrc: number) {
    this.#senderSsrc = senderSsrc;
  }

  /** When {@link take} has something to give; `Infinity` while nothing new has arrived. */
  get deadlineMs(): MonoMs {
    return this.#dueAtMs;
  }

  /**
   * A packet arrived.
   *
   * @param transportSequence - 0 .. 65535, as its extension says.
   * @returns Whether there is a new deadline.
   */
  record(transportSequence: number, ssrc: number, sizeBytes: number, now: MonoMs): boolean {
    const newest = this.#unwrapper.newest;
    if (newest !== undefined && Math.abs(this.#unwrapper.peek(transportSequence) - newest) > JUMP_LIMIT)
      this.#restart();
    if (this.#numbers === NOTHING) {
      this.#numbers = new Float64Array(RING_PACKETS).fill(Number.NaN);
      this.#arrivals = new Float64Array(RING_PACKETS);
    }
    const sequence = this.#unwrapper.unwrap(transportSequence);
    const slot = modulo(sequence);
    // The first arrival counts; of a duplicate there is nothing to say.
    if (this.#numbers[slot] === sequence) return false;
    if (this.#told !== undefined && sequence < this.#told && !this.#stillOfUse(sequence, now)) return false;
    this.#numbers[slot] = sequence;
    this.#arrivals[slot] = now;
    this.recorded++;
    this.#mediaSsrc = ssrc;
    this.#bytesSince += sizeBytes;
    // What is missing before it is told with it; a late one is told with its successors, which are then told again.
    this.#base = Math.min(this.#base ?? this.#told ?? sequence, sequence);
    if (this.#dueAtMs < Infinity) return false;
    this.#dueAtMs = Math.max(now, this.#lastFeedbackAtMs + this.#intervalMs());
    return true;
  }

  /** A late packet: its place in the ring is still its own, and its successors have not been there for too long. */
  #stillOfUse(sequence: number, now: MonoMs): boolean {
    const newest = this.#unwrapper.newest ?? sequence;
    if (newest - sequence >= RING_PACKETS / 2) return false;
    for (let next = sequence + 1; next <= newest; next++) {
      const slot = modulo(next);
      if (this.#numbers[slot] === next) return now - (this.#arrivals[slot] as number) <= BACK_WINDOW_MS;
    }
    return false;
  }

  #restart(): void {
    this.#unwrapper.reset();
    this.#numbers.fill(Number.NaN);
    this.#base = undefined;
    this.#told = undefined;
  }

  #intervalMs(): number {
    const { least, most } = FEEDBACK_INTERVAL_MS;
    if (this.#bitrateBps <= 0) return least;
    return Math.min(most, Math.max(least, (FEEDBACK_BYTES * 8000) / (FEEDBACK_SHARE * this.#bitrateBps)));
  }

  /** The feedback that is due now: none before the deadline, several after many packets. */
  take(now: MonoMs): Uint8Array[] {
    if (now < this.#dueAtMs) return [];
    const packets: Uint8Array[] = [];
    const newest = this.#unwrapper.newest as number;
    for (let base = this.#base; base !== undefined && base <= newest; ) {
      const { bytes, packets: covered } = this.#encode(base, newest);
      packets.push(bytes);
      base += covered;
    }
    this.#measure(now);
    this.#told = newest + 1;
    this.#base = undefined;
    this.#dueAtMs = Infinity;
    return packets;
  }

  #encode(base: number, newest: number): { bytes: Uint8Array; packets: number } {
    const count = Math.min(newest - base + 1, PACKETS_PER_FEEDBACK);
    const arrivalsMs = new Float64Array(count);
    for (let i = 0; i < count; i++) {
      const slot = modulo(base + i);
      arrivalsMs[i] = this.#numbers[slot] === base + i ? (this.#arrivals[slot] as number) : Number.NaN;
    }
    return encodeTransportFeedback({
      senderSsrc: this.#senderSsrc,
      mediaSsrc: this.#mediaSsrc,
      baseSequence: base & 0xffff,
      feedbackCount: this.#feedbackCount++,
      arrivalsMs,
    });
  }

  #measure(now: MonoMs): void {
    const sinceMs = now - this.#lastFeedbackAtMs;
    if (sinceMs > 0 && sinceMs < Infinity) this.#bitrateBps = (this.#bytesSince * 8000) / sinceMs;
    this.#bytesSince = 0;
    this.#lastFeedbackAtMs = now;
  }
}

/** Numbers can be negative when the first packet seen was not the first sent. */
function modulo(sequence: number): number {
  return sequence & (RING_PACKETS - 1);
}
