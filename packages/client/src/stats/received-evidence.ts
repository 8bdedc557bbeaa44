import type { StatsEntry } from "./stats-report.ts";

/** Samples of one 20 ms audio packet at 48 kHz: makes samples and packets comparable. */
const SAMPLES_PER_PACKET = 960;

/** Last reading of one inbound stream. */
interface Reading {
  readonly id: string;
  readonly decoded: number;
  readonly emitted: number;
  readonly pulled: number;
  readonly packets: number;
}

/**
 * Counts, for each receiving section, what was really decoded or played, from readings of `inbound-rtp`. The count only
 * rises, also where the browser starts its own counters anew (a new SSRC gives a new entry in Chromium).
 *
 * Video counts frames decoded. Audio counts what left the jitter buffer as real sound, not concealment; where nothing
 * pulls it (Chromium runs no playout for a track no element plays) it counts packets that arrived in time instead.
 */
export class ReceivedEvidence {
  readonly #counts = new Map<string, number>();
  readonly #last = new Map<string, Reading>();

  /** Takes a reading in. Entries without a mid are ignored. */
  read(inbound: readonly StatsEntry[]): void {
    for (const entry of inbound) {
      const { mid } = entry;
      if (mid === undefined) continue;
      const now = readingOf(entry);
      const before = this.#last.get(mid);
      this.#last.set(mid, now);
      const gained = entry.kind === "audio" ? audioGain(before, now) : videoGain(before, now);
      this.#counts.set(mid, (this.#counts.get(mid) ?? 0) + gained);
    }
  }

  /** What each section has so far, by mid. */
  counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }
}

function readingOf(entry: StatsEntry): Reading {
  return {
    id: `${entry.id}:${entry.ssrc ?? 0}`,
    decoded: entry.framesDecoded ?? 0,
    emitted: entry.jitterBufferEmittedCount ?? 0,
    pulled: entry.totalSamplesReceived ?? 0,
    packets: (entry.packetsReceived ?? 0) - (entry.packetsDiscarded ?? 0),
  };
}

function videoGain(before: Reading | undefined, now: Reading): number {
  return rise(before, now, (reading) => reading.decoded);
}

function audioGain(before: Reading | undefined, now: Reading): number {
  const pulled = rise(before, now, (reading) => reading.pulled);
  if (pulled === 0) return rise(before, now, (reading) => reading.packets);
  return Math.round(rise(before, now, (reading) => reading.emitted) / SAMPLES_PER_PACKET);
}

function rise(before: Reading | undefined, now: Reading, of: (reading: Reading) => number): number {
  // Another stream, or counters that started anew: everything it has is gain.
  if (!before || before.id !== now.id || of(now) < of(before)) return of(now);
  return of(now) - of(before);
}
