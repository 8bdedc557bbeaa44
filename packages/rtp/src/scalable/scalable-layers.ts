import type { MonoMs } from "@lodeline/base";
import { BitrateMeter } from "../bitrate-meter.ts";
import { DependencyDescriptor } from "../dependency/dependency-descriptor.ts";
import { type DecodeTarget, type DependencyStructure, INDICATION } from "../dependency/dependency-structure.ts";
import { type ExtensionPlace, findExtension } from "../header-extension.ts";
import type { LayerState } from "../layer-selector.ts";
import type { PayloadInspector } from "../payload-inspector.ts";
import type { RtpPacket } from "../rtp-packet.ts";
import { SequenceUnwrapper } from "../sequence.ts";
import type { LayerFrame } from "./layer-frame.ts";
import { layerName, layersOf } from "./layer-name.ts";
import { Vp9Layers } from "./vp9-layers.ts";

/** A spatial layer without frames for this long does not count as arriving. */
const ACTIVE_MS = 1200;

/**
 * The layers inside one stream, by the dependency descriptor or else by the VP9 descriptor of each packet: what the packet's
 * frame is, what decode targets there are, and what each takes.
 */
export class ScalableLayers {
  /** Of the last packet with a dependency descriptor that {@link handle} read. */
  readonly descriptor = new DependencyDescriptor();
  readonly #place: ExtensionPlace = { offset: 0, lengthBytes: 0 };
  readonly #unwrapper = new SequenceUnwrapper();
  readonly #vp9 = new Vp9Layers();
  #structure: DependencyStructure | undefined;
  #activeTargets = 0xffffffff;
  #targets: readonly DecodeTarget[] = [];
  #meters: BitrateMeter[] = [];
  readonly #seenAtMs = new Float64Array(8).fill(-Infinity);
  /** Pixels of each spatial layer, in pairs. */
  #sizes: ArrayLike<number> = [];
  /** What the last packet says of its frame; `undefined` when it says nothing of use. */
  frame: LayerFrame | undefined;
  /** The last packet has a dependency descriptor that could be read. */
  described = false;
  /** Counts the changes of {@link targets} and of which of them are produced. */
  version = 0;
  /** Counts the changes of {@link targets}. */
  structureVersion = 0;

  /** Every decode target, in the order of the indications; empty for a stream of which nothing is known. */
  get targets(): readonly DecodeTarget[] {
    return this.#targets;
  }

  /** Its packets are to be looked at one by one: it has more than one decode target, or says what cannot be read yet. */
  get isScalable(): boolean {
    return this.#targets.length > 1;
  }

  /** It has more than one picture size: then layers are chosen by size too. */
  get isSpatial(): boolean {
    return this.#spatialCount > 1;
  }

  /** The decode targets that are produced, one bit each; meaningful with a dependency descriptor. */
  get activeTargets(): number {
    return this.#activeTargets;
  }

