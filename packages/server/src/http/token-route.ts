import { createId, LodelineError, type Random } from "@lodeline/base";
import { LIMITS } from "@lodeline/protocol";
import type { FastifyInstance } from "fastify";
import type { Tokens } from "../auth/tokens.ts";

interface TokenBody {
  /** Every room when absent. */
  readonly room?: string;
  readonly identity?: string;
  readonly name?: string;
  readonly admin?: boolean;
}

const BODY = {
  type: "object",
  additionalProperties: false,
  properties: {
    room: { type: "string", minLength: 1, maxLength: LIMITS.idLength },
    identity: { type: "string", minLength: 1, maxLength: LIMITS.idLength },
    name: { type: "string", maxLength: LIMITS.nameLength },
    admin: { type: "boolean" },
  },
};

/** Long enough that a page left open over night comes back by itself. */
const OPEN_TTL_SECONDS = 24 * 60 * 60;

/**
 * `POST /v1/token` hands out a token to whoever asks: only for open servers. On any other the path says so, because a
 * page built for an open server should tell its reader what is wrong.
 */
export function addTokenRoute(app: FastifyInstance, tokens: Tokens, random: Random, open: boolean): void {
  app.post<{ Body: TokenBody }>("/v1/token", { schema: { body: BODY } }, async (request) => {
    if (!open) {
      const detail = "This server hands out no tokens: whoever runs it makes them with `lodeline token`.";
      throw new LodelineError("auth/forbidden", { detail });
    }
    const { room, name, admin } = request.body;
    const identity = request.body.identity ?? createId(random, "u");
    const token = await tokens.sign({
      identity,
      room,
      name,
      admin,
      maxRole: "moderator",
      ttlSeconds: OPEN_TTL_SECONDS,
    });
    return { token, identity };
  });
}
