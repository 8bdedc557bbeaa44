import { ArrivalRecorder, BandwidthEstimator, type EstimatorSettings, parseRtcp } from "@lodeline/rtp";
import { chance, type LinkConditions, ShapedLink } from "@lodeline/testkit";

/** How a sender of the rig behaves. */
export interface SenderOptions {
  /** What its encoder makes of a target. Default: all of it, up to 2.5 Mbit/s. */
  readonly encode?: (targetBps: number) => number;
  /** What it would use. Default 2.5 Mbit/s. */
  readonly wantedBps?: number;
  readonly settings?: Partial<EstimatorSettings>;
  /** When it begins to send. */
  readonly startsAtMs?: number;
  /** A busy machine; default an idle one. */
  readonly busy?: Busy;
}

/** Now and then a loop stands still: everything of that time happens at its end. */
export interface Busy {
  /** Whose: the receiver notes arrivals late and tells them late; the sender's clock was read before its packets leave. */
  readonly who: "receiver" | "sender";
  readonly everyMs: number;
  readonly forMs: number;
}

interface Event {
  readonly at: number;
  readonly run: (now: number) => void;
}

const FRAME_MS = 33;
const PACKET_BYTES = 1100;
const AUDIO_BYTES = 120;
const MOST_BPS = 2_500_000;

/** One sender: audio, frames of video at its target, padding when probing; and the receiver that tells what arrived. */
export class RigSender {
  readonly estimator: BandwidthEstimator;
  readonly options: SenderOptions;
  readonly recorder = new ArrivalRecorder(1);
  sequence = 0;
  /** Bytes that arrived, by second. */
  readonly arrivedBytes: number[] = [];
  /** Targets after each frame. */
  readonly targets: { readonly at: number; readonly bps: number }[] = [];
  /** One-way delays of audio. */
  readonly audioDelays: { readonly at: number; readonly ms: number }[] = [];
  paddingBytes = 0;

  constructor(options: SenderOptions) {
    this.options = options;
    this.estimator = new BandwidthEstimator(options.settings);
    this.estimator.want(options.wantedBps ?? MOST_BPS);
  }

  /** Average of the targets in a span. */
  meanTarget(fromMs: number, toMs: number): number {
    const within = this.targets.filter(({ at }) => at >= fromMs && at < toMs);
    return within.reduce((sum, { bps }) => sum + bps, 0) / within.length;
  }

  /** Arrived in a span of whole seconds, in bits per second. */
  arrivedBps(fromS: number, toS: number): number {
    let sum = 0;
    for (let second = fromS; second < toS; second++) sum += this.arrivedBytes[second] ?? 0;
    return (sum * 8) / (toS - fromS);
  }
}

/** Senders that share one link, in virtual time. */
export class BandwidthRig {
  now = 0;
  readonly link: ShapedLink;
  readonly senders: RigSender[];
  readonly #events: Event[] = [];

  constructor(seed: number, conditions: Partial<LinkConditions>, senders: readonly SenderOptions[] = [{}]) {
    this.link = new ShapedLink(chance(seed), conditions);
    this.senders = senders.map((options) => new RigSender(options));
    for (const [index, sender] of this.senders.entries()) {
      const start = (sender.options.startsAtMs ?? 0) + 7 * index;
      this.#at(start, () => this.#frame(sender));
      this.#at(start + 3, () => this.#audio(sender));
      this.#at(start + 1, () => this.#poll(sender));
    }
  }

  get only(): RigSender {
    return this.senders[0] as RigSender;
  }

  /** Lets time pass. */
  run(ms: number): void {
    const end = this.now + ms;
    for (let next = this.#events[0]; next && next.at <= end; next = this.#events[0]) {
      this.#events.shift();
      this.now = next.at;
      next.run(next.at);
    }
    this.now = end;
  }

  #at(at: number, run: (now: number) => void): void {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle] as Event).at <= at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, { at, run });
  }

  #frame(sender: RigSender): void {
    const { now } = this;
    const target = sender.estimator.targetBps;
    sender.targets.push({ at: now, bps: target });
    const encode = sender.options.encode ?? ((bps: number) => Math.min(bps, MOST_BPS));
    const bytes = (Math.max(0, encode(target) - 48_000) * FRAME_MS) / 8000;
    const count = Math.max(1, Math.ceil(bytes / PACKET_BYTES));
    // Paced over most of the frame's time, as a browser or our pacer does.
    for (let i = 0; i < count; i++) {
      this.#at(now + (i * FRAME_MS * 0.7) / count, () => this.#send(sender, bytes / count));
    }
    this.#at(now + FRAME_MS, () => this.#frame(sender));
  }

  #audio(sender: RigSender): void {
    const { now } = this;
    this.#send(sender, AUDIO_BYTES, (arrival) => sender.audioDelays.push({ at: now, ms: arrival - now }));
    this.#at(now + 20, () => this.#audio(sender));
  }

  /** The padding of probes, and whatever is due. */
  #poll(sender: RigSender): void {
    for (let padding = sender.estimator.tick(this.now, true); padding > 0; padding -= 250) {
      this.#send(sender, 250);
      sender.paddingBytes += 250;
    }
    this.#at(this.now + 5, () => this.#poll(sender));
  }

  #send(sender: RigSender, bytes: number, arrived?: (at: number) => void): void {
    const sequence = sender.sequence++ & 0xffff;
    sender.estimator.sent(sequence, bytes, this.now);
    const left = this.#whenFree(sender, "sender", this.now);
    const arrivedAt = this.link.send(bytes, left);
    if (arrivedAt === undefined) return;
    const arrival = this.#whenFree(sender, "receiver", arrivedAt);
    this.#at(arrival, () => {
      arrived?.(arrival);
      const second = Math.floor(arrival / 1000);
      sender.arrivedBytes[second] = (sender.arrivedBytes[second] ?? 0) + bytes;
      // The receiver's clock is another.
      const theirs = 5_000_000 + this.now;
      if (!sender.recorder.record(sequence, 1, bytes, theirs)) return;
      const due = this.#whenFree(sender, "receiver", sender.recorder.deadlineMs - 5_000_000);
      this.#at(due, () => this.#feedback(sender));
    });
  }

  /** When whoever is busy comes to what is due at a moment. */
  #whenFree(sender: RigSender, who: Busy["who"], at: number): number {
    const { busy } = sender.options;
    if (busy?.who !== who || at % busy.everyMs >= busy.forMs) return at;
    return at - (at % busy.everyMs) + busy.forMs;
  }

  #feedback(sender: RigSender): void {
    for (const bytes of sender.recorder.take(5_000_000 + this.now)) {
      for (const packet of parseRtcp(bytes)) {
        if (packet.kind !== "transport-feedback") continue;
        const told = this.#whenFree(sender, "sender", this.now + this.link.conditions.delayMs);
        this.#at(told, () => sender.estimator.handle(packet, this.now));
      }
    }
  }
}
