import type { MonoMs } from "@lodeline/base";
import {
  type Allocation,
  type AllocationRequest,
  allocateBitrate,
  BandwidthEstimator,
  type TransportFeedback,
  UPGRADE_MARGIN,
} from "@lodeline/rtp";
import type { Forwarder } from "./forwarder.ts";
import { NarrowPath } from "./narrow-path.ts";
import type { RtpEgress } from "./rtp-egress.ts";
import type { Section } from "./sdp/section.ts";
import { hasTransportFeedback } from "./upstream-feedback.ts";

/** A share is thought over this often, since layers and views change. */
const ALLOCATE_INTERVAL_MS = 250;

/** Less by so much is answered at once. */
const NOTABLE_DROP = 0.95;

/** A path that showed a limit is treated as one that has it for this long. */
const LIMITED_MS = 30_000;

/** More is sent than a path carries where each packet has waited so long, or so much was lost, and that was told just now. */
const SHOWS = { queueMs: 400, loss: 0.1, freshMs: 500 } as const;

/** What waits leaves a little faster than the estimate: it holds the estimate's own doubts. And never slower than `leastBps`. */
const PACING = { factor: 1.15, leastBps: 30_000 } as const;

/** So many of the last packets are repeated in turn to probe, and no more in one go. */
const PAD_PACKETS = 48;

/** Repairs get at most this share: more loss than that is a queue that overflows, and soon over. */
const REPAIR_LIMIT = 0.1;

/** What is known of the way to one receiver, and what is done about it. */
export interface DownlinkStats {
  /** What may be sent, in bits per second; `undefined` while nothing is known. */
  readonly targetBps: number | undefined;
  /** What arrives, in bits per second, once known. */
  readonly acknowledgedBps: number | undefined;
  /** What could be used if the path carried it. */
  readonly wantedBps: number;
  /** Share lost, 0 .. 1. */
  readonly loss: number;
  /** How long packets wait on the way. */
  readonly queueMs: number;
  /** What the target comes from. */
  readonly limit: "delay" | "loss" | "receiver" | "none";
}

/**
 * The way to one receiver: what it carries, how that is divided over its subscriptions, when it is probed for more, and the
 * pace at which bursts leave.
 */
export class Downlink {
  readonly #egress: RtpEgress;
  readonly #forwarders: () => Iterable<Forwarder>;
  readonly #estimator = new BandwidthEstimator();
  #active = false;
  /** By REMB, from a receiver that gives no transport-wide feedback. */
  #rembBps: number | undefined;
  #wantedBps = 0;
  #pad = 0;
  #allocatedFor = Infinity;
  /** The sum of all shares, of sound and of pictures. */
  #granted = { soundBps: 0, picturesBps: 0 };
  #nextAllocationAtMs: MonoMs = 0;
  readonly #narrow = new NarrowPath();

  constructor(egress: RtpEgress, forwarders: () => Iterable<Forwarder>) {
    this.#egress = egress;
    this.#forwarders = forwarders;
    egress.sink = this.#estimator;
  }

  /** An offer was answered. */
  negotiated(sections: readonly Section[]): void {
    this.#active = sections.some((section) => section.sendSsrc !== undefined && hasTransportFeedback(section));
  }

