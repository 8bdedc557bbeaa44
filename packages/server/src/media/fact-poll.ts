import type { Clock, MonoMs, Timer } from "@lodeline/base";
import type { MediaFacts } from "@lodeline/hub";
import type { LivePublication, LiveSubscription } from "./sfu-port.ts";

/** How often the engine is asked. */
export const FACT_POLL_MS = 200;
/**
 * How old the last packet may be while media still counts as flowing. Opus with discontinuous transmission sends at least
 * every 400 ms, a still screen in Chromium one frame a second.
 */
export const FLOWING_WITHIN_MS = { audio: 1_000, video: 1_500 } as const;

/** What a {@link FactPoll} looks at, and whom it tells. */
export interface FactPollOptions {
  readonly clock: Clock;
  readonly publications: ReadonlyMap<string, LivePublication>;
  readonly subscriptions: ReadonlyMap<string, LiveSubscription>;
  /** Told of changes only, room by room. */
  changed(room: string, facts: MediaFacts): void;
}

interface RoomChanges {
  readonly publications: { publication: string; arriving: boolean }[];
  readonly subscriptions: { subscription: string; forwarded: boolean }[];
}

/** Looks five times a second which packets arrive and which leave, and tells each room what has changed. */
export class FactPoll implements Disposable {
  readonly #options: FactPollOptions;
  readonly #arriving = new Map<string, boolean>();
  readonly #forwarded = new Map<string, boolean>();
  #timer: Timer | undefined;

  constructor(options: FactPollOptions) {
    this.#options = options;
  }

  /** Starts, unless it runs already. It stops by itself when there is nothing left to look at. */
  wake(): void {
    this.#timer ??= this.#options.clock.at(this.#options.clock.now() + FACT_POLL_MS, () => this.#look());
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #look(): void {
    this.#timer = undefined;
    const { publications, subscriptions, changed } = this.#options;
    for (const [room, facts] of this.#changes()) changed(room, facts);
    forgetOthers(this.#arriving, publications);
    forgetOthers(this.#forwarded, subscriptions);
    if (publications.size + subscriptions.size > 0) this.wake();
  }

  #changes(): ReadonlyMap<string, RoomChanges> {
    const { clock, publications, subscriptions } = this.#options;
    const now = clock.now();
    const rooms = new Map<string, RoomChanges>();
    const of = (room: string) => {
      const known = rooms.get(room) ?? { publications: [], subscriptions: [] };
      rooms.set(room, known);
      return known;
    };
    for (const [id, one] of publications) {
      const arriving = isFlowing(one.publication.stats().lastPacketAtMs, one.kind, now);
      if (update(this.#arriving, id, arriving)) of(one.room).publications.push({ publication: id, arriving });
    }
    for (const [id, one] of subscriptions) {
      const forwarded = isFlowing(one.forwarder.stats().lastSentAtMs, one.kind, now);
      if (update(this.#forwarded, id, forwarded)) of(one.room).subscriptions.push({ subscription: id, forwarded });
    }
    return rooms;
  }
}

function isFlowing(lastAtMs: MonoMs | undefined, kind: "audio" | "video", now: MonoMs): boolean {
  return lastAtMs !== undefined && now - lastAtMs <= FLOWING_WITHIN_MS[kind];
}

function update(known: Map<string, boolean>, id: string, value: boolean): boolean {
  if (known.get(id) === value) return false;
  known.set(id, value);
  return true;
}

function forgetOthers(known: Map<string, boolean>, live: ReadonlyMap<string, unknown>): void {
  for (const id of known.keys()) if (!live.has(id)) known.delete(id);
}