  get #usesDescriptor(): boolean {
    return this.#structure !== undefined;
  }

  get #spatialCount(): number {
    if (!this.#usesDescriptor) return this.#targets.length === 0 ? 1 : this.#vp9.spatialCount;
    return 1 + Math.max(0, ...this.#targets.map(({ spatialLayer }) => spatialLayer));
  }

  /**
   * Looks at a packet.
   *
   * @param descriptorId - Of the header extension, where it is agreed.
   */
  handle(packet: RtpPacket, payload: PayloadInspector, descriptorId: number | undefined, now: MonoMs): void {
    this.described = false;
    const frame = this.#read(packet, payload, descriptorId);
    this.frame = frame;
    if (frame === undefined) return;
    // A key frame has all layers that it announces: they are about to come.
    if (frame.keyFrame) for (let at = 0; at < this.#spatialCount; at++) this.#noteSpatial(at, now);
    this.#noteSpatial(frame.spatialLayer, now);
    for (let at = 0; at < this.#meters.length; at++) {
      if (frame.indications[at] !== INDICATION.notPresent) this.#meters[at]?.add(packet.lengthBytes, now);
    }
  }

  #read(packet: RtpPacket, payload: PayloadInspector, descriptorId: number | undefined): LayerFrame | undefined {
    if (descriptorId !== undefined && findExtension(packet, descriptorId, this.#place))
      return this.#readDescriptor(packet);
    return this.#usesDescriptor ? undefined : this.#readVp9(packet, payload);
  }

  #readDescriptor({ bytes, timestamp }: RtpPacket): LayerFrame | undefined {
    const { descriptor } = this;
    const { offset, lengthBytes } = this.#place;
    if (!descriptor.parse(bytes, offset, lengthBytes, this.#structure)) return undefined;
    this.described = true;
    const { attached, frame } = descriptor;
    if (attached) this.#take(attached);
    if (descriptor.activeTargets !== undefined && descriptor.activeTargets !== this.#activeTargets) {
      this.#activeTargets = descriptor.activeTargets;
      this.version++;
    }
    if (frame === undefined) return undefined;
    const number = this.#unwrapper.unwrap(descriptor.frameNumber);
    const { frameDiffs, spatialLayer, temporalLayer, indications } = frame;
    return {
      number,
      picture: timestamp,
      endOfFrame: descriptor.endOfFrame,
      keyFrame: spatialLayer === 0 && frameDiffs.length === 0 && attached !== undefined,
      spatialLayer,
      temporalLayer,
      indications,
      frameDiffs,
      base: -1,
    };
  }

  #take(structure: DependencyStructure): void {
    this.#structure = structure;
    this.#sizes = structure.resolutions.flatMap(({ width, height }) => [width, height]);
    if (sameTargets(structure.targets, this.#targets)) return;
    this.#restructure(structure.targets);
  }

  #readVp9({ timestamp }: RtpPacket, payload: PayloadInspector): LayerFrame | undefined {
    const descriptor = payload.vp9;
    if (descriptor === undefined) return undefined;
    if (this.#targets.length === 0) this.#restructure(Vp9Layers.targets);
    const [spatial, temporal] = [this.#vp9.spatialCount, this.#vp9.temporalCount];
    const frame = this.#vp9.frame(descriptor, payload.keyFrame, timestamp);
    if (descriptor.width > 0) this.#sizes = descriptor.sizes.slice(0, 2 * descriptor.spatialCount);
    if (spatial !== this.#vp9.spatialCount || temporal !== this.#vp9.temporalCount) this.version++;
    return frame;
  }

  #restructure(targets: readonly DecodeTarget[]): void {
    this.#targets = targets;
    this.#meters = targets.map(() => new BitrateMeter());
    this.#seenAtMs.fill(-Infinity);
    this.structureVersion++;
    this.version++;
  }

  /** A spatial layer that comes, or comes back, is a reason to choose anew. */
  #noteSpatial(spatialLayer: number, now: MonoMs): void {
    if (now - (this.#seenAtMs[spatialLayer] as number) >= ACTIVE_MS) this.version++;
    this.#seenAtMs[spatialLayer] = now;
  }

  /** The decode target that a layer's name means, -1 when it means none. */
  targetOf(rid: string): number {
    const layers = layersOf(rid);
    if (layers === undefined) return -1;
    return this.#targets.findIndex(
      ({ spatialLayer, temporalLayer }) =>
        spatialLayer === layers.spatialLayer && temporalLayer === layers.temporalLayer,
    );
  }

  /** The spatial layer that a layer's name means, -1 when it means none. */
  spatialOf(rid: string): number {
    return this.#targets[this.targetOf(rid)]?.spatialLayer ?? -1;
  }

  /** The name of a decode target of a stream. */
  nameOf(rid: string, target: number): string | undefined {
    const layers = this.#targets[target];
    return layers && layerName(rid, layers.spatialLayer, layers.temporalLayer);
  }

  /**
   * The layers to choose from, in any order.
   *
   * @param stream - The stream as a whole.
   */
  states(stream: LayerState, now: MonoMs): LayerState[] {
    const exposed = this.#targets.flatMap((target, at) => (this.#exists(target) ? [{ ...target, at }] : []));
    return exposed.map(({ spatialLayer, temporalLayer, at }) => {
      const highest = Math.max(
        ...exposed.filter((other) => other.spatialLayer === spatialLayer).map((other) => other.temporalLayer),
      );
      const produced = !this.#usesDescriptor || ((this.#activeTargets >>> at) & 1) === 1;
      return {
        rid: this.nameOf(stream.rid, at) as string,
        width: this.#sizes[2 * spatialLayer] ?? 0,
        height: this.#sizes[2 * spatialLayer + 1] ?? 0,
        bitrateBps: this.#meters[at]?.bitrateBps(now) ?? 0,
        active: stream.active && produced && now - (this.#seenAtMs[spatialLayer] as number) < ACTIVE_MS,
        frames: 2 ** (temporalLayer - highest),
      };
    });
  }

  #exists({ spatialLayer, temporalLayer }: DecodeTarget): boolean {
    if (this.#usesDescriptor) return true;
    return spatialLayer < this.#vp9.spatialCount && temporalLayer < this.#vp9.temporalCount;
  }
}

function sameTargets(one: readonly DecodeTarget[], other: readonly DecodeTarget[]): boolean {
  return (
    one.length === other.length &&
    one.every(
      ({ spatialLayer, temporalLayer }, at) =>
        spatialLayer === other[at]?.spatialLayer && temporalLayer === other[at]?.temporalLayer,
    )
  );
}
