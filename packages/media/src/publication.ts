import type { MonoMs } from "@lodeline/base";
import { carrierOf, type LayerState, OneEncoding, type PayloadInspector, type RtpPacket } from "@lodeline/rtp";
import type { IncomingStream } from "./incoming-stream.ts";
import type { KernelGroup } from "./kernel/kernel-group.ts";
import type { PlaneOwner } from "./plane-owner.ts";
import type { Section } from "./sdp/section.ts";
import type { HeldBack, SpeakerGroup } from "./speaker-group.ts";

/** What arrived of one layer. */
export interface LayerStats {
  /** Empty when the publication is not simulcast. */
  readonly rid: string;
  readonly ssrc: number;
  /** Pixels, when a key frame told. */
  readonly width: number | undefined;
  readonly height: number | undefined;
  readonly packets: number;
  /** Over the last second. */
  readonly bitrateBps: number;
  readonly lastPacketAtMs: MonoMs | undefined;
  readonly lost: number;
  readonly recovered: number;
}

/** What arrived of a publication. */
export interface PublicationStats {
  readonly packets: number;
  readonly bytes: number;
  /** On the engine's clock; `undefined` until the first packet. */
  readonly lastPacketAtMs: MonoMs | undefined;
  readonly layers: readonly LayerStats[];
  /** 0 (silence) .. 1, as the sender measured it; audio only. */
  readonly audioLevel: number | undefined;
  readonly keyFrames: number;
  /** The layer that all its forwarders were brought to by `preferOne`; empty when none of them wants any. */
  readonly one: string | undefined;
  /** Why nothing of it is forwarded though it arrives: others speak. */
  readonly heldBack: HeldBack | undefined;
  /** Codec that arrives, once something has. */
  readonly codec: string | undefined;
}

/**
 * Takes the packets of a publication, whether it sends them to a receiver, keeps them or hands them to another thread.
 */
export interface PacketConsumer {
  /**
   * Why each packet must come to TypeScript, in words; `undefined` where the packet kernel may move them. When it changes,
   * call {@link Publication.consumersChanged}.
   */
  readonly needsPackets: string | undefined;
  /** From now on the kernel moves the packets, or TypeScript does ({@link Publication.byKernel}). */
  packetsMoved(): void;
  /** Takes a packet. The view and the inspector are the transport's own and change with the next packet. */
  handle(stream: IncomingStream, packet: RtpPacket, payload: PayloadInspector, sequence: number, now: MonoMs): void;
  /** The first packet of a layer is about to be handled. */
  layerArrived(now: MonoMs): void;
  /**
   * The layer that it has, empty while it has none of those it wants, `undefined` when it wants none or takes any: one
   * encoding is reached when all that want one have the same.
   */
  readonly wanted?: string | undefined;
  /** Chooses its layer anew. */
  evaluate?(now: MonoMs): void;
  /** Nothing comes for a while, by intent. */
  pause?(): void;
  /** RIDs of the layers that it uses or waits for; absent: whatever comes. */
  readonly layersNeeded?: readonly string[];
  /** The publication ended: detach and let go. */
  close(): void;
}

/** A consumer, and who moves the packets to it. */
interface Place {
  readonly consumer: PacketConsumer;
  /** TypeScript does, though the publication is in the kernel. */
  toScript: boolean;
  /** Where in the kernel's events that changed: what it told of before, and is not read yet, went the other way. */
  changes: number[];
}

/** Whether a packet that the kernel told of there is TypeScript's to move. */
function isOfScript({ toScript, changes }: Place, reading: number): boolean {
  let answer = toScript;
  for (const change of changes) if (reading < change) answer = !answer;
  return answer;
}

/** The least that a sender with one layer is asked for: where one receives it, and where several do. */
const FLOOR_BPS = { alone: 60_000, shared: 300_000 } as const;

/** Of several receivers the weakest brings nobody below this share of what the strongest could have. */
const SOLIDARITY = 0.5;

/** A simulcast sender of which one layer arrives for this long sends one. */
const ONE_LAYER_MS = 5000;

