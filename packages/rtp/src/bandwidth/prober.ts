import type { MonoMs } from "@lodeline/base";
import type { PacketResults } from "./packet-results.ts";

/** A probe lasts this long, and longer until it has enough packets: fewer say more of timers than of the path. */
const PROBE = { ms: 40, packets: 6 } as const;

/** Share of its rate that must have been sent before it ends: while media waits for the pacer no padding is sent. */
const FILLED = 0.9;

/** A probe that was not filled by then is given up: nothing could be sent. */
const GIVE_UP_MS = 200;

/** What of it has not been told by then will not be. */
const VERDICT_MS = 1000;

/** Share of its packets that must have arrived. */
const LEAST_ARRIVED = 0.8;

/** Arrived slower than sent by more than this: the probe was more than the path carries, and showed what it does. */
const SATURATED = { ratio: 0.9, share: 0.95 } as const;

/** Arrived faster than sent by this: held up on the way and let go together, which shows nothing. */
const IMPLAUSIBLE_RATIO = 2;

interface Probe {
  readonly id: number;
  readonly rateBps: number;
  readonly startedAtMs: MonoMs;
  endedAtMs: MonoMs | undefined;
  sentBytes: number;
  sentPackets: number;
  told: number;
  readonly arrived: { readonly sentAtMs: MonoMs; readonly arrivalMs: number; readonly sizeBytes: number }[];
}

/** What a probe found. */
export interface ProbeResult {
  readonly rateBps: number;
  /** What the path carried, or `undefined` when it showed nothing. */
  readonly carriedBps: number | undefined;
}

/**
 * Sends a little more than there is to send, for a moment, and looks at how fast it arrived: the only way to learn of
 * capacity that nobody uses yet. One at a time.
 */
export class Prober {
  #probe: Probe | undefined;
  #nextId = 1;

  /** A probe runs, or waits to be told of. */
  get active(): boolean {
    return this.#probe !== undefined;
  }

  /** Padding is wanted now, and then every few ms. */
  get sending(): boolean {
    return this.#probe !== undefined && this.#probe.endedAtMs === undefined;
  }

  begin(rateBps: number, now: MonoMs): void {
    const id = this.#nextId++;
    this.#probe = {
      id,
      rateBps,
      startedAtMs: now,
      endedAtMs: undefined,
      sentBytes: 0,
      sentPackets: 0,
      told: 0,
      arrived: [],
    };
  }

  /** How much padding to send now, in bytes, so that with what is sent anyway the probe has its rate. */
  paddingBytes(now: MonoMs): number {
    const probe = this.#probe;
    if (probe === undefined || probe.endedAtMs !== undefined) return 0;
    const elapsedMs = now - probe.startedAtMs;
    const filled = probe.sentPackets >= PROBE.packets && probe.sentBytes >= (FILLED * probe.rateBps * elapsedMs) / 8000;
    if ((elapsedMs >= PROBE.ms && filled) || elapsedMs >= GIVE_UP_MS) {
      probe.endedAtMs = now;
      return 0;
    }
    return Math.max(0, (probe.rateBps * (elapsedMs + 1)) / 8000 - probe.sentBytes);
  }

  /** A packet leaves. @returns The probe it counts for, 0 for none. */
  sent(sizeBytes: number): number {
    const probe = this.#probe;
    if (probe === undefined || probe.endedAtMs !== undefined) return 0;
    probe.sentBytes += sizeBytes;
    probe.sentPackets++;
    return probe.id;
  }

  /** What became of a packet of some probe. */
  handle(results: PacketResults, at: number): void {
    const probe = this.#probe;
    if (probe === undefined || results.probes[at] !== probe.id || results.afterAll[at] === 1) return;
    probe.told++;
    const arrivalMs = results.arrivalMs[at] as number;
    if (Number.isNaN(arrivalMs)) return;
    probe.arrived.push({ sentAtMs: results.sentAtMs[at] as number, arrivalMs, sizeBytes: results.sizes[at] as number });
  }

  /** The result, once all is told or nothing more will be; each once. */
  take(now: MonoMs): ProbeResult | undefined {
    const probe = this.#probe;
    if (probe === undefined || probe.endedAtMs === undefined) return undefined;
    if (probe.told < probe.sentPackets && now - probe.endedAtMs < VERDICT_MS) return undefined;
    this.#probe = undefined;
    return { rateBps: probe.rateBps, carriedBps: carried(probe) };
  }

  /** When {@link paddingBytes} or {@link take} should be asked again at the latest. */
  deadlineMs(now: MonoMs): MonoMs {
    const probe = this.#probe;
    if (probe === undefined) return Infinity;
    return probe.endedAtMs === undefined ? now + 4 : probe.endedAtMs + VERDICT_MS;
  }
}

function carried(probe: Probe): number | undefined {
  const { arrived } = probe;
  const [first] = arrived;
  if (first === undefined || arrived.length < PROBE.packets - 1) return undefined;
  if (arrived.length < LEAST_ARRIVED * probe.sentPackets) return undefined;
  let last = first;
  let earliest = first;
  let latest = first;
  let bytes = 0;
  for (const packet of arrived) {
    bytes += packet.sizeBytes;
    if (packet.sentAtMs >= last.sentAtMs) last = packet;
    if (packet.arrivalMs < earliest.arrivalMs) earliest = packet;
    if (packet.arrivalMs >= latest.arrivalMs) latest = packet;
  }
  const sentMs = last.sentAtMs - first.sentAtMs;
  const arrivedMs = latest.arrivalMs - earliest.arrivalMs;
  if (sentMs <= 0 || arrivedMs <= 0) return undefined;
  const sentBps = ((bytes - last.sizeBytes) * 8000) / sentMs;
  const arrivedBps = ((bytes - earliest.sizeBytes) * 8000) / arrivedMs;
  if (arrivedBps > IMPLAUSIBLE_RATIO * sentBps) return undefined;
  if (arrivedBps < SATURATED.ratio * sentBps) return SATURATED.share * arrivedBps;
  return Math.min(sentBps, arrivedBps);
}
