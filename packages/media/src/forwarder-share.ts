import type { MonoMs } from "@lodeline/base";
import type { Allocation, AllocationRequest, AllocationStep, LayerChoice, LayerState } from "@lodeline/rtp";
import type { Publication } from "./publication.ts";

/** Rates that an encoder with one layer is asked for, each about half as much again as the one before. */
const LADDER_BPS = [60_000, 100_000, 150_000, 225_000, 340_000, 500_000, 750_000, 1_100_000, 1_700_000, 2_500_000];

/** Less than this share of the frames is few: of the smallest picture alone, and only where a path is proven to be narrow. */
const LEAST_FRAMES = 0.5;

/** A layer's rate is followed quickly up and slowly down, so that a still picture does not make it look cheap at once. */
const FOLLOW = { up: 0.4, down: 0.08 } as const;

/** Sound that is not sent now may be at any moment. */
const AUDIO_BPS = 40_000;

/** A share as the way to the receiver gives it. */
export interface ShareOfPath {
  readonly share: Allocation;
  /** The path has shown a limit; else the share rests on an assumption. */
  readonly limited: boolean;
  /** What the whole path carries. */
  readonly availableBps: number;
}

/** What a video is wanted for, and what there is of it. */
export interface VideoWish {
  readonly id: string;
  readonly layers: readonly LayerState[];
  /** The choice without any limit. */
  readonly wish: LayerChoice;
  readonly view: { readonly width: number; readonly height: number; readonly priority: number };
  /** The layer that is forwarded now. */
  readonly current: string | undefined;
  /** The path is proven to carry no more than the least: few frames are better than none. */
  readonly narrow: boolean;
}

/**
 * What one forwarder asks of its receiver's path and what it got: the step between layers with their rates and the choice of
 * one of them.
 */
export class ForwarderShare {
  readonly #publication: Publication;
  readonly #rates = new Map<string, number>();
  /** RIDs of the steps asked for last; one empty RID for each rate of an elastic one. */
  #asked: readonly string[] = [];
  #elastic = false;
  #got: ShareOfPath | undefined;

  constructor(publication: Publication) {
    this.#publication = publication;
  }

  /** Why nothing is to be forwarded, when the path does not carry even the lowest layer. */
  get paused(): string | undefined {
    return this.#got?.share.paused;
  }

  /** What sound asks for. */
  audioRequest(id: string, bitrateBps: number): AllocationRequest {
    const steps = [{ bitrateBps: Math.max(AUDIO_BPS, bitrateBps), value: 1 }];
    return { id, kind: "audio", steps, priority: 1, shownPixels: 0, current: 0, elastic: false };
  }

  /** What a video asks for: its layers up to the one that would be chosen if the path carried everything. */
  request({ id, layers, wish, view, current, narrow }: VideoWish, now: MonoMs): AllocationRequest {
    const common = { id, kind: "video" as const, priority: view.priority, shownPixels: view.width * view.height };
    const all = layers.filter((layer) => layer.active).sort((a, b) => this.#size(a) - this.#size(b));
    const [least] = all;
    // Few frames are better than none, but no better than a smaller picture that moves.
    const active = all.filter((layer) => !hasFew(layer) || (narrow && layer.width === least?.width));
    for (const layer of active) this.#follow(layer);
    const top = active.findIndex(({ rid }) => rid === wish.rid);
    const usable = wish.rid === undefined ? [] : active.slice(0, top + 1);
    this.#elastic = usable.length === 1 && active.length === 1 && this.#publication.followsBound(now);
    const [only] = usable;
    if (this.#elastic && only) {
      const steps = this.#ladder(only);
      this.#asked = steps.map(() => only.rid);
      const has = steps.findLastIndex(({ bitrateBps }) => bitrateBps <= this.#rate(only.rid));
      return { ...common, steps, current: current === undefined ? -1 : Math.max(0, has), elastic: true };
    }
    this.#asked = usable.map(({ rid }) => rid);
    const steps: AllocationStep[] = usable.map((layer) => {
      return { bitrateBps: this.#rate(layer.rid), value: this.#size(layer), few: hasFew(layer) };
    });
    for (let i = 1; i < steps.length; i++) {
      const [before, step] = [steps[i - 1] as AllocationStep, steps[i] as AllocationStep];
      // A larger picture that is still for a moment is not cheaper than a smaller one in the long run.
      steps[i] = { ...step, bitrateBps: Math.max(step.bitrateBps, 1.1 * before.bitrateBps) };
    }
    // What has fewer frames than may be asked for plays all the same.
    const at = current === undefined ? -1 : Math.max(0, this.#asked.indexOf(current));
    return { ...common, steps, current: Math.min(at, steps.length - 1), elastic: false };
  }

  /**
   * Takes its share.
   *
   * @returns The bound for the sender, `Infinity` where this receiver sets none.
   */
  take(got: ShareOfPath): number {
    this.#got = got;
    const { share, limited } = got;
    if (!this.#elastic || !limited || share.step < 0 || share.bitrateBps >= 0.99 * this.#mostBps) return Infinity;
    return share.bitrateBps;
  }

  /** The choice within the share: the wish itself where it fits. */
  choose(layers: readonly LayerState[], wish: LayerChoice): LayerChoice {
    const got = this.#got;
    if (got === undefined || wish.rid === undefined || this.#asked.length === 0) return wish;
    if (got.share.paused !== undefined) return { rid: undefined, why: got.share.paused };
    const allowed = this.#asked.slice(0, got.share.step + 1);
    if (allowed.includes(wish.rid) || !this.#asked.includes(wish.rid)) return wish;
    const best = allowed.findLast((rid) => layers.some((layer) => layer.rid === rid && layer.active));
    if (best === undefined) return wish;
    const kbit = (bitrateBps: number) => Math.round(bitrateBps / 1000);
    const wished = kbit(this.#rate(wish.rid));
    return { rid: best, why: `${kbit(got.availableBps)} kbit/s for everything do not carry ${wish.rid} (${wished})` };
  }

  #ladder(layer: LayerState): AllocationStep[] {
    const floorBps = this.#publication.boundFloorBps;
    const mostBps = Math.max(LADDER_BPS.at(-1) as number, 1.3 * this.#rate(layer.rid));
    this.#mostBps = mostBps;
    const rates = [
      floorBps,
      ...LADDER_BPS.filter((bitrateBps) => bitrateBps > floorBps && bitrateBps < mostBps),
      mostBps,
    ];
    return rates.map((bitrateBps) => ({ bitrateBps, value: bitrateBps }));
  }
  #mostBps = Infinity;

  #follow(layer: LayerState): void {
    const before = this.#rates.get(layer.rid);
    const speed = before === undefined ? 1 : layer.bitrateBps > before ? FOLLOW.up : FOLLOW.down;
    this.#rates.set(layer.rid, (before ?? 0) + speed * (layer.bitrateBps - (before ?? 0)));
  }

  #rate(rid: string): number {
    return this.#rates.get(rid) ?? 0;
  }

  #size(layer: LayerState): number {
    // The picture at half the frames is worth more than half, and always more than the next smaller one at all.
    const share = (1 + (layer.frames ?? 1)) / 2;
    return layer.width * layer.height * share || layer.bitrateBps / 10;
  }
}

function hasFew({ frames = 1 }: LayerState): boolean {
  return frames < LEAST_FRAMES;
}
