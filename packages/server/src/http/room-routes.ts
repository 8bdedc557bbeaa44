import { LodelineError } from "@lodeline/base";
import type { RoomDefinition } from "@lodeline/hub";
import { type LedgerRow, LIMITS, type RoomSnapshot, type Topology } from "@lodeline/protocol";
import type { RoomLeases } from "@lodeline/room";
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

/** One room, with what it was made with. */
export interface OneRoom {
  readonly seq: number;
  readonly room: RoomSnapshot;
  readonly settings: RoomLeases;
}

/** What can be read of the rooms, and how one is made. */
export interface RoomReader {
  /** @throws LodelineError as `Hub.createRoom`. */
  create(definition: RoomDefinition): OneRoom;
  list(): readonly RoomSummary[];
  /** `undefined` when there is no such room. */
  snapshot(room: string): OneRoom | undefined;
  /** `undefined` when there is no such room. */
  ledger(room: string): readonly LedgerRow[] | undefined;
}

interface RoomParams {
  readonly Params: { readonly room: string };
}

const DURATION = { type: "integer", minimum: 1 };

const DEFINITION = {
  type: "object",
  additionalProperties: false,
  required: ["room"],
  properties: {
    room: { type: "string", minLength: 1, maxLength: LIMITS.idLength },
    topology: { type: "string", enum: ["sfu", "mesh"] },
    locked: { type: "boolean" },
    suspectMs: DURATION,
    leaseMs: DURATION,
    byeGraceMs: DURATION,
    loudestSpeakers: { type: "integer", minimum: 0, maximum: LIMITS.participantsPerRoom },
    maxParticipants: { type: "integer", minimum: 1, maximum: LIMITS.participantsPerRoom },
  },
};

/**
 * `/v1/rooms`, one room's state, and one room's ledger, to read; and `POST /v1/rooms`, which makes a room with its own
 * leases before anybody enters it. For operators, tests and bearers of `roomAdmin`.
 */
export function addRoomRoutes(app: FastifyInstance, rooms: RoomReader, tokens: Tokens, open: boolean): void {
  app.post<{ Body: RoomDefinition }>("/v1/rooms", { schema: { body: DEFINITION } }, async (request, reply) => {
    checkScope(await readScope(request, tokens, open), request.body.room);
    return reply.code(201).send(rooms.create(request.body));
  });
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
