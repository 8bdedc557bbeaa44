import type { MonoMs } from "@lodeline/base";
import {
  type AllocationRequest,
  chooseLayer,
  type LayerChoice,
  type LayerReason,
  LayerSelector,
  type LayerState,
  type PayloadInspector,
  type RtpPacket,
  type ScalableLayers,
} from "@lodeline/rtp";
import { ForwarderLeg, type LegHost } from "./forwarder-leg.ts";
import { ForwarderShare, type ShareOfPath } from "./forwarder-share.ts";
import { FrameThinner } from "./frame-thinner.ts";
import type { IncomingStream } from "./incoming-stream.ts";
import { LayerFilters } from "./layer-filters.ts";
import type { PlaneOwner } from "./plane-owner.ts";
import type { Publication } from "./publication.ts";
import type { SectionCodec } from "./sdp/codecs.ts";
import type { SendSlot } from "./send-slot.ts";
import type { SlotCounters } from "./slot-reports.ts";

/**
 * While a key frame is awaited it is asked for again this often: the request or its answer may have been lost, and
 * browsers ignore one within 300 ms of their last key frame (measured with both).
 */
const KEY_FRAME_RETRY_MS = 380;

/** What a receiver shows. */
export interface View {
  /** Device pixels of the element; 0 while unknown. */
  readonly width: number;
  readonly height: number;
  /** False pauses video; sound goes on. */
  readonly visible: boolean;
  /** Its weight where a limited bitrate is shared: higher is served first. */
  readonly priority: number;
}

/** What a forwarder did. */
export interface ForwarderStats {
  readonly packets: number;
  readonly bytes: number;
  /** On the engine's clock; `undefined` until the first packet. */
  readonly lastSentAtMs: MonoMs | undefined;
  /** RID forwarded now; empty when not simulcast, `undefined` when none. */
  readonly layer: string | undefined;
  /** Why this layer, in words. */
  readonly why: string;
  /** What decided on it; `undefined` for audio. */
  readonly reason: LayerReason | undefined;
  /** A key frame of another layer is awaited; until then the present one goes on. */
  readonly waiting: boolean;
  /** Packets the receiver asked for again. */
  readonly nacked: number;
  readonly retransmitted: number;
  /** Key frames the receiver asked for. */
  readonly pli: number;
  /** Over the last second. */
  readonly bitrateBps: number;
  /** Round trip to the receiver, once known. */
  readonly roundTripMs: number | undefined;
  /** By the receiver's last report, 0 .. 1. */
  readonly fractionLost: number;
}

/** Moves one publication's packets to one slot of one receiver. */
export class Forwarder implements LegHost {
  readonly id: string;
  readonly publication: Publication;
  /** The receiver's transport. */
  readonly transport: PlaneOwner;
  readonly slot: SendSlot;
  readonly only: string | undefined;
  readonly #selector = new LayerSelector();
  readonly #share: ForwarderShare;
  /** What is taken of scalable streams. */
  readonly #filters: LayerFilters;
  /** Leaves out frames of VP8 streams. */
  readonly #thinner: FrameThinner;
  #view: View = { width: 0, height: 0, visible: true, priority: 1 };
  #codec: { readonly of: IncomingStream; readonly as: SectionCodec | undefined } | undefined;
  #keyFrameAskedAtMs: MonoMs = -Infinity;
  #silentUntilMs: MonoMs = -Infinity;
  #closed = false;
  /** Its way in the packet kernel. */
  readonly #leg = new ForwarderLeg(this, this.#selector);
  /** What the slot had sent when this forwarder got it. */
  readonly #before: SlotCounters;
  #nacked = 0;
  #retransmitted = 0;
  #pli = 0;

  /** @param options.only - The RID of the one layer that is forwarded, whatever is shown. */
  constructor(options: {
    id: string;
    publication: Publication;
    transport: PlaneOwner;
    slot: SendSlot;
    only?: string | undefined;
  }) {
    this.id = options.id;
    this.publication = options.publication;
    this.transport = options.transport;
    this.slot = options.slot;
    this.only = options.only;
    this.#before = options.slot.counters;
    this.#share = new ForwarderShare(options.publication);
    this.#filters = new LayerFilters(this.#selector);
    this.#thinner = new FrameThinner(this.#selector, this.slot);
    this.publication.attach(this);
    this.#leg.open(this.transport.media.session);
    this.evaluate(this.transport.now());
  }

