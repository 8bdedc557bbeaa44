import type { LayerSelector, RtpPacket, ScalableLayers } from "@lodeline/rtp";
import type { IncomingStream } from "./incoming-stream.ts";
import { type FilteredPacket, LayerFilter } from "./layer-filter.ts";

/** What one subscription takes of the scalable streams of a publication: one layer of one of them at a time. */
export class LayerFilters {
  readonly #filters = new Map<IncomingStream, LayerFilter>();
  readonly #selector: LayerSelector;

  /** @param selector - Is told which layer is forwarded, and says which should be. */
  constructor(selector: LayerSelector) {
    this.#selector = selector;
  }

  /** The filter of a stream. */
  of(stream: IncomingStream, layers: ScalableLayers): LayerFilter {
    let filter = this.#filters.get(stream);
    if (filter === undefined) {
      // A layer that began anew on another SSRC is another stream.
      for (const old of this.#filters.keys()) if (old.rid === stream.rid) this.#filters.delete(old);
      filter = new LayerFilter(stream, layers);
      this.#filters.set(stream, filter);
    }
    return filter;
  }

  /** Decides on a packet that its layers have read. */
  take(filter: LayerFilter, { marker }: RtpPacket, sequence: number): FilteredPacket | undefined {
    const before = filter.current;
    const taken = filter.take(sequence, marker);
    if (filter.current !== before) this.#note(filter);
    if (taken?.begins) for (const other of this.#filters.values()) if (other !== filter) other.aim(undefined);
    return taken;
  }

  /**
   * Says to all what should be forwarded.
   *
   * @param carrier - The stream that carries it, if any does.
   * @returns Whether only a key frame brings it, and no switching point.
   */
  aim(carrier: IncomingStream | undefined): boolean {
    const { target } = this.#selector;
    const filter = carrier && this.#filters.get(carrier);
    for (const one of this.#filters.values()) {
      if (one === filter) one.aim(target);
      // Until another stream begins, what is forwarded of the present one goes on.
      else if (target === undefined || one.current === undefined) one.aim(undefined);
    }
    if (filter) this.#note(filter);
    const byKeyFrame = filter?.needsKeyFrame ?? true;
    this.#selector.waitsFor = byKeyFrame ? "its key frame" : "a switching point";
    return byKeyFrame;
  }

  /** Something else is forwarded. */
  leave(): void {
    for (const filter of this.#filters.values()) filter.aim(undefined);
  }

  /** Starts again from nothing. */
  reset(): void {
    this.#filters.clear();
  }

  #note(filter: LayerFilter): void {
    if (filter.current !== undefined) this.#selector.began(filter.current);
  }
}
