import { LodelineError } from "@lodeline/base";
import type { LedgerRow, RoomSnapshot, Topology } from "@lodeline/protocol";
import type { FastifyInstance } from "fastify";
import type { Tokens } from "../auth/tokens.ts";
import { checkScope, readScope } from "./bearer.ts";

/** One line of the list of rooms. */
export interface RoomSummary {
  readonly room: string;
  readonly topology: Topology;
  readonly participants: number;
  readonly locked: boolean;
}

/** What can be read of the rooms. */
export interface RoomReader {
  list(): readonly RoomSummary[];
  /** `undefined` when there is no such room. */
  snapshot(room: string): { readonly seq: number; readonly room: RoomSnapshot } | undefined;
  /** `undefined` when there is no such room. */
  ledger(room: string): readonly LedgerRow[] | undefined;
}

interface RoomParams {
  readonly Params: { readonly room: string };
}

/** `/v1/rooms`, one room's state, and one room's ledger: read only, for operators, tests and bearers of `roomAdmin`. */
export function addRoomRoutes(app: FastifyInstance, rooms: RoomReader, tokens: Tokens, open: boolean): void {
  app.get("/v1/rooms", async (request) => {
    const scope = await readScope(request, tokens, open);
    return { rooms: rooms.list().filter((one) => scope.room === undefined || one.room === scope.room) };
  });
  app.get<RoomParams>("/v1/rooms/:room", async (request) => {
    checkScope(await readScope(request, tokens, open), request.params.room);
    return found(rooms.snapshot(request.params.room));
  });
  app.get<RoomParams>("/v1/rooms/:room/ledger", async (request) => {
    checkScope(await readScope(request, tokens, open), request.params.room);
    return { rows: found(rooms.ledger(request.params.room)) };
  });
}

function found<T>(value: T | undefined): T {
  if (value === undefined) throw new LodelineError("room/unknown", { field: "room" });
  return value;
}
