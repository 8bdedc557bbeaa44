import { LodelineError } from "@lodeline/base";
import type { FastifyRequest } from "fastify";
import type { Tokens } from "../auth/tokens.ts";

/** Which rooms a request may read: those of its token, or all of them. */
export type RoomScope = { readonly room: string | undefined };

/**
 * What a request may read, by its `Authorization: Bearer` header.
 *
 * @param open - On an open server a request without a token may read everything.
 * @throws LodelineError `auth/token-*`, or `auth/forbidden` when the token does not carry `roomAdmin`.
 */
export async function readScope(request: FastifyRequest, tokens: Tokens, open: boolean): Promise<RoomScope> {
  const header = request.headers.authorization;
  if (header === undefined) {
    if (open) return { room: undefined };
    throw new LodelineError("auth/token-missing", { field: "authorization" });
  }
  const token = /^Bearer +(\S+)$/i.exec(header)?.[1];
  if (token === undefined) throw new LodelineError("auth/token-malformed", { field: "authorization" });
  const { grants } = await tokens.verify(token);
  if (grants.role !== "moderator") {
    throw new LodelineError("auth/forbidden", {
      field: "video.roomAdmin",
      detail: "Rooms are read with a `roomAdmin` token.",
    });
  }
  return { room: grants.room };
}

/** @throws LodelineError `auth/room-denied` when the scope does not hold the room. */
export function checkScope(scope: RoomScope, room: string): void {
  if (scope.room !== undefined && scope.room !== room) throw new LodelineError("auth/room-denied", { field: "room" });
}
