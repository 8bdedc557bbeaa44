import type { LedgerRow, RoomSnapshot } from "@lodeline/protocol";
import { ledgerOf, type RoomState } from "@lodeline/room";

/** A room as the dashboard and the HTTP interface see it: plain data, the caller's own. */
export interface RoomView {
  readonly room: string;
  /** Number of the last event that `snapshot` contains. */
  readonly seq: number;
  readonly snapshot: RoomSnapshot;
  readonly ledger: readonly LedgerRow[];
}

/** What there is to see of a room in this state. */
export function roomView(room: string, state: RoomState): RoomView {
  return { room, seq: state.seq, snapshot: state.snapshot, ledger: ledgerOf(state) };
}
