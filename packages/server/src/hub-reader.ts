import type { Hub, RoomView } from "@lodeline/hub";
import type { OneRoom, RoomReader } from "./http/room-routes.ts";

/** What HTTP may read, read from the hub. */
export function hubReader(hub: Hub): RoomReader {
  return {
    create: (definition) => oneRoom(hub.createRoom(definition)),
    list: () =>
      hub.rooms().map(({ room, snapshot }) => ({
        room,
        topology: snapshot.topology,
        participants: snapshot.participants.length,
        locked: snapshot.locked,
      })),
    snapshot: (room) => {
      const view = hub.room(room);
      return view && oneRoom(view);
    },
    ledger: (room) => hub.room(room)?.ledger,
  };
}

function oneRoom({ seq, snapshot, settings }: RoomView): OneRoom {
  return { seq, room: snapshot, settings };
}
