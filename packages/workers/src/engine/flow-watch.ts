import type { MonoMs } from "@lodeline/base";
import type { EngineEvent, MediaKind } from "./messages.ts";

/** How often the engine is looked at. */
export const FLOW_POLL_MS = 200;

/**
 * How old the last packet may be while media still counts as flowing. Opus with discontinuous transmission sends at least
 * every 400 ms, a still screen in Chromium one frame a second.
 */
export const FLOWING_WITHIN_MS = { audio: 1_000, video: 1_500 } as const;

/** Something whose packets flow or not. */
export interface Flowing {
  readonly id: string;
  readonly kind: MediaKind;
  readonly lastAtMs: MonoMs | undefined;
}

/** Notices which packets begin to arrive and to leave, and which cease: changes only. */
export class FlowWatch {
  #arriving: ReadonlyMap<string, boolean> = new Map();
  #forwarded: ReadonlyMap<string, boolean> = new Map();

  /**
   * Looks once.
   *
   * @returns What has changed since the last look, new things included; `undefined` when nothing has.
   */
  look(
    publications: Iterable<Flowing>,
    forwarders: Iterable<Flowing>,
    now: MonoMs,
  ): Extract<EngineEvent, { kind: "flow" }> | undefined {
    const arriving = new Map([...publications].map((one) => [one.id, isFlowing(one, now)]));
    const forwarded = new Map([...forwarders].map((one) => [one.id, isFlowing(one, now)]));
    const changed = {
      kind: "flow" as const,
      publications: changes(this.#arriving, arriving).map(([publication, flows]) => ({ publication, arriving: flows })),
      forwarders: changes(this.#forwarded, forwarded).map(([forwarder, flows]) => ({ forwarder, forwarded: flows })),
    };
    this.#arriving = arriving;
    this.#forwarded = forwarded;
    return changed.publications.length + changed.forwarders.length > 0 ? changed : undefined;
  }
}

function isFlowing({ kind, lastAtMs }: Flowing, now: MonoMs): boolean {
  return lastAtMs !== undefined && now - lastAtMs <= FLOWING_WITHIN_MS[kind];
}

function changes(before: ReadonlyMap<string, boolean>, after: ReadonlyMap<string, boolean>): [string, boolean][] {
  return [...after].filter(([id, flows]) => before.get(id) !== flows);
}
