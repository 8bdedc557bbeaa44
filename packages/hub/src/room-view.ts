import type { LedgerRow, RoomSnapshot, Topology } from "@lodeline/protocol";
import { ledgerOf, type RoomLeases, type RoomSettings, type RoomState } from "@lodeline/room";
import type { RoomDefinition } from "./room-definition.ts";

/** A room as the dashboard and the HTTP interface see it: plain data, the caller's own. */
export interface RoomView {
  readonly room: string;
  /** Number of the last event that `snapshot` contains. */
  readonly seq: number;
  readonly snapshot: RoomSnapshot;
  readonly ledger: readonly LedgerRow[];
  /** What the room was made with. */
  readonly settings: RoomLeases;
}

/** What there is to see of a room in this state. */
export function roomView(room: string, state: RoomState, settings: RoomSettings): RoomView {
  return { room, seq: state.seq, snapshot: state.snapshot, ledger: ledgerOf(state), settings: leasesOf(settings) };
}

/** A room that was made and that nobody has entered yet. */
export function emptyRoomView(definition: RoomDefinition, topology: Topology, settings: RoomSettings): RoomView {
  const { room, locked = false } = definition;
  const snapshot: RoomSnapshot = { room, topology, locked, participants: [], pairs: [] };
  return { room, seq: 0, snapshot, ledger: [], settings: leasesOf(settings) };
}

function leasesOf(settings: RoomSettings): RoomLeases {
  const { suspectMs, leaseMs, byeGraceMs, maxParticipants, loudestSpeakers } = settings;
  return { suspectMs, leaseMs, byeGraceMs, maxParticipants, loudestSpeakers };
}
