/** One way to send a publication: a layer, or a rate that its encoder can be asked for. */
export interface AllocationStep {
  /** Bits per second, whole datagrams. */
  readonly bitrateBps: number;
  /** What it shows, in any unit that grows with the picture, such as pixels. */
  readonly value: number;
  /** It has few frames: better than nothing, and no more. */
  readonly few?: boolean | undefined;
}

/** One subscription that wants a share. */
export interface AllocationRequest {
  readonly id: string;
  readonly kind: "audio" | "video";
  /** Ascending; empty while nothing arrives. Nothing above what the receiver shows. */
  readonly steps: readonly AllocationStep[];
  /** Weight of its upgrades. */
  readonly priority: number;
  /** Device pixels it is shown in; 0 when unknown. */
  readonly shownPixels: number;
  /** Index of the step it has now, -1 for none. */
  readonly current: number;
  /** Its sender follows a bound exactly, so that it may get what lies between two steps. */
  readonly elastic: boolean;
}

/** What one subscription gets. */
export interface Allocation {
  /** Index of its step, -1 for none. */
  readonly step: number;
  /** 0 when it is paused; for an elastic one what it may use, at least its step. */
  readonly bitrateBps: number;
  /** Why it gets nothing, in words. */
  readonly paused: string | undefined;
}

/**
 * Who may be paused where not even the lowest step fits: nobody while the path has shown no limit, since an assumption is no
 * reason to show nothing; only who waits anyway while a limit is not sure yet; anybody once it is.
 */
export type Pausing = "nobody" | "waiting" | "anybody";

/** More than the step itself must be free for going up, so that a rate that wavers does not make the picture waver. */
export const UPGRADE_MARGIN = 1.15;

/**
 * Divides what a receiver's path carries over its subscriptions: sound first, then the lowest step of each video by priority
 * and size shown, then upgrades by what they show for each bit. A video that cannot even have its lowest step is paused and
 * says why.
 *
 * @param availableBps - `Infinity` gives everybody everything.
 * @param pausing - Who may be paused. Pausing is the last step and needs evidence.
 */
export function allocateBitrate(
  availableBps: number,
  requests: readonly AllocationRequest[],
  pausing: Pausing = "anybody",
): Map<string, Allocation> {
  const granted = new Map<string, Allocation>();
  let leftBps = availableBps;
  for (const { id, kind, steps } of requests) {
    if (kind !== "audio") continue;
    const bitrateBps = steps.at(-1)?.bitrateBps ?? 0;
    granted.set(id, { step: steps.length - 1, bitrateBps, paused: undefined });
    leftBps -= bitrateBps;
  }
  const videos = requests.filter(({ kind, steps }) => kind === "video" && steps.length > 0).sort(byImportance);
  const share = new Share(Math.max(0, leftBps), granted);
  for (const video of videos) share.base(video, pausing);
  share.upgrade(videos);
  share.stretch(videos);
  for (const { id } of requests) if (!granted.has(id)) granted.set(id, { step: -1, bitrateBps: 0, paused: undefined });
  return granted;
}

function byImportance(a: AllocationRequest, b: AllocationRequest): number {
  return (
    b.priority - a.priority ||
    b.shownPixels - a.shownPixels ||
    (a.steps[0]?.bitrateBps ?? 0) - (b.steps[0]?.bitrateBps ?? 0)
  );
}

class Share {
  #leftBps: number;
  readonly #granted: Map<string, Allocation>;

  constructor(leftBps: number, granted: Map<string, Allocation>) {
    this.#leftBps = leftBps;
    this.#granted = granted;
  }

  /** The lowest step, or a pause. */
  base({ id, steps, current }: AllocationRequest, pausing: Pausing): void {
    const bitrateBps = steps[0]?.bitrateBps ?? 0;
    const needBps = current >= 0 ? bitrateBps : UPGRADE_MARGIN * bitrateBps;
    const mayPause = pausing === "anybody" || (pausing === "waiting" && current < 0);
    if (mayPause && needBps > this.#leftBps) {
      const paused = `paused: ${kbit(this.#leftBps)} kbit/s of ${kbit(bitrateBps)} are left`;
      this.#granted.set(id, { step: -1, bitrateBps: 0, paused });
      return;
    }
    this.#grant(id, 0, bitrateBps, bitrateBps);
  }

  /** One step at a time to whoever shows most for it, until nothing fits. */
  upgrade(videos: readonly AllocationRequest[]): void {
    for (;;) {
      let best: { readonly video: AllocationRequest; readonly step: number; readonly utility: number } | undefined;
      for (const video of videos) {
        const step = (this.#granted.get(video.id)?.step ?? -1) + 1;
        if (step === 0 || !this.#fits(video, step)) continue;
        const utility = utilityOf(video, step);
        if (best === undefined || utility > best.utility) best = { video, step, utility };
      }
      if (best === undefined) return;
      const { id, steps } = best.video;
      const bitrateBps = steps[best.step]?.bitrateBps ?? 0;
      this.#grant(id, best.step, bitrateBps, bitrateBps - (steps[best.step - 1]?.bitrateBps ?? 0));
    }
  }

  /** What is left goes to those that can use any rate. */
  stretch(videos: readonly AllocationRequest[]): void {
    const elastic = videos.filter(({ id, elastic }) => elastic && (this.#granted.get(id)?.step ?? -1) >= 0);
    let weight = elastic.reduce((sum, { priority }) => sum + Math.max(priority, 0.01), 0);
    for (const { id, priority, steps } of elastic) {
      const got = this.#granted.get(id) as Allocation;
      const most = steps.at(-1)?.bitrateBps ?? 0;
      const share = (this.#leftBps * Math.max(priority, 0.01)) / weight;
      weight -= Math.max(priority, 0.01);
      const more = Math.min(share, Math.max(0, most - got.bitrateBps));
      this.#grant(id, got.step, got.bitrateBps + more, more);
    }
  }

  #fits({ steps, current, elastic }: AllocationRequest, step: number): boolean {
    const next = steps[step];
    if (next === undefined) return false;
    const extraBps = next.bitrateBps - (steps[step - 1]?.bitrateBps ?? 0);
    const marginBps = step > current && !elastic ? (UPGRADE_MARGIN - 1) * next.bitrateBps : 0;
    return extraBps + marginBps <= this.#leftBps;
  }

  #grant(id: string, step: number, bitrateBps: number, costBps: number): void {
    this.#granted.set(id, { step, bitrateBps, paused: undefined });
    this.#leftBps = Math.max(0, this.#leftBps - costBps);
  }
}

/** Doubling what is shown is worth the same wherever it happens; per bit of what it costs. */
function utilityOf({ steps, priority }: AllocationRequest, step: number): number {
  const before = steps[step - 1] as AllocationStep;
  const after = steps[step] as AllocationStep;
  const extraBps = Math.max(1, after.bitrateBps - before.bitrateBps);
  const gain = Math.log2(Math.max(1, after.value) / Math.max(1, before.value));
  // Upgrades that show no more, as far as is known, still come last and not never.
  return (Math.max(priority, 0.01) * Math.max(gain, 0.01)) / extraBps;
}

function kbit(bitrateBps: number): number {
  return Math.round(bitrateBps / 1000);
}