  /** The layer that the receiver has; `undefined` when it wants none, and empty while it has none of those it wants. */
  get wanted(): string | undefined {
    if (!this.#view.visible) return undefined;
    const { current } = this.#selector;
    return current === undefined ? "" : (this.publication.streamOf(current)?.rid ?? current);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Fault injection and thinning drop packets one by one; else the choice of a layer is all there is to decide. */
  get needsPackets(): string | undefined {
    if (this.#silentUntilMs > this.transport.now()) return "silenced";
    if (this.slot.isSecured && !this.transport.media.session) return "the receiver's keys are not for the kernel";
    if (this.slot.isPaced) return "paced";
    return this.#thinner.isNeeded ? "leaves out frames" : undefined;
  }

  packetsMoved(): void {
    this.#leg.moved();
  }

  /** For {@link ForwarderLeg} only. */
  chooseNow(): void {
    this.#choose(this.transport.now());
  }

  /** For {@link ForwarderLeg} only. */
  sourceChanged(stream: IncomingStream): void {
    this.#codecOf(stream);
    this.#thinner.reset();
  }

  /** RIDs of the layers that are sent or waited for. */
  get layersNeeded(): readonly string[] {
    const { current, target } = this.#selector;
    return [current, target].filter((rid) => rid !== undefined);
  }

  /** What the receiver shows now: the layer follows within a quarter of a second and on a key frame. */
  setView(view: View): void {
    if (this.#closed) return;
    this.#view = view;
    this.evaluate(this.transport.now());
  }

  /** Asks the publisher for a key frame of the layer that is, or will be, forwarded. */
  requestKeyFrame(): void {
    if (this.#closed || this.publication.kind === "audio") return;
    const rid = this.#selector.target;
    if (rid !== undefined) this.#askKeyFrame(rid, this.transport.now());
  }

  /** Starts again from the next key frame, as if newly subscribed. The receiver's stream goes on. */
  reset(): void {
    if (this.#closed) return;
    this.#selector.reset();
    this.#filters.reset();
    this.#thinner.reset();
    this.slot.idle();
    this.#codec = undefined;
    this.#leg.stop();
    this.evaluate(this.transport.now());
    this.requestKeyFrame();
  }

  /** Nothing comes for a while, by intent: what comes afterwards begins anew and looks like no loss. */
  pause(): void {
    this.slot.idle();
  }

  /** Fault injection: drops every outgoing packet until that time on the engine's clock. */
  silence(untilMs: MonoMs): void {
    this.#silentUntilMs = untilMs;
    this.publication.consumersChanged(this);
  }

  /** Takes a packet of the publication. */
  handle(stream: IncomingStream, packet: RtpPacket, payload: PayloadInspector, sequence: number, now: MonoMs): void {
    // A key frame that comes before the receiver has connected must not count as begun: it would be shown nothing until
    // it complains, which takes it a quarter of a second.
    if (!this.slot.isSecured) return;
    if (stream.layers?.isScalable && this.only === undefined)
      return this.#handleScalable(stream, stream.layers, packet, payload, sequence, now);
    let begins = this.slot.source !== stream;
    if (this.publication.kind === "video") {
      // A layer that just began to arrive may be the one to choose.
      if (this.#selector.target === undefined && this.#view.visible) {
        if (payload.keyFrame) this.#choose(now);
        else this.evaluate(now);
      }
      const decision = this.#selector.decide(stream.rid, payload.keyFrame);
      // A sender that restarts a layer does so on another SSRC: a new source, which begins on a key frame.
      if (decision === "drop" || (begins && !payload.keyFrame)) return;
      // After a pause the same source begins anew, or the pause would look like lost packets.
      begins ||= decision === "begin";
    }
    const codec = this.#codecOf(stream);
    if (codec === undefined) return;
    if (begins) this.#begin(stream, packet, sequence, now);
    const thinned = this.#thinner.take(stream, payload, sequence);
    if (thinned === undefined) return;
    const { pictureId, blank } = thinned;
    // The other end of a trunk chooses among the layers inside.
    const described = this.only === undefined ? undefined : stream.layers;
    const as = { dropped: now < this.#silentUntilMs, described, pictureId, blank };
    this.slot.forward(stream, packet, payload, codec, thinned.sequence, now, as);
  }

  #begin(stream: IncomingStream, packet: RtpPacket, sequence: number, now: MonoMs): void {
    this.slot.begin(stream, packet, sequence, now);
    this.#filters.leave();
    this.#thinner.reset();
  }

  /** A packet of a stream that has layers inside: which frames go out is decided for each. */
  #handleScalable(
    stream: IncomingStream,
    layers: ScalableLayers,
    packet: RtpPacket,
    payload: PayloadInspector,
    sequence: number,
    now: MonoMs,
  ): void {
    const filter = this.#filters.of(stream, layers);
    if (filter.changed() || (this.#selector.target === undefined && this.#view.visible)) {
      // What begins here need not be asked for.
      if (layers.frame?.keyFrame) this.#choose(now);
      else this.evaluate(now);
    }
    // What the slot does not hold any more begins anew.
    if (filter.current !== undefined && this.slot.source !== stream) filter.reset();
    const taken = this.#filters.take(filter, packet, sequence);
    const codec = this.#codecOf(stream);
    if (taken === undefined || codec === undefined) return;
    if (taken.begins) this.slot.begin(stream, packet, taken.sequence, now);
    else if (this.slot.source !== stream) return;
    const { activeTargets } = filter;
    const as = { ...taken, dropped: now < this.#silentUntilMs, described: layers, activeTargets };
    this.slot.forward(stream, packet, payload, codec, taken.sequence, now, as);
  }

  #codecOf(stream: IncomingStream): SectionCodec | undefined {
    if (this.#codec?.of !== stream) this.#codec = { of: stream, as: this.slot.codecFor(stream) };
    return this.#codec.as;
  }

  /** The slot was negotiated anew: payload types may be others. */
  renegotiated(): void {
    this.#codec = undefined;
    this.#leg.renegotiated();
  }

  /** Chooses the layer anew, and asks for a key frame when one is awaited. */
  evaluate(now: MonoMs): void {
    if (this.#closed) return;
    this.publication.consumersChanged(this);
    if (this.publication.kind === "audio") return this.#leg.steer();
    const { choice, waiting } = this.#choose(now);
    // What was chosen may leave out frames.
    this.publication.consumersChanged(this);
    const rid = this.#selector.target;
    if (rid === undefined) return;
    if (choice || (waiting && now >= this.#keyFrameAskedAtMs + KEY_FRAME_RETRY_MS)) this.#askKeyFrame(rid, now);
  }

  /**
   * The first packet of a layer is about to be handled. It begins with a key frame, so a better layer is taken at
   * once and without asking.
   */
  layerArrived(now: MonoMs): void {
    if (this.publication.kind === "video") this.#choose(now);
    else this.#leg.steer();
  }

  #choose(now: MonoMs): { choice: boolean; waiting: boolean } {
    const layers =
      this.only === undefined
        ? this.#layers(now)
        : this.publication.streamLayers(now).filter(({ rid }) => rid === this.only);
    const choice = this.#selector.choose(this.#share.choose(layers, this.#wish(layers, now)));
    const { publication } = this;
    if (this.#selector.current === undefined) this.#thinner.reset();
    this.#leg.steer();
    const target = layers.find(({ rid }) => rid === this.#selector.target);
    // A switching point will come of itself.
    const byKeyFrame = this.#awaitsKeyFrame(target && publication.streamOf(target.rid));
    return { choice: choice && byKeyFrame, waiting: this.#selector.waiting && target !== undefined && byKeyFrame };
  }

  #awaitsKeyFrame(carrier: IncomingStream | undefined): boolean {
    const byKeyFrame = this.#filters.aim(carrier);
    if (!byKeyFrame || !this.#selector.staysInStream || carrier?.layers?.isScalable) return byKeyFrame;
    this.#selector.waitsFor = "a switching point";
    return false;
  }

  /**
   * The layers that the receiver can put together. Of AV1 pictures in several sizes Chromium finds the parts by the dependency
   * descriptor alone; without it only the smallest size is a picture.
   */
  #layers(now: MonoMs): LayerState[] {
    const layers = this.publication.layers(now);
    if (this.slot.section.extensions.dependencyDescriptor !== undefined) return layers;
    return layers.filter(({ rid }) => {
      const stream = this.publication.streamOf(rid);
      return stream?.codec.name !== "av1" || !stream.layers?.isSpatial || stream.layers.spatialOf(rid) === 0;
    });
  }

  /** The layer to forward if the path carried everything. */
  #wish(layers: readonly LayerState[], now: MonoMs): LayerChoice {
    const { publication } = this;
    const isChoice = this.#view.visible && this.only === undefined && !publication.isSpatial;
    const one = isChoice ? publication.one.target(publication.streamLayers(now), now) : undefined;
    if (one === undefined) return chooseLayer(layers, this.#view);
    return { rid: one, why: "the one encoding of a pair", reason: "one-encoding" };
  }

  /**
   * What it would use of the receiver's path. For {@link Downlink} only.
   *
   * @param narrow - The path is proven to carry no more than the least.
   */
  request(narrow: boolean, now: MonoMs): AllocationRequest {
    if (this.publication.kind === "audio") return this.#share.audioRequest(this.id, this.slot.bitrateBps(now));
    const layers = this.#layers(now);
    const wish = this.#wish(layers, now);
    const { current } = this.#selector;
    return this.#share.request({ id: this.id, layers, wish, view: this.#view, current, narrow }, now);
  }

  /** What it may use. For {@link Downlink} only. */
  limit(got: ShareOfPath, now: MonoMs): void {
    if (this.#closed || this.publication.kind === "audio") return;
    this.publication.bound(this, this.#share.take(got));
    this.evaluate(now);
  }

  /** Whether {@link pad} can do anything: a picture is sent, and the receiver takes repetitions. */
  get canPad(): boolean {
    return (
      !this.#closed && this.slot.source !== undefined && this.slot.rtxSsrc !== undefined && this.slot.kind === "video"
    );
  }

  /**
   * Sends a packet again that nobody missed, to probe the path.
   *
   * @param back - Which: so many packets ago.
   * @returns Whether one was sent.
   */
  pad(back: number, now: MonoMs): boolean {
    const numbers = [this.slot.recentNumber(back)];
    if (this.#leg.moves) return this.#leg.resend(numbers, now).sent > 0;
    return this.slot.resend(numbers, now, "probe").sent > 0;
  }

  /** The receiver's transport has connected: what was not worth asking for before is asked for now. */
  secured(): void {
    if (!this.#closed) this.#leg.open(this.transport.media.session);
    this.evaluate(this.transport.now());
    this.requestKeyFrame();
  }

  #askKeyFrame(rid: string, now: MonoMs): void {
    if (!this.slot.isSecured) return;
    this.#keyFrameAskedAtMs = now;
    this.publication.requestKeyFrame(rid);
  }

  /** The receiver lost packets. */
  handleNack(sequenceNumbers: readonly number[], now: MonoMs): void {
    this.#nacked += sequenceNumbers.length;
    if (now < this.#silentUntilMs) return;
    const { sent, beyondRepair } = this.#leg.resend(sequenceNumbers, now);
    this.#retransmitted += sent;
    // What is still asked of the publisher may yet come; otherwise only a key frame helps, and waiting is a freeze.
    if (beyondRepair && this.slot.source?.nack.missingCount === 0) this.requestKeyFrame();
  }

  /** The receiver cannot decode on. */
  handlePictureLoss(): void {
    this.#pli++;
    this.requestKeyFrame();
  }

  stats(): ForwarderStats {
    const audio = this.publication.kind === "audio";
    const stream = this.slot.source;
    const unsupported = stream !== undefined && this.#codec?.of === stream && this.#codec.as === undefined;
    const { packets, bytes } = this.slot.counters;
    return {
      packets: packets - this.#before.packets,
      bytes: bytes - this.#before.bytes,
      lastSentAtMs: packets > this.#before.packets ? this.slot.lastSentAtMs : undefined,
      layer: audio ? (stream === undefined ? undefined : "") : this.#selector.current,
      why: unsupported
        ? `the receiver does not take ${stream.codec.name}`
        : audio
          ? "audio has one layer"
          : this.#selector.why,
      reason: audio ? undefined : this.#selector.reason,
      waiting: !audio && this.#selector.waiting,
      nacked: this.#nacked,
      retransmitted: this.#retransmitted,
      pli: this.#pli,
      bitrateBps: this.slot.bitrateBps(this.transport.now()),
      roundTripMs: this.slot.roundTripMs,
      fractionLost: this.slot.fractionLost,
    };
  }

  /** Ends it. The slot stays the receiver's and may be given another publication. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.publication.detach(this);
    this.#leg.close();
    this.slot.idle();
    this.transport.forwarderClosed(this);
  }
}