  /** The receiver told what arrived. */
  handleFeedback(feedback: TransportFeedback, now: MonoMs): void {
    if (!this.#active) return;
    this.#estimator.handle(feedback, now);
    this.#pace(now);
    if (this.#availableBps() < NOTABLE_DROP * this.#allocatedFor) this.#allocate(now);
  }

  /** The receiver's own estimate: the only one where it gives no transport-wide feedback, else an upper bound. */
  handleRemb(bitrateBps: number, now: MonoMs): void {
    if (this.#active) this.#estimator.boundByReceiver(bitrateBps);
    else this.#rembBps = bitrateBps;
    if (this.#availableBps() < NOTABLE_DROP * this.#allocatedFor) this.#allocate(now);
  }

  /** When {@link tick} has something to do. */
  deadlineMs(now: MonoMs): MonoMs {
    const probing = this.#active ? this.#estimator.deadlineMs(now) : Infinity;
    const limiting = this.#active || this.#rembBps !== undefined;
    return Math.min(this.#egress.deadlineMs, probing, limiting ? this.#nextAllocationAtMs : Infinity);
  }

  /** Sends what waited, probes, and divides anew, as far as it is due. */
  tick(now: MonoMs): void {
    this.#egress.release(now);
    if (this.#active) this.#probe(now);
    if (now >= this.#nextAllocationAtMs) {
      this.#pace(now);
      this.#allocate(now);
    }
  }

  stats(now: MonoMs): DownlinkStats {
    const estimator = this.#estimator;
    const known = this.#isInformed;
    return {
      targetBps: known ? this.#availableBps() : undefined,
      acknowledgedBps: estimator.acknowledgedBps,
      wantedBps: this.#wantedBps,
      loss: estimator.loss,
      queueMs: estimator.queueMs,
      limit: this.#active ? (this.#isLimited(now) ? estimator.limit : "none") : known ? "receiver" : "none",
    };
  }

  get #isInformed(): boolean {
    return this.#active ? this.#estimator.informed : this.#rembBps !== undefined;
  }

  /** Whether the path has shown a limit lately, rather than that nobody has asked it. */
  #isLimited(now: MonoMs): boolean {
    if (!this.#active) return this.#rembBps !== undefined;
    return this.#estimator.limit !== "delay" || now - this.#estimator.congestedAtMs < LIMITED_MS;
  }

  /** For everything, repairs included. */
  #availableBps(): number {
    if (!this.#isInformed) return Infinity;
    return this.#active ? this.#estimator.targetBps : (this.#rembBps ?? Infinity);
  }

  #pace(now: MonoMs): void {
    const paced = this.#active && now - this.#estimator.congestedAtMs < LIMITED_MS;
    const before = this.#egress.isPaced;
    // What was granted leaves in time even where it is more than the estimate: a queue here would be a pause without a word.
    const { soundBps, picturesBps } = this.#granted;
    const leftBps = Math.max(this.#estimator.targetBps - soundBps, picturesBps, PACING.leastBps);
    if (paced || before) this.#egress.pace(paced ? PACING.factor * leftBps : undefined, now);
    // The packet kernel sends at once what does not have to come through here.
    if (paced === before) return;
    for (const forwarder of this.#forwarders()) forwarder.publication.consumersChanged(forwarder);
  }

  #probe(now: MonoMs): void {
    const busy = this.#egress.waitingBytes > 0;
    const videos = busy ? [] : [...this.#forwarders()].filter((forwarder) => forwarder.canPad);
    let padding = this.#estimator.tick(now, videos.length > 0);
    // The same packet is not repeated twice within a few ms, and there may be few: try each once.
    for (let tries = 0; padding > 0 && tries < PAD_PACKETS; tries++) {
      this.#pad = (this.#pad + 1) % PAD_PACKETS;
      if (videos[this.#pad % videos.length]?.pad(this.#pad, now)) padding = this.#estimator.tick(now, true);
    }
  }

  #allocate(now: MonoMs): void {
    this.#nextAllocationAtMs = now + ALLOCATE_INTERVAL_MS;
    const forwarders = [...this.#forwarders()];
    const availableBps = this.#availableBps();
    this.#allocatedFor = availableBps;
    const requests = forwarders.map((forwarder) => forwarder.request(this.#narrow.isNarrow, now));
    // What is lost is sent again, and takes its share.
    const loss = Math.min(REPAIR_LIMIT, this.#estimator.loss);
    const mostBps = requests.reduce((sum, { steps }) => sum + (steps.at(-1)?.bitrateBps ?? 0), 0);
    this.#wantedBps = (UPGRADE_MARGIN * mostBps) / (1 - loss);
    this.#estimator.want(this.#wantedBps);
    const limited = this.#isLimited(now);
    const shares = this.#divide(availableBps * (1 - loss), requests, now);
    this.#granted = { soundBps: granted(shares, requests, "audio"), picturesBps: granted(shares, requests, "video") };
    for (const forwarder of forwarders) {
      const share = shares.get(forwarder.id) as Allocation;
      forwarder.limit({ share, limited, availableBps }, now);
    }
  }

  #divide(forMediaBps: number, requests: readonly AllocationRequest[], now: MonoMs): Map<string, Allocation> {
    const first = this.#isLimited(now) ? "anybody" : "nobody";
    const shares = allocateBitrate(forMediaBps, requests, first);
    const isPaused = ({ id }: AllocationRequest) => shares.get(id)?.paused !== undefined;
    const wasNarrow = this.#narrow.isNarrow;
    const pausing = this.#narrow.judge(
      {
        short: requests.some((request) => request.current >= 0 && isPaused(request)),
        paused: requests.some(isPaused),
        few: requests.some(({ id, steps }) => steps[shares.get(id)?.step ?? -1]?.few),
        shows: !this.#active || this.#estimator.limit === "receiver" ? "told" : this.#shows(now),
      },
      now,
    );
    if (this.#narrow.isNarrow && !wasNarrow) this.#nextAllocationAtMs = now;
    return pausing === first ? shares : allocateBitrate(forMediaBps, requests, pausing);
  }

  /** Whether what arrives shows now that more is sent than the path carries. */
  #shows(now: MonoMs): boolean {
    const { standingMs, loss, feedbackAtMs, lossAtMs } = this.#estimator;
    const isFresh = (atMs: MonoMs = -Infinity) => now - atMs < SHOWS.freshMs;
    return isFresh(feedbackAtMs) && (standingMs >= SHOWS.queueMs || (isFresh(lossAtMs) && loss >= SHOWS.loss));
  }
}

/** What subscriptions of one kind got together. */
function granted(
  shares: ReadonlyMap<string, Allocation>,
  requests: readonly AllocationRequest[],
  kind: AllocationRequest["kind"],
): number {
  return requests.reduce((sum, one) => sum + (one.kind === kind ? (shares.get(one.id)?.bitrateBps ?? 0) : 0), 0);
}
