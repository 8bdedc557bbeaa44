import type { MonoMs } from "@lodeline/base";
import { SequenceUnwrapper } from "../sequence.ts";
import { FEEDBACK_CLOCK_WRAP_MS, type TransportFeedback } from "../transport-feedback.ts";
import { PacketResults } from "./packet-results.ts";

/** Packets remembered, a power of two: two seconds of 40 Mbit/s. */
const RING_PACKETS = 8192;

/** One for all histories: feedback is handled to its end before the next one, and this stays in the cache. */
const RESULTS = new PacketResults();

const STATE = { flying: 0, lost: 1, arrived: 2 } as const;

/**
 * What is remembered of each packet, by its place in the ring: 196 kB. All of one packet stands side by side, since every
 * receiver has a ring, and a packet's place in it is never in a cache when it is written, nor when it is told of.
 */
class SentRing {
  readonly #memory = new ArrayBuffer(24 * RING_PACKETS);
  /** Of each packet its extended number, when it left, and 8 bytes that are words. */
  readonly #doubles = new Float64Array(this.#memory);
  /** Of each packet 16 bytes that are doubles, its size with its state in the upper half, and its probe. */
  readonly #words = new Uint32Array(this.#memory);

  constructor() {
    for (let place = 0; place < RING_PACKETS; place++) this.#doubles[3 * place] = Number.NaN;
  }

  set(sequence: number, sentAtMs: MonoMs, sizeBytes: number, probe: number): void {
    const place = sequence & (RING_PACKETS - 1);
    this.#doubles[3 * place] = sequence;
    this.#doubles[3 * place + 1] = sentAtMs;
    this.#words[6 * place + 4] = Math.min(sizeBytes, 0xffff) | (STATE.flying << 16);
    this.#words[6 * place + 5] = probe;
  }

  /** Takes what a feedback says of a packet. @returns What was known of it before, -1 when nothing in this is new. */
  tell(sequence: number, lost: boolean): number {
    const place = sequence & (RING_PACKETS - 1);
    if (this.#doubles[3 * place] !== sequence) return -1;
    const word = this.#words[6 * place + 4] as number;
    const state = word >> 16;
    if (state === STATE.arrived || (lost && state === STATE.lost)) return -1;
    this.#words[6 * place + 4] = (word & 0xffff) | ((lost ? STATE.lost : STATE.arrived) << 16);
    return state;
  }

  sentAtMs(sequence: number): MonoMs {
    return this.#doubles[3 * (sequence & (RING_PACKETS - 1)) + 1] as number;
  }

  sizeBytes(sequence: number): number {
    return (this.#words[6 * (sequence & (RING_PACKETS - 1)) + 4] as number) & 0xffff;
  }

  probe(sequence: number): number {
    return this.#words[6 * (sequence & (RING_PACKETS - 1)) + 5] as number;
  }
}

/** What was sent with transport-wide numbers, until feedback says what became of it. */
export class SendHistory {
  readonly #unwrapper = new SequenceUnwrapper();
  /** From the first packet on: a connection that sends no media needs none. */
  #ring: SentRing | undefined;
  #arrivalMs: number | undefined;

  /** A packet left. Numbers of one transport go up by one each. */
  sent(transportSequence: number, sizeBytes: number, probe: number, now: MonoMs): void {
    this.#ring ??= new SentRing();
    this.#ring.set(this.#unwrapper.unwrap(transportSequence), now, sizeBytes, probe);
  }

  /**
   * What a feedback says that is new, in the order of sending. Numbers that were never sent, or are forgotten, are passed
   * over: a receiver may say what it likes.
   *
   * @returns Valid until the next feedback is handled, whose ever it is.
   */
  handle(feedback: TransportFeedback): PacketResults {
    RESULTS.clear();
    const ring = this.#ring;
    if (ring === undefined) return RESULTS;
    const { arrivalsMs, baseSequence } = feedback;
    for (let i = 0; i < arrivalsMs.length; i++) {
      const sequence = this.#unwrapper.peek((baseSequence + i) & 0xffff);
      const wrappedMs = arrivalsMs[i] as number;
      const lost = Number.isNaN(wrappedMs);
      const before = ring.tell(sequence, lost);
      if (before < 0) continue;
      RESULTS.add(
        ring.sentAtMs(sequence),
        lost ? Number.NaN : this.#unwrapArrival(wrappedMs),
        ring.sizeBytes(sequence),
        ring.probe(sequence),
        before === STATE.lost,
      );
    }
    return RESULTS;
  }

  /** The nearest moment to the last one that the wrapped clock can mean. */
  #unwrapArrival(wrappedMs: number): number {
    const last = this.#arrivalMs ?? wrappedMs;
    const turns = Math.round((last - wrappedMs) / FEEDBACK_CLOCK_WRAP_MS);
    this.#arrivalMs = wrappedMs + turns * FEEDBACK_CLOCK_WRAP_MS;
    return this.#arrivalMs;
  }
}
