import type { MonoMs } from "@lodeline/base";
import type { TransportFeedback } from "../transport-feedback.ts";
import { AcknowledgedRate } from "./acknowledged-rate.ts";
import { ArrivalGroups } from "./arrival-groups.ts";
import { LossBound } from "./loss-bound.ts";
import { OveruseDetector, type PathUsage } from "./overuse-detector.ts";
import type { PacketResults } from "./packet-results.ts";
import { Prober } from "./prober.ts";
import { QueueDelay } from "./queue-delay.ts";
import { RateControl } from "./rate-control.ts";
import { SendHistory } from "./send-history.ts";

/** Bounds and start of a {@link BandwidthEstimator}. */
export interface EstimatorSettings {
  /** Assumed until the path has said something. Probes follow at once. */
  readonly startBps: number;
  /** Never less: sound and one small picture go on. */
  readonly leastBps: number;
  readonly mostBps: number;
}

/** What a {@link BandwidthEstimator} does where nothing else is asked for. */
export const ESTIMATOR_SETTINGS: EstimatorSettings = { startBps: 1_000_000, leastBps: 60_000, mostBps: 50_000_000 };

/** More is asked of the path by this factor. */
const PROBE_FACTOR = 2;

/** A probe finds less than it tries, so it tries more than is wanted. */
const PROBE_EXCESS = 1.4;

/** A probe that found less than this more found nothing. */
const WORTH_PROBING = 1.05;

/** Wait between probes: short while they find something, then longer each time. */
const PROBE_WAIT = { foundMs: 50, emptyMs: 5000, mostMs: 15_000, afterDecreaseMs: 3000 } as const;

/** No probe while more than this is lost. */
const PROBE_LOSS_LIMIT = 0.12;

/** A slope without a queue that has grown by this, and by more than the path's noise, is noise of clocks and schedulers. */
const LEAST_QUEUE_MS = 15;

/** With a long queue, less than this share of the estimate arriving says that the estimate is too high. */
const STANDING = 0.8;

/** Losses while packets wait so long, and for a while after, are a queue that overflows. */
const QUEUED = { ms: 100, forMs: 2500 } as const;

/** Feedback that stays away this long while packets leave means that little gets through; told again at this interval. */
const SILENCE = { afterMs: 1000, everyMs: 500, factor: 0.8 } as const;

/** After a silence all that was lost in it is told within this time. It was the silence's doing, and answered already. */
const DARK_MS = 250;

/**
 * How much the path to one receiver carries, from its transport-wide feedback: by delay, by loss, and by probes.
 * Pure: packets that left, feedback and time are handed in.
 */
export class BandwidthEstimator {
  readonly #history = new SendHistory();
  readonly #groups = new ArrivalGroups();
  readonly #detector = new OveruseDetector();
  readonly #acknowledged = new AcknowledgedRate();
  readonly #loss = new LossBound();
  readonly #prober = new Prober();
  readonly #queue = new QueueDelay();
  readonly #rate: RateControl;
  #usage: PathUsage = "normal";
  #roundTripMs = 100;
  #wantedBps = 0;
  #receiverBoundBps = Infinity;
  #nextProbeAtMs: MonoMs = 0;
  #emptyProbes = 0;
  #feedbackAtMs: MonoMs | undefined;
  #sentAtMs: MonoMs = -Infinity;
  #queuedUntilMs: MonoMs = -Infinity;
  #darkUntilMs: MonoMs = -Infinity;
  #reducedAtMs: MonoMs = -Infinity;

  constructor(settings: Partial<EstimatorSettings> = {}) {
    const { startBps, leastBps, mostBps } = { ...ESTIMATOR_SETTINGS, ...settings };
    this.#rate = new RateControl(startBps, { leastBps, mostBps });
  }