/** One incoming section of a transport, and everybody it is forwarded to. */
export class Publication {
  readonly id: string;
  readonly transport: PlaneOwner;
  readonly mid: string;
  readonly kind: "audio" | "video";
  /** As it was agreed when this was published. */
  readonly section: Section;
  /** By RID; lives as long as the section, so it survives a publication that is made anew. */
  readonly streams: ReadonlyMap<string, IncomingStream>;
  /** For {@link Forwarder} only: the layer that all are to have while one encoding is asked for. */
  readonly one = new OneEncoding();
  /** An array, since it is walked for every packet. */
  readonly #places: Place[] = [];
  readonly #placeOf = new Map<PacketConsumer, Place>();
  readonly #onClose: () => void;
  #group: KernelGroup | undefined;
  readonly #speakers: SpeakerGroup | undefined;
  readonly #bounds = new Map<PacketConsumer, number>();
  #oneSinceMs: MonoMs | undefined;
  /** What the other end of a trunk says of its layers: what does not come over it exists all the same. */
  #described: readonly LayerState[] | undefined;
  #closed = false;

  constructor(options: {
    id: string;
    transport: PlaneOwner;
    mid: string;
    kind: "audio" | "video";
    section: Section;
    streams: ReadonlyMap<string, IncomingStream>;
    onClose: () => void;
    /** Its place in the packet kernel, which it then owns. */
    group: KernelGroup | undefined;
    /** The microphones among which it competes. */
    speakers?: SpeakerGroup | undefined;
  }) {
    this.id = options.id;
    this.transport = options.transport;
    this.mid = options.mid;
    this.kind = options.kind;
    this.section = options.section;
    this.streams = options.streams;
    this.#onClose = options.onClose;
    this.#group = options.group;
    this.#speakers = options.speakers;
    this.#speakers?.add(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Everybody who takes its packets. */
  get consumers(): readonly PacketConsumer[] {
    return this.#places.map(({ consumer }) => consumer);
  }

  /** Why its packets must come to TypeScript one by one for everybody; `undefined` where each consumer decides for itself. */
  get needsPackets(): string | undefined {
    if (this.#speakers?.competes) return "competes with other microphones";
    for (const { layers } of this.streams.values()) if (layers?.isScalable) return "has layers inside its stream";
    return undefined;
  }

  /** Adds a consumer, which gets every packet from now on. */
  attach(consumer: PacketConsumer): void {
    const place: Place = { consumer, toScript: false, changes: [] };
    this.#places.push(place);
    this.#placeOf.set(consumer, place);
    this.consumersChanged(consumer);
  }

  /** Takes a consumer out. */
  detach(consumer: PacketConsumer): void {
    const at = this.#places.findIndex((place) => place.consumer === consumer);
    if (at >= 0) this.#places.splice(at, 1);
    this.#placeOf.delete(consumer);
    this.#bounds.delete(consumer);
    this.#tellGroup();
  }

  /**
   * What consumers need may have changed: those that need each packet get it from TypeScript, the others from the kernel.
   *
   * @param only - Nothing has changed for others.
   */
  consumersChanged(only?: PacketConsumer): void {
    const group = this.#group;
    if (group === undefined) return;
    const place = only && this.#placeOf.get(only);
    const places = only === undefined ? this.#places : place === undefined ? [] : [place];
    const everybody = this.needsPackets !== undefined;
    for (const one of places) {
      const toScript = everybody || one.consumer.needsPackets !== undefined;
      if (one.toScript === toScript) continue;
      one.toScript = toScript;
      const { position, read } = group.kernel;
      one.changes = [...one.changes.filter((change) => change > read), position];
      this.#tellGroup();
      one.consumer.packetsMoved();
    }
  }

  #tellGroup(): void {
    const group = this.#group;
    const toScript = this.#places.some((place) => place.toScript);
    if (group !== undefined && group.toScript !== toScript) group.toScript = toScript;
  }

  /** Its place in the packet kernel, where it has one. */
  get group(): KernelGroup | undefined {
    return this.#group;
  }

  /** Whether the packet kernel moves its packets to everybody; else they come to {@link deliver} as well. */
  get byKernel(): boolean {
    return this.#group !== undefined && !this.#group.toScript;
  }

  /** Whether the packet kernel moves its packets to that consumer. */
  movesByKernel(consumer: PacketConsumer): boolean {
    return this.#group !== undefined && this.#placeOf.get(consumer)?.toScript === false;
  }

  /** Its packets do not come by the kernel, since its sender's keys are not for it. */
  leaveKernel(): void {
    const group = this.#group;
    this.#group = undefined;
    for (const { consumer } of this.#places) consumer.packetsMoved();
    group?.close();
  }

  /** A layer began to arrive: its packets are about to be moved by the kernel. */
  layerArrived(now: MonoMs): void {
    this.consumersChanged();
    for (const { consumer } of this.#places) consumer.layerArrived(now);
  }

  /** A layer goes on after a pause, or was noticed late: whoever has waited for it chooses anew, and asks for a key frame. */
  layerResumed(now: MonoMs): void {
    for (const { consumer } of this.#places) consumer.evaluate?.(now);
  }

  /** Hands a packet to everybody. The view and the inspector are the transport's own and change with the next packet. */
  deliver(stream: IncomingStream, packet: RtpPacket, payload: PayloadInspector, sequence: number, now: MonoMs): void {
    if (this.#speakers?.holds(this, stream, packet, sequence, now)) return;
    this.forward(stream, packet, payload, sequence, now);
  }

  /** For {@link SpeakerGroup} and {@link deliver} only: hands a packet on, whoever else speaks. */
  forward(stream: IncomingStream, packet: RtpPacket, payload: PayloadInspector, sequence: number, now: MonoMs): void {
    const first = stream.packets === 1;
    const reading = this.#group?.kernel.read;
    for (const place of this.#places) {
      if (reading !== undefined && !isOfScript(place, reading)) continue;
      const { consumer } = place;
      if (first) consumer.layerArrived(now);
      consumer.handle(stream, packet, payload, sequence, now);
    }
  }

  /** Asks the sender for a key frame of one layer; wishes within 330 ms become one request. */
  requestKeyFrame(rid: string): void {
    const stream = this.streamOf(rid);
    if (stream === undefined || this.#closed) return;
    stream.wantKeyFrame();
    this.transport.wakeNow();
  }

  /** Brings everybody to the largest layer, so that the sender may stop the others; or lets each choose again. */
  preferOne(one: boolean): void {
    this.one.ask(one);
    for (const { consumer } of this.#places) consumer.evaluate?.(this.transport.now());
  }

  /** Nothing of it is handed on for a while, by intent: what comes afterwards begins anew and looks like no loss. */
  pause(): void {
    for (const { consumer } of this.#places) consumer.pause?.();
  }

  /** The stream that carries a layer. */
  streamOf(rid: string): IncomingStream | undefined {
    return this.streams.get(rid) ?? this.streams.get(carrierOf(rid));
  }

  /** Whether one of its streams has pictures of several sizes inside. */
  get isSpatial(): boolean {
    for (const { layers } of this.streams.values()) if (layers?.isSpatial) return true;
    return false;
  }

  /**
   * The layers to choose from: the streams, in place of a scalable one its decode targets, and beside a VP8 stream what is
   * left of it without its upper temporal layers. A single stream that holds the same picture at several frame rates, and
   * whose sender follows a bound, is one layer.
   */
  layers(now: MonoMs): LayerState[] {
    const follows = this.followsBound(now);
    const bounded = this.#places.length <= 1 && follows;
    return this.streamLayers(now).flatMap((state) => {
      const stream = this.streams.get(state.rid);
      if (stream?.layers?.isScalable) {
        return bounded && !stream.layers.isSpatial ? [state] : stream.layers.states(state, now);
      }
      // What is announced at the other end of a trunk need not come over it now.
      return stream && !follows && stream.isActive(now) ? [...stream.temporal.states(state, now), state] : [state];
    });
  }

  /** The streams as they arrive now, or as the other end of a trunk describes them. */
  streamLayers(now: MonoMs): LayerState[] {
    if (this.#described) return [...this.#described];
    return [...this.streams.values()].map((stream) => ({
      rid: stream.rid,
      width: stream.width,
      height: stream.height,
      bitrateBps: stream.bitrateBps(now),
      active: stream.isActive(now),
    }));
  }

  /**
   * Whether the sender adapts to a bound (REMB) rather than be chosen from: one layer arrives, and only one will.
   */
  followsBound(now: MonoMs): boolean {
    const streams = [...this.streams.values()].filter((stream) => stream.isActive(now));
    if (streams.length === 1) this.#oneSinceMs ??= now;
    else this.#oneSinceMs = undefined;
    const [only] = streams;
    if (only?.layers?.isSpatial) return false;
    if (only === undefined || streams.length > 1 || !only.codec.feedback.includes("goog-remb")) return false;
    if (only.rid === "") return true;
    // Layers that stopped may come back: only a single receiver bounds the one that is left.
    return this.#places.length === 1 && now - (this.#oneSinceMs ?? now) > ONE_LAYER_MS;
  }

  /** The least that a receiver must be able to take of a sender that follows a bound. */
  get boundFloorBps(): number {
    if (this.#places.length <= 1) return FLOOR_BPS.alone;
    const best = Math.max(0, ...[...this.#bounds.values()].filter((boundBps) => boundBps < Infinity));
    return Math.max(FLOOR_BPS.shared, SOLIDARITY * best);
  }

  /** What one receiver can take of it; `Infinity`: everything. For {@link Forwarder} only. */
  bound(consumer: PacketConsumer, bitrateBps: number): void {
    const before = this.boundBps;
    if (bitrateBps === Infinity) this.#bounds.delete(consumer);
    else this.#bounds.set(consumer, bitrateBps);
    if (this.boundBps !== before) this.transport.wakeNow();
  }

  /** What the sender is asked not to exceed; `undefined`: whatever its path carries. */
  get boundBps(): number | undefined {
    if (this.#bounds.size === 0) return undefined;
    return Math.max(this.boundFloorBps, Math.min(...this.#bounds.values()));
  }

  /** Says what layers there are, of a publication that comes over a trunk. Forwarders choose anew. */
  describe(layers: readonly LayerState[]): void {
    this.#described = layers;
    const now = this.transport.now();
    for (const { consumer } of this.#places) consumer.evaluate?.(now);
  }

  /** RIDs of the layers that somebody uses or waits for; one empty one for sound that somebody gets. */
  layersNeeded(): readonly string[] {
    if (this.kind === "audio") return this.#places.length > 0 ? [""] : [];
    const needed = this.consumers.flatMap(({ layersNeeded }) => layersNeeded ?? []);
    return [...new Set(needed.map((rid) => this.streamOf(rid)?.rid ?? rid))].sort();
  }

  stats(): PublicationStats {
    const now = this.transport.now();
    const streams = [...this.streams.values()];
    const level = streams[0]?.audioLevel;
    const last = streams.map(({ lastPacketAtMs }) => lastPacketAtMs ?? -Infinity);
    return {
      packets: streams.reduce((sum, { packets }) => sum + packets, 0),
      bytes: streams.reduce((sum, { bytes }) => sum + bytes, 0),
      lastPacketAtMs: streams.some(({ lastPacketAtMs }) => lastPacketAtMs !== undefined)
        ? Math.max(...last)
        : undefined,
      layers: streams.map((stream) => layerStats(stream, now)),
      audioLevel: level === undefined ? undefined : level.levelDbov === 127 ? 0 : 10 ** (-level.levelDbov / 20),
      keyFrames: streams.reduce((sum, { keyFrames }) => sum + keyFrames, 0),
      one: this.one.reached(
        this.streamLayers(now),
        this.consumers.map(({ wanted }) => wanted),
        now,
      ),
      heldBack: this.#speakers?.heldBack(this, now),
      codec: streams[0]?.codec.name,
    };
  }

  /** Ends it and every forwarder of it. The section stays and may be published again. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#speakers?.remove(this);
    for (const consumer of this.consumers) consumer.close();
    this.#group?.close();
    this.#onClose();
  }
}

function layerStats(stream: IncomingStream, now: MonoMs): LayerStats {
  return {
    rid: stream.rid,
    ssrc: stream.ssrc,
    width: stream.width || undefined,
    height: stream.height || undefined,
    packets: stream.packets,
    bitrateBps: stream.bitrateBps(now),
    lastPacketAtMs: stream.lastPacketAtMs,
    lost: stream.statistics.lost,
    recovered: stream.nack.recovered,
  };
}
