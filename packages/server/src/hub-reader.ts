import type { Hub } from "@lodeline/hub";
import type { RoomReader } from "./http/room-routes.ts";

/** What HTTP may read, read from the hub. */
export function hubReader(hub: Hub): RoomReader {
  return {
    list: () =>
      hub.rooms().map(({ room, snapshot }) => ({
        room,
        topology: snapshot.topology,
        participants: snapshot.participants.length,
        locked: snapshot.locked,
      })),
    snapshot: (room) => {
      const view = hub.room(room);
      return view && { seq: view.seq, room: view.snapshot };
    },
    ledger: (room) => hub.room(room)?.ledger,
  };
}