  /** What may be sent now, in bits per second of whole datagrams. */
  get targetBps(): number {
    return Math.min(this.#rate.estimateBps, this.#loss.boundBps, this.#receiverBoundBps);
  }

  /** What arrives, when it is known. */
  get acknowledgedBps(): number | undefined {
    return this.#acknowledged.bitrateBps;
  }

  /** Smoothed share lost on the way, 0 .. 1. */
  get loss(): number {
    return this.#loss.loss;
  }

  /** When {@link loss} was judged last; `undefined` before. Few packets take long to tell. */
  get lossAtMs(): MonoMs | undefined {
    return this.#loss.judgedAtMs;
  }

  /** From sending to being told of the arrival, smoothed; includes what the receiver waits before it tells. */
  get roundTripMs(): number {
    return this.#roundTripMs;
  }

  /** How long packets wait on the way before they arrive, beyond the path's own delay. */
  get queueMs(): number {
    return this.#queue.queueMs;
  }

  /** How long every packet of the last moment waited at least: a queue, and no lumps of a busy machine. */
  get standingMs(): number {
    return this.#queue.standingMs;
  }

  /** When anything was told last; `undefined` when nothing ever was. What is older than that says nothing of now. */
  get feedbackAtMs(): MonoMs | undefined {
    return this.#feedbackAtMs;
  }

  /** Whether anything was ever told, so that {@link targetBps} is more than an assumption. */
  get informed(): boolean {
    return this.#feedbackAtMs !== undefined;
  }

  /** When the delay last showed that the path was full; `-Infinity` when it never did. */
  get congestedAtMs(): MonoMs {
    return this.#rate.decreasedAtMs;
  }

  /** What the path is in words, for whoever asks why. */
  get limit(): "delay" | "loss" | "receiver" {
    const { boundBps } = this.#loss;
    if (this.#receiverBoundBps < Math.min(boundBps, this.#rate.estimateBps)) return "receiver";
    return boundBps < this.#rate.estimateBps ? "loss" : "delay";
  }

  /** What could be used if the path carried it. Nothing is probed for beyond it. */
  want(bitrateBps: number): void {
    if (bitrateBps > this.#wantedBps) this.#emptyProbes = 0;
    this.#wantedBps = bitrateBps;
  }

  /** The receiver's own upper bound, by REMB. */
  boundByReceiver(bitrateBps: number): void {
    this.#receiverBoundBps = bitrateBps;
  }

  /** A packet left, or `count` of one size with numbers that follow each other. */
  sent(transportSequence: number, sizeBytes: number, now: MonoMs, count = 1): void {
    this.#sentAtMs = now;
    const history = this.#history;
    const probes = this.#prober.sending;
    for (let i = 0; i < count; i++) {
      history.sent((transportSequence + i) & 0xffff, sizeBytes, probes ? this.#prober.sent(sizeBytes) : 0, now);
    }
  }

  /** The receiver told what became of packets. */
  handle(feedback: TransportFeedback, now: MonoMs): void {
    const results = this.#history.handle(feedback);
    if (results.count === 0) return;
    if (this.#feedbackAtMs !== undefined && now - this.#feedbackAtMs > SILENCE.afterMs)
      this.#darkUntilMs = now + DARK_MS;
    this.#feedbackAtMs = now;
    let usage: PathUsage = this.#usage;
    let overused = false;
    results.markHeld();
    for (let at = 0; at < results.count; at++) {
      this.#count(results, at, now);
      const sentAtMs = results.sentAtMs[at] as number;
      const arrivalMs = results.arrivalMs[at] as number;
      if (Number.isNaN(arrivalMs) || results.held[at] === 1) continue;
      this.#queue.handle(sentAtMs, arrivalMs);
      const delta = this.#groups.handle(sentAtMs, arrivalMs);
      if (delta === undefined) continue;
      usage = this.#detector.handle(delta);
      overused ||= usage === "overuse";
    }
    const { standingMs, grownMs, noiseMs } = this.#queue;
    // A long queue is one whatever its slope, which takes a second to show where packets come frame by frame.
    const stands =
      standingMs > QUEUED.ms && (this.#acknowledged.recentBps ?? Infinity) < STANDING * this.#rate.estimateBps;
    const growing = (overused && grownMs > Math.max(LEAST_QUEUE_MS, noiseMs) && usage !== "underuse") || stands;
    this.#usage = growing ? "overuse" : usage === "overuse" ? "normal" : usage;
    this.#noteRoundTrip(results, now);
    const acknowledgedBps = this.#acknowledged.bitrateBps;
    const path = { roundTripMs: this.#roundTripMs, queueMs: standingMs, loss: this.#loss.loss };
    this.#rate.update(this.#usage, this.#acknowledged, path, now);
    if (this.#rate.decreasedAtMs === now) this.#queue.answered();
    // An overuse is answered once, not again with every feedback that brings no complete group.
    if (this.#usage === "overuse") this.#usage = "normal";
    if (this.#queue.queueMs > QUEUED.ms) this.#queuedUntilMs = now + QUEUED.forMs;
    const queued = now < this.#queuedUntilMs;
    this.#loss.update({ estimateBps: this.#rate.estimateBps, acknowledgedBps, queued }, now);
    this.#concludeProbe(now);
  }

  #count(results: PacketResults, at: number, now: MonoMs): void {
    this.#prober.handle(results, at);
    const arrivalMs = results.arrivalMs[at] as number;
    if (Number.isNaN(arrivalMs)) {
      if (now >= this.#darkUntilMs) this.#loss.add(0, 1);
    } else {
      this.#loss.add(1, results.afterAll[at] === 1 ? -1 : 0);
      this.#acknowledged.add(arrivalMs, results.sizes[at] as number);
    }
  }

  #noteRoundTrip(results: PacketResults, now: MonoMs): void {
    const sentAtMs = results.lastArrivedSentAtMs;
    if (sentAtMs !== undefined) this.#roundTripMs += 0.1 * (now - sentAtMs - this.#roundTripMs);
  }

  #concludeProbe(now: MonoMs): void {
    const result = this.#prober.take(now);
    if (result === undefined) return;
    const before = this.targetBps;
    if (result.carriedBps !== undefined) this.#rate.probed(result.carriedBps, now);
    const found = (result.carriedBps ?? 0) > WORTH_PROBING * before;
    this.#emptyProbes = found ? 0 : this.#emptyProbes + 1;
    const waitMs = found
      ? PROBE_WAIT.foundMs
      : Math.min(PROBE_WAIT.mostMs, PROBE_WAIT.emptyMs * 2 ** (this.#emptyProbes - 1));
    this.#nextProbeAtMs = now + waitMs;
  }

  /**
   * Does what is due, and says how much padding should leave now to probe.
   *
   * @param possible - Whether padding could be sent at all.
   * @returns Bytes; 0 when none.
   */
  tick(now: MonoMs, possible: boolean): number {
    this.#noteSilence(now);
    this.#concludeProbe(now);
    if (possible && !this.#prober.active && this.#probeIsDue(now)) {
      this.#prober.begin(Math.min(PROBE_FACTOR * this.targetBps, PROBE_EXCESS * this.#wantedBps), now);
    }
    return this.#prober.paddingBytes(now);
  }

  #probeIsDue(now: MonoMs): boolean {
    if (this.#feedbackAtMs === undefined || now < this.#nextProbeAtMs) return false;
    if (now < this.#rate.decreasedAtMs + PROBE_WAIT.afterDecreaseMs || this.#loss.loss > PROBE_LOSS_LIMIT) return false;
    const bounded = Math.min(this.#loss.boundBps, this.#receiverBoundBps) < this.#rate.estimateBps;
    return !bounded && this.#wantedBps > this.targetBps;
  }

  /** Packets leave and nobody says anything: whatever happens to them, there are too many. */
  #noteSilence(now: MonoMs): void {
    if (this.#feedbackAtMs === undefined || this.#sentAtMs < this.#feedbackAtMs) return;
    if (now - this.#feedbackAtMs < SILENCE.afterMs || now - this.#reducedAtMs < SILENCE.everyMs) return;
    this.#reducedAtMs = now;
    this.#rate.reduce(SILENCE.factor);
  }

  /** When {@link tick} has something to do; `Infinity` when it waits for feedback or for packets. */
  deadlineMs(now: MonoMs): MonoMs {
    if (this.#prober.active) return this.#prober.deadlineMs(now);
    if (this.#feedbackAtMs === undefined) return Infinity;
    const wanted = this.#wantedBps > this.targetBps;
    const probeAtMs = Math.max(this.#nextProbeAtMs, this.#rate.decreasedAtMs + PROBE_WAIT.afterDecreaseMs);
    const silentAtMs = Math.max(this.#feedbackAtMs + SILENCE.afterMs, this.#reducedAtMs + SILENCE.everyMs);
    const silence = this.#sentAtMs < this.#feedbackAtMs ? Infinity : silentAtMs;
    // What is due and cannot be done (no padding is possible) is looked at again, but not at once.
    return Math.max(Math.min(wanted ? probeAtMs : Infinity, silence), now + 20);
  }
}
