import type { MediaFacts } from "@lodeline/hub";
import type { EngineEvent } from "@lodeline/workers";
import type { LivePublication, LiveSubscription } from "./sfu-port.ts";

interface RoomChanges {
  readonly publications: MediaFacts["publications"][number][];
  readonly subscriptions: MediaFacts["subscriptions"][number][];
}

/** What an engine tells of its flows, room by room. What ended meanwhile is left out. */
export function factsByRoom(
  flow: Extract<EngineEvent, { kind: "flow" }>,
  publications: ReadonlyMap<string, LivePublication>,
  subscriptions: ReadonlyMap<string, LiveSubscription>,
): ReadonlyMap<string, MediaFacts> {
  const rooms = new Map<string, RoomChanges>();
  const of = (room: string) => {
    const known = rooms.get(room) ?? { publications: [], subscriptions: [] };
    rooms.set(room, known);
    return known;
  };
  for (const fact of flow.publications) {
    const live = publications.get(fact.publication);
    if (live) of(live.room).publications.push(fact);
  }
  for (const { forwarder: subscription, ...fact } of flow.forwarders) {
    const live = subscriptions.get(subscription);
    if (live) of(live.room).subscriptions.push({ subscription, ...fact });
  }
  return rooms;
}
