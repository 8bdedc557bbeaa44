import type { LedgerRow } from "@lodeline/protocol";
import { toLedgerRow } from "./fact.ts";
import type { RoomState } from "./room-state.ts";

/** The whole ledger of a room, receiver by receiver: what a dashboard shows and a test reads. A new array each time. */
export function ledgerOf(state: RoomState): LedgerRow[] {
  const { places, snapshot } = state;
  return Object.values(places).flatMap(({ rows }) =>
    Object.values(rows).flatMap((row) => {
      const published = places[row.from]?.published[row.source];
      return published ? [toLedgerRow(snapshot.topology, row, published)] : [];
    }),
  );
}
