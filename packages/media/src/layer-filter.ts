import { carrierOf, DecodeTargetSelector, type ScalableLayers, SequenceCompactor } from "@lodeline/rtp";
import type { IncomingStream } from "./incoming-stream.ts";

/** What becomes of a packet of a scalable stream. */
export interface FilteredPacket {
  /** Its place among what is forwarded: an extended sequence number without the gaps of what is not. */
  readonly sequence: number;
  /** It is the first one after nothing was forwarded. */
  readonly begins: boolean;
  /** It is not wanted, but has come late and has its number already: it goes out without a payload. */
  readonly blank: boolean;
  /** It is the last of its picture as it is forwarded. */
  readonly marker: boolean;
}

/** What one subscription takes of one scalable stream. */
export class LayerFilter {
  readonly stream: IncomingStream;
  readonly #layers: ScalableLayers;
  readonly #selector = new DecodeTargetSelector();
  readonly #compactor = new SequenceCompactor();
  #structure = 0;
  #version = -1;
  #aimed: string | undefined;

  constructor(stream: IncomingStream, layers: ScalableLayers) {
    this.stream = stream;
    this.#layers = layers;
    this.#restructure();
  }

  /** Whether the layers are others than when this was asked last, so that one has to be chosen anew. */
  changed(): boolean {
    this.#restructure();
    const { version } = this.#layers;
    if (version === this.#version) return false;
    this.#version = version;
    return true;
  }

  #restructure(): void {
    const { structureVersion, targets } = this.#layers;
    if (structureVersion === this.#structure) return;
    this.#structure = structureVersion;
    this.#selector.restructure(targets);
  }

  /**
   * Sets what is to be forwarded.
   *
   * @param rid - The name of one of this stream's layers, or of the stream for all of them; `undefined`, or one that another
   * stream carries: nothing.
   */
  aim(rid: string | undefined): void {
    this.#aimed = rid;
    const mine = rid !== undefined && (rid === this.stream.rid || carrierOf(rid) === this.stream.rid);
    this.#selector.aim(mine ? this.#layers.targetOf(rid) : -1);
  }

  /** The name of what is forwarded. */
  get current(): string | undefined {
    const { current, target } = this.#selector;
    if (current >= 0 && current === target) return this.#aimed;
    return this.#layers.nameOf(this.stream.rid, current);
  }

  /** Only a key frame brings what is to be forwarded. */
  get needsKeyFrame(): boolean {
    return this.#selector.needsKeyFrame;
  }

  /** The decode targets of which all is forwarded, of those that are produced. One bit each. */
  get activeTargets(): number {
    const { targets, activeTargets } = this.#layers;
    const current = targets[this.#selector.current];
    if (current === undefined) return activeTargets;
    let mask = 0;
    for (const [at, { spatialLayer, temporalLayer }] of targets.entries()) {
      const within = spatialLayer <= current.spatialLayer && temporalLayer <= current.temporalLayer;
      if (within) mask += 2 ** at;
    }
    return (mask & activeTargets) >>> 0;
  }

  /** Begins again at the next key frame. */
  reset(): void {
    this.#selector.reset();
  }

  /** Decides on the packet that the layers have just read. @returns `undefined` where nothing goes out for it. */
  take(sequence: number, marker: boolean): FilteredPacket | undefined {
    const { frame } = this.#layers;
    const verdict = frame === undefined ? "drop" : this.#selector.decide(frame);
    const wanted = verdict !== "drop";
    const place = this.#compactor.take(sequence, wanted);
    if (place === undefined) return undefined;
    const last = frame?.endOfFrame === true && frame.spatialLayer === this.#selector.spatialLayer;
    return { sequence: place, begins: verdict === "begin", blank: !wanted, marker: wanted && (marker || last) };
  }
}
