import { LIMITS, serverMessage } from "@lodeline/protocol";
import type { FastifyInstance } from "fastify";
import type { MessageFault, SilenceFault } from "../faults.ts";
import type { Faults } from "../lodeline-server.ts";

type FaultBody = ({ readonly kind: "drop-message" } & MessageFault) | ({ readonly kind: "silence" } & SilenceFault);

const ID = { type: "string", minLength: 1, maxLength: 2 * LIMITS.idLength } as const;
const TYPES = serverMessage.def.options.map((option) => [...option.def.shape.type.def.values][0]);

const BODY = {
  oneOf: [
    {
      type: "object",
      additionalProperties: false,
      required: ["kind", "participant", "type"],
      properties: {
        kind: { const: "drop-message" },
        participant: ID,
        type: { enum: TYPES },
        event: ID,
        count: { type: "integer", minimum: 1, maximum: 1000 },
      },
    },
    {
      type: "object",
      additionalProperties: false,
      required: ["kind", "subscription", "forMs"],
      properties: {
        kind: { const: "silence" },
        subscription: ID,
        forMs: { type: "number", minimum: 0, maximum: 600_000 },
      },
    },
  ],
};

/** `POST /v1/faults`: loses messages or packets on purpose, so that tests in real browsers can watch the repair. */
export function addFaultsRoute(app: FastifyInstance, faults: Faults): void {
  app.post<{ Body: FaultBody }>("/v1/faults", { schema: { body: BODY } }, async ({ body }, reply) => {
    if (body.kind === "silence") faults.silence(body);
    else faults.dropMessage(body);
    return reply.code(204).send();
  });
}
