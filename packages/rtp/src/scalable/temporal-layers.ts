import type { MonoMs } from "@lodeline/base";
import { BITRATE_METER_FIELDS, BitrateMeter } from "../bitrate-meter.ts";
import type { LayerState } from "../layer-selector.ts";
import { layerName } from "./layer-name.ts";

/** Layers below the highest whose rates are measured; browsers make one or two. */
const METERS = 2;

/** Numbers in the record of {@link TemporalLayers}: how many layers there are, then a meter for each below the highest. */
export const TEMPORAL_LAYERS_FIELDS = 1 + METERS * BITRATE_METER_FIELDS;

/**
 * The temporal layers of a VP8 stream and what the lower ones take, by the TID of its packets (RFC 7741 section 4.2). All it
 * knows is in its record, so that what takes the packets in need not be this class.
 */
export class TemporalLayers {
  readonly #record: Float64Array;
  readonly #meters: readonly BitrateMeter[];

  /** @param record - {@link TEMPORAL_LAYERS_FIELDS} zeros; by default its own. */
  constructor(record: Float64Array = new Float64Array(TEMPORAL_LAYERS_FIELDS)) {
    this.#record = record;
    this.#meters = Array.from(
      { length: METERS },
      (_, at) => new BitrateMeter(record.subarray(1 + at * BITRATE_METER_FIELDS)),
    );
  }

  /** How many there are; 0 where its packets name none. */
  get count(): number {
    return this.#record[0] as number;
  }

  /**
   * A packet arrived.
   *
   * @param temporalLayer - Its TID, -1 where it has none.
   * @param keyFrame - It begins a key frame: one without a TID is of a stream that has no layers any more.
   */
  note(temporalLayer: number, keyFrame: boolean, sizeBytes: number, now: MonoMs): void {
    if (temporalLayer < 0) {
      if (keyFrame) this.#record[0] = 0;
      return;
    }
    if (temporalLayer >= this.count) this.#record[0] = temporalLayer + 1;
    for (let at = temporalLayer; at < METERS; at++) this.#meters[at]?.add(sizeBytes, now);
  }

  /**
   * What is left of the stream without its upper layers, fewest frames first.
   *
   * @param stream - The stream as a whole.
   */
  states(stream: LayerState, now: MonoMs): LayerState[] {
    return this.#meters.slice(0, Math.max(0, this.count - 1)).map((meter, at) => ({
      ...stream,
      rid: layerName(stream.rid, 0, at),
      bitrateBps: meter.bitrateBps(now),
      frames: 2 ** (at + 1 - this.count),
    }));
  }
}
