import type { MonoMs } from "@lodeline/base";
import { SequenceUnwrapper } from "../sequence.ts";
import { FEEDBACK_CLOCK_WRAP_MS, type TransportFeedback } from "../transport-feedback.ts";

/** Packets remembered, a power of two: two seconds of 40 Mbit/s. */
const RING_PACKETS = 8192;

/** What became of a packet that was sent. */
export interface PacketResult {
  readonly sentAtMs: MonoMs;
  /** On the receiver's clock, which has another zero than ours; `undefined` when it did not arrive. */
  readonly arrivalMs: number | undefined;
  readonly sizeBytes: number;
  /** The probe it was part of, 0 for none. */
  readonly probe: number;
  /** It was told as lost before, and has arrived after all. */
  readonly afterAll: boolean;
}

const STATE = { flying: 0, lost: 1, arrived: 2 } as const;

/** What is remembered of each packet, by its place in the ring: 188 kB. */
class SentRing {
  readonly numbers = new Float64Array(RING_PACKETS).fill(Number.NaN);
  readonly sentAt = new Float64Array(RING_PACKETS);
  readonly sizes = new Uint16Array(RING_PACKETS);
  readonly probes = new Uint32Array(RING_PACKETS);
  readonly states = new Uint8Array(RING_PACKETS);
}

/** What was sent with transport-wide numbers, until feedback says what became of it. */
export class SendHistory {
  readonly #unwrapper = new SequenceUnwrapper();
  /** From the first packet on: a connection that sends no media needs none. */
  #ring: SentRing | undefined;
  #arrivalMs: number | undefined;

  /** A packet left. Numbers of one transport go up by one each. */
  sent(transportSequence: number, sizeBytes: number, probe: number, now: MonoMs): void {
    const sequence = this.#unwrapper.unwrap(transportSequence);
    const slot = sequence & (RING_PACKETS - 1);
    this.#ring ??= new SentRing();
    const ring = this.#ring;
    ring.numbers[slot] = sequence;
    ring.sentAt[slot] = now;
    ring.sizes[slot] = Math.min(sizeBytes, 0xffff);
    ring.probes[slot] = probe;
    ring.states[slot] = STATE.flying;
  }

  /**
   * What a feedback says that is new, in the order of sending. Numbers that were never sent, or are forgotten, are passed
   * over: a receiver may say what it likes.
   */
  handle(feedback: TransportFeedback): PacketResult[] {
    const results: PacketResult[] = [];
    const ring = this.#ring;
    if (ring === undefined) return results;
    const { arrivalsMs, baseSequence } = feedback;
    for (let i = 0; i < arrivalsMs.length; i++) {
      const sequence = this.#unwrapper.peek((baseSequence + i) & 0xffff);
      const slot = sequence & (RING_PACKETS - 1);
      if (ring.numbers[slot] !== sequence) continue;
      const result = this.#result(ring, slot, arrivalsMs[i] as number);
      if (result) results.push(result);
    }
    return results;
  }

  #result(ring: SentRing, slot: number, wrappedMs: number): PacketResult | undefined {
    const state = ring.states[slot];
    const lost = Number.isNaN(wrappedMs);
    if (state === STATE.arrived || (lost && state === STATE.lost)) return undefined;
    ring.states[slot] = lost ? STATE.lost : STATE.arrived;
    return {
      sentAtMs: ring.sentAt[slot] as number,
      arrivalMs: lost ? undefined : this.#unwrapArrival(wrappedMs),
      sizeBytes: ring.sizes[slot] as number,
      probe: ring.probes[slot] as number,
      afterAll: state === STATE.lost,
    };
  }

  /** The nearest moment to the last one that the wrapped clock can mean. */
  #unwrapArrival(wrappedMs: number): number {
    const last = this.#arrivalMs ?? wrappedMs;
    const turns = Math.round((last - wrappedMs) / FEEDBACK_CLOCK_WRAP_MS);
    this.#arrivalMs = wrappedMs + turns * FEEDBACK_CLOCK_WRAP_MS;
    return this.#arrivalMs;
  }
}

/** Of results in the order of sending: those that a later one overtook, and those that come after all: they say how long they were held, and nothing of a queue. */
export function overtakenIn(results: readonly PacketResult[]): ReadonlySet<PacketResult> {
  let overtaken: Set<PacketResult> | undefined;
  let leastMs = Infinity;
  for (let at = results.length - 1; at >= 0; at--) {
    const result = results[at] as PacketResult;
    const { arrivalMs, afterAll } = result;
    if (arrivalMs === undefined) continue;
    if (afterAll || arrivalMs > leastMs) {
      // Nearly always there is none.
      overtaken ??= new Set();
      overtaken.add(result);
    }
    leastMs = Math.min(leastMs, arrivalMs);
  }
  return overtaken ?? NONE;
}

const NONE: ReadonlySet<PacketResult> = new Set();
