import { carrierOf } from "./scalable/layer-name.ts";

/** One layer as it arrives now: a simulcast layer, or a decode target of a scalable stream. */
export interface LayerState {
  /** Its name: the RID, and of a decode target the spatial and temporal layer, as `S1T2` or `q:S1T2`. */
  readonly rid: string;
  /** The share of its frames that it has, absent: all. Such a layer is chosen to save bandwidth and for no size. */
  readonly frames?: number | undefined;
  /** Pixels of the last key frame; 0 when unknown. */
  readonly width: number;
  readonly height: number;
  /** Over the last second. */
  readonly bitrateBps: number;
  /** Packets came lately. */
  readonly active: boolean;
}

/** What a receiver shows of a publication. */
export interface ViewSize {
  /** Device pixels of the element; 0 when not known yet. */
  readonly width: number;
  readonly height: number;
  readonly visible: boolean;
}

/**
 * What decided on a layer: the size that is shown; that none is larger; that the size is not known; that there is only one;
 * that all have the same while one encoding is asked for; the receiver's share of a limited bitrate, by priority; or why
 * there is none: nobody looks, or nothing comes.
 */
export type LayerReason =
  | "size"
  | "largest"
  | "unknown-size"
  | "only-layer"
  | "one-encoding"
  | "bound"
  | "hidden"
  | "nothing-arrives";

/** Which layer to forward, and the reason in words. */
export interface LayerChoice {
  /** `undefined`: none. */
  readonly rid: string | undefined;
  readonly why: string;
  /** Absent: `bound`, for whoever chooses less than {@link chooseLayer} did has no other reason. */
  readonly reason?: LayerReason | undefined;
}

/** A layer this much smaller than what is shown still serves: scaling by so little is not seen. */
const CLOSE_ENOUGH = 0.85;

/**
 * Chooses the smallest active layer that fills what the receiver shows, or the largest active one when none does.
 *
 * @param layers - In any order.
 * @param view - An unknown size (0) asks for the largest.
 * @param availableBps - What the receiver can take, when it is known: layers above it are left out, save the smallest.
 */
export function chooseLayer(layers: readonly LayerState[], view: ViewSize, availableBps?: number): LayerChoice {
  if (!view.visible) return { rid: undefined, why: "not visible", reason: "hidden" };
  const active = layers.filter(({ active, frames = 1 }) => active && frames === 1).sort(bySize);
  const smallest = active[0];
  if (smallest === undefined) return { rid: undefined, why: "no layer arrives", reason: "nothing-arrives" };
  if (active.length === 1) return { rid: smallest.rid, why: "the only layer that arrives", reason: "only-layer" };
  const affordable =
    availableBps === undefined
      ? active
      : active.filter((layer) => layer === smallest || layer.bitrateBps <= availableBps);
  const largest = affordable.at(-1) ?? smallest;
  if (view.width <= 0 || view.height <= 0) {
    return { rid: largest.rid, why: "size shown is unknown: the largest", reason: "unknown-size" };
  }
  const enough = affordable.find((layer) => fills(layer, view));
  if (enough) {
    const why = `${enough.width}x${enough.height} fills ${view.width}x${view.height}`;
    return { rid: enough.rid, why, reason: "size" };
  }
  const limited = affordable.length < active.length && active.some((layer) => fills(layer, view));
  const most = limited
    ? `the most that ${Math.round((availableBps ?? 0) / 1000)} kbit/s carry`
    : "the largest that arrives";
  const why = `${most} for ${view.width}x${view.height}`;
  return { rid: largest.rid, why, reason: limited ? "bound" : "largest" };
}

/** Smaller first, by pixels where both are known, else by bitrate: encoders give the larger picture more. */
export function bySize(a: LayerState, b: LayerState): number {
  const pixels = a.width * a.height - b.width * b.height;
  return a.width > 0 && b.width > 0 && pixels !== 0 ? pixels : a.bitrateBps - b.bitrateBps;
}

/** Whether the picture, fitted into the view, is not stretched by more than {@link CLOSE_ENOUGH}. */
function fills(layer: LayerState, view: ViewSize): boolean {
  if (layer.width === 0) return false;
  const scale = Math.min(view.width / layer.width, view.height / layer.height);
  return scale * CLOSE_ENOUGH <= 1;
}

/**
 * Which layer one subscription forwards: follows {@link chooseLayer}, and changes only on a key frame of the new
 * layer, so that the receiver never sees a frame whose reference it lacks.
 */
export class LayerSelector {
  #current: string | undefined;
  #target: string | undefined;
  /** RIDs of the streams that carry them. */
  #currentCarrier: string | undefined;
  #targetCarrier: string | undefined;
  #why = "nothing chosen yet";
  #reason: LayerReason = "nothing-arrives";
  /** What brings the target, in words. */
  waitsFor = "its key frame";

  /** The layer forwarded now. */
  get current(): string | undefined {
    return this.#current;
  }

  /** The layer that should be forwarded. */
  get target(): string | undefined {
    return this.#target;
  }

  /** Why this layer. */
  get why(): string {
    if (this.#current === this.#target || this.#target === undefined) return this.#why;
    return `${this.#why}; waiting for ${this.waitsFor}`;
  }

  /** What decided. */
  get reason(): LayerReason {
    return this.#reason;
  }

  /** A key frame of the target is awaited. */
  get waiting(): boolean {
    return this.#target !== undefined && this.#target !== this.#current;
  }

  /** Both are layers of one stream. */
  get staysInStream(): boolean {
    return this.#targetCarrier !== undefined && this.#targetCarrier === this.#currentCarrier;
  }

  /**
   * Sets the target.
   *
   * @returns Whether a key frame of the new target is needed now.
   */
  choose(choice: LayerChoice): boolean {
    this.#why = choice.why;
    this.#reason = choice.reason ?? "bound";
    const changed = choice.rid !== this.#target;
    if (changed) this.#targetCarrier = choice.rid === undefined ? undefined : carrierOf(choice.rid);
    this.#target = choice.rid;
    if (choice.rid === undefined) this.reset();
    return changed && this.waiting;
  }

  /**
   * Whether a packet of the stream `rid` is forwarded. A key frame of the one that carries the target makes that current.
   *
   * @returns `"drop"`, `"forward"`, or `"begin"` when this packet is the first of a new source.
   */
  decide(rid: string, keyFrame: boolean): "drop" | "forward" | "begin" {
    if (rid === this.#currentCarrier) return "forward";
    if (rid !== this.#targetCarrier || !keyFrame) return "drop";
    this.#current = this.#target;
    this.#currentCarrier = rid;
    return "begin";
  }

  /** That layer is forwarded from now on, by whoever does the forwarding. */
  began(rid: string): void {
    if (rid === this.#current) return;
    this.#current = rid;
    this.#currentCarrier = carrierOf(rid);
  }

  /** Starts again from nothing: the next packet forwarded is a key frame. */
  reset(): void {
    this.#current = undefined;
    this.#currentCarrier = undefined;
  }
}
