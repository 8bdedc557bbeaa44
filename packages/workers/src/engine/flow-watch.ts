import type { MonoMs } from "@lodeline/base";
import type { EngineEvent, ForwardedLayer, ForwarderFlow, MediaKind, PublicationFlow } from "./messages.ts";

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

/** A publication, with what policies have made of it. */
export interface FlowingIn extends Flowing, Pick<PublicationFlow, "one" | "held"> {}

/** A forwarder, with the layer that was chosen for it. */
export interface FlowingOut extends Flowing, Pick<ForwarderFlow, "layer"> {}

/** Notices which packets begin to arrive and to leave, and which cease: changes only. */
export class FlowWatch {
  #arriving: ReadonlyMap<string, PublicationFlow> = new Map();
  #forwarded: ReadonlyMap<string, ForwarderFlow> = new Map();

  /**
   * Looks once.
   *
   * @returns What has changed since the last look, new things included; `undefined` when nothing has.
   */
  look(
    publications: Iterable<FlowingIn>,
    forwarders: Iterable<FlowingOut>,
    now: MonoMs,
  ): Extract<EngineEvent, { kind: "flow" }> | undefined {
    const arriving = new Map([...publications].map((one) => [one.id, flowOf(one, now)]));
    const forwarded = new Map([...forwarders].map((one) => [one.id, flowOut(one, now)]));
    const changed = {
      kind: "flow" as const,
      publications: [...arriving.values()].filter((one) => !same(one, this.#arriving.get(one.publication))),
      forwarders: [...forwarded.values()].filter((one) => !sameOut(one, this.#forwarded.get(one.forwarder))),
    };
    this.#arriving = arriving;
    this.#forwarded = forwarded;
    return changed.publications.length + changed.forwarders.length > 0 ? changed : undefined;
  }
}

function isFlowing({ kind, lastAtMs }: Flowing, now: MonoMs): boolean {
  return lastAtMs !== undefined && now - lastAtMs <= FLOWING_WITHIN_MS[kind];
}

function flowOf(flowing: FlowingIn, now: MonoMs): PublicationFlow {
  const { id: publication, one, held } = flowing;
  return {
    publication,
    arriving: isFlowing(flowing, now),
    ...(one === undefined ? {} : { one }),
    ...(held === undefined ? {} : { held }),
  };
}

function same(one: PublicationFlow, other: PublicationFlow | undefined): boolean {
  return one.arriving === other?.arriving && one.one === other.one && one.held === other.held;
}

function flowOut(flowing: FlowingOut, now: MonoMs): ForwarderFlow {
  const { id: forwarder, layer } = flowing;
  return { forwarder, forwarded: isFlowing(flowing, now), ...(layer === undefined ? {} : { layer }) };
}

function sameOut(one: ForwarderFlow, other: ForwarderFlow | undefined): boolean {
  return one.forwarded === other?.forwarded && sameLayer(one.layer, other.layer);
}

/** The words follow every change of size and rate; those alone are no news. */
function sameLayer(one: ForwardedLayer | undefined, other: ForwardedLayer | undefined): boolean {
  return one?.rid === other?.rid && one?.reason === other?.reason && one?.waiting === other?.waiting;
}
