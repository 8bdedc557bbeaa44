import { ArrivalRecorder } from "@lodeline/rtp";
import { chance, type LinkConditions, ShapedLink } from "@lodeline/testkit";
import type { Got, PacketPath } from "./plane-rig.ts";
import { IDS, RigBrowser, RigClock, section, video, vp8 } from "./plane-rig.ts";

/** A video codec whose section has transport-wide numbers. */
const NUMBERED = { ...video("vp8", 96), feedback: ["transport-cc", "goog-remb", "nack"] };
const EXTENSIONS = { mid: IDS.mid, rid: IDS.rid, transportSequence: IDS.transportSequence };

/** One layer that a publisher of the rig sends. */
export interface RigLayer {
  readonly rid: string;
  readonly ssrc: number;
  readonly width: number;
  readonly height: number;
  readonly bitrateBps: number;
  /** It has temporal layers, three of them. */
  readonly temporal?: boolean;
}

/** Frames in turn of three temporal layers: TID, Y and the share of a frame's mean. */
const TEMPORAL = [
  { layer: 0, share: 1.6 },
  { layer: 0xa0, share: 0.8 },
  { layer: 0x60, share: 0.8 },
  { layer: 0x80, share: 0.8 },
] as const;

/** Three layers as Chromium sends them. */
export const LAYERS: readonly RigLayer[] = [
  { rid: "q", ssrc: 71, width: 320, height: 180, bitrateBps: 150_000 },
  { rid: "h", ssrc: 72, width: 640, height: 360, bitrateBps: 500_000 },
  { rid: "f", ssrc: 73, width: 1280, height: 720, bitrateBps: 1_500_000 },
];

/** One layer that follows the bound it is told. */
export const SINGLE: readonly RigLayer[] = [{ rid: "", ssrc: 70, width: 1280, height: 720, bitrateBps: 1_800_000 }];

const FRAME_MS = 50;
const PAYLOAD_BYTES = 1000;

/**
 * A publisher, the server and one receiver behind a shaped link that gives transport-wide feedback: in virtual time, with
 * everything of the server but sockets.
 */
export class DownlinkRig {
  readonly clock: RigClock;
  readonly link: ShapedLink;
  readonly publisher: RigBrowser;
  readonly receiver: RigBrowser;
  readonly publication;
  readonly forwarder;
  /** What reached the receiver, and when. */
  readonly arrived: { readonly at: number; readonly sizeBytes: number; readonly ssrc: number }[] = [];
  /** The last bound that the publisher was told. */
  remb: number | undefined;
  readonly #layers: readonly RigLayer[];
  readonly #recorder = new ArrivalRecorder(1);
  readonly #under: { readonly at: number; readonly got: Got }[] = [];
  readonly #sequences = new Map<number, number>();
  /** Until then the receiver's machine takes nothing in, and gives no feedback. */
  stallUntilMs = -Infinity;
  #nextFrameMs = 0;
  #picture = 0;

  constructor(layers: readonly RigLayer[], path: PacketPath = "typescript", conditions: Partial<LinkConditions> = {}) {
    this.clock = new RigClock(path);
    this.link = new ShapedLink(chance(1), conditions);
    this.#layers = layers;
    const rids = layers.length > 1 ? layers.map(({ rid }) => rid) : [];
    const codecs = [NUMBERED];
    this.publisher = new RigBrowser(this.clock, [
      section("1", "video", "recvonly", { rids, codecs, extensions: { ...EXTENSIONS } }),
    ]);
    this.receiver = new RigBrowser(
      this.clock,
      [section("3", "video", "sendonly", { codecs, extensions: EXTENSIONS })],
      2,
    );
    this.publication = this.publisher.plane.publish("camera", "1", "video");
    this.forwarder = this.receiver.plane.forward("f", this.publication, "3");
    this.forwarder.setView({ width: 1280, height: 720, visible: true, priority: 1 });
    this.#nextFrameMs = this.clock.now;
  }

  /** What the receiver's path is thought to carry, and why. */
  get downlink() {
    return this.receiver.plane.downlink.stats(this.clock.now);
  }

  /** Arrived since a moment, in bits per second. */
  arrivedBps(fromMs: number): number {
    const bytes = this.arrived.filter(({ at }) => at >= fromMs).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return (bytes * 8000) / (this.clock.now - fromMs);
  }

  /** Lets time pass, in steps of a ms. */
  run(ms: number): void {
    for (const end = this.clock.now + ms; this.clock.now < end; ) {
      this.clock.now += 1;
      const { now } = this.clock;
      if (now >= this.#nextFrameMs) this.#frames();
      for (const { plane } of [this.publisher, this.receiver]) if (plane.deadlineMs <= now) plane.tick(now);
      this.#transmit();
      this.remb = this.publisher.takeFeedback("remb").at(-1)?.bitrateBps ?? this.remb;
      this.publisher.feedback.length = 0;
    }
  }

  #frames(): void {
    this.#nextFrameMs += FRAME_MS;
    this.#picture++;
    const wanted = new Set(this.publisher.takeFeedback("pli").map(({ mediaSsrc }) => mediaSsrc));
    for (const layer of this.#layers) {
      const { ssrc, rid, width, height } = layer;
      const bitrateBps = layer.rid === "" ? Math.min(layer.bitrateBps, this.remb ?? Infinity) : layer.bitrateBps;
      const keyFrame = this.#picture % 40 === 1 || wanted.has(ssrc);
      const inTurn = layer.temporal ? TEMPORAL[keyFrame ? 0 : this.#picture % 4] : undefined;
      const bytes = ((inTurn?.share ?? 1) * bitrateBps * FRAME_MS) / 8000;
      const count = Math.max(1, Math.ceil(bytes / PAYLOAD_BYTES));
      for (let i = 0; i < count; i++) {
        const sequenceNumber = ((this.#sequences.get(ssrc) ?? 0) + 1) & 0xffff;
        this.#sequences.set(ssrc, sequenceNumber);
        const payload = Buffer.alloc(Math.max(30, Math.round(bytes / count) - 50));
        vp8(this.#picture, keyFrame && i === 0, width, height).copy(payload);
        if (inTurn) payload[5] = inTurn.layer;
        const timestamp = this.#picture * 4500;
        this.publisher.send({ ssrc, sequenceNumber, timestamp, mid: "1", payload, ...(rid === "" ? {} : { rid }) });
      }
    }
  }

  #transmit(): void {
    const { now } = this.clock;
    for (const got of this.receiver.got.splice(0)) {
      const at = this.link.send(got.payload.length + 50, now);
      if (at !== undefined) this.#under.push({ at, got });
    }
    if (now < this.stallUntilMs) return;
    for (let first = this.#under[0]; first && first.at <= now; first = this.#under[0]) {
      this.#under.shift();
      const { ssrc, payload, transportSequence } = first.got;
      this.arrived.push({ at: now, sizeBytes: payload.length + 50, ssrc });
      if (transportSequence >= 0) this.#recorder.record(transportSequence, ssrc, payload.length + 50, now);
    }
    for (const bytes of this.#recorder.take(now)) this.receiver.report(bytes);
  }
}
