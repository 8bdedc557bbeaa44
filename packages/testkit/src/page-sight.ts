import type { Observation, PeerSpec, SessionKey } from "@lodeline/participant";
import { SOURCES, type Source } from "@lodeline/protocol";
import type { FakePeer } from "./fake-peer.ts";

/** A session's fake peer on a page, and what was counted on its sections. */
export interface Driven {
  readonly spec: PeerSpec;
  readonly peer: FakePeer;
  readonly counts: Map<string, number>;
}

/** So much arrives between two looks. */
const COUNTS_PER_LOOK = 10;

/**
 * What a page sees of media, as statistics would tell it: counts that rise while something arrives.
 *
 * @param captured - Whether a source of this page is captured.
 * @param lie - Stands between what flows and what is counted, for a fault planted on purpose.
 */
export function see(
  drivers: Iterable<Driven>,
  captured: (source: Source) => boolean,
  lie: ((flows: boolean) => boolean) | undefined,
): Observation {
  const received: { key: SessionKey; mid: string; count: number }[] = [];
  const sent = new Set<Source>();
  for (const { spec, peer, counts } of drivers) {
    if (peer.connection?.state !== "connected" && counts.size === 0) continue;
    for (const mid of peer.receiving) {
      const flows = peer.arrives(mid);
      if (lie ? lie(flows) : flows) counts.set(mid, (counts.get(mid) ?? 0) + COUNTS_PER_LOOK);
      const count = counts.get(mid);
      if (count !== undefined) received.push({ key: spec.key, mid, count });
    }
    // The published facts are the room's; a call has none.
    if (spec.use !== "call") for (const source of SOURCES) if (peer.leaves(source)) sent.add(source);
  }
  const published = SOURCES.map((source) => ({ source, captured: captured(source), sent: sent.has(source) }));
  return { published, received };
}
