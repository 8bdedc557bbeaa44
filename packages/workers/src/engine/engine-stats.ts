import type { MonoMs } from "@lodeline/base";
import type { HeldMedia } from "./held-media.ts";
import type { EngineStats } from "./messages.ts";

/**
 * The numbers of everything held, in one batch.
 *
 * @param room - Only what is of this room; `undefined` for all.
 */
export function engineStats(held: HeldMedia, room: string | undefined, now: MonoMs): EngineStats {
  const wanted = (one: { readonly room: string }) => room === undefined || one.room === room;
  return {
    publications: held.arriving.filter(wanted).map(({ id, publication }) => {
      const { lastPacketAtMs, layers, ...rest } = publication.stats();
      const aged = layers.map(({ lastPacketAtMs: at, ...layer }) => ({ ...layer, idleMs: age(at, now) }));
      return { ...rest, layers: aged, publication: id, idleMs: age(lastPacketAtMs, now) };
    }),
    forwarders: [...held.forwarders.values()].filter(wanted).map(({ id, forwarder }) => {
      const { lastSentAtMs, ...rest } = forwarder.stats();
      return { ...rest, forwarder: id, idleMs: age(lastSentAtMs, now) };
    }),
  };
}

function age(at: MonoMs | undefined, now: MonoMs): number | undefined {
  return at === undefined ? undefined : now - at;
}
