import type { MediaFacts } from "@lodeline/hub";
import type { EngineEvent } from "@lodeline/workers";
import type { LivePublication, LiveSubscription } from "./sfu-port.ts";

interface RoomChanges {
  readonly publications: { publication: string; arriving: boolean }[];
  readonly subscriptions: { subscription: string; forwarded: boolean }[];
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
  for (const { publication, arriving } of flow.publications) {
    const live = publications.get(publication);
    if (live) of(live.room).publications.push({ publication, arriving });
  }
  for (const { forwarder, forwarded } of flow.forwarders) {
    const live = subscriptions.get(forwarder);
    if (live) of(live.room).subscriptions.push({ subscription: forwarder, forwarded });
  }
  return rooms;
}
