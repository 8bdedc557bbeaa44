import { LodelineError } from "@lodeline/base";
import type { FaultDesk, MessageTrace } from "@lodeline/chaos";
import type { FastifyInstance } from "fastify";

const START = {
  type: "object",
  additionalProperties: false,
  required: ["spec"],
  properties: { spec: { type: "string", minLength: 1, maxLength: 1000 } },
} as const;

const TRACE = {
  type: "object",
  additionalProperties: false,
  properties: { since: { type: "string", pattern: "^\\d{1,15}$" } },
} as const;

/**
 * `/v1/faults`: what can be broken on purpose, what is broken now, break it, mend it; and `/v1/faults/trace`: every
 * message of every link. Open servers with `faults` only.
 */
export function addFaultsRoute(app: FastifyInstance, desk: FaultDesk, trace: MessageTrace): void {
  app.get("/v1/faults", async () => ({ catalogue: desk.catalogue, active: desk.active }));
  app.post<{ Body: { spec: string } }>("/v1/faults", { schema: { body: START } }, async ({ body }, reply) =>
    reply.code(201).send({ id: desk.start(body.spec) }),
  );
  app.delete("/v1/faults", async (_request, reply) => {
    desk.stopAll();
    return reply.code(204).send();
  });
  app.delete<{ Params: { id: string } }>("/v1/faults/:id", async ({ params }, reply) => {
    if (!desk.stop(params.id)) {
      throw new LodelineError("http/not-found", { field: "id", detail: `No fault "${params.id}" is at work.` });
    }
    return reply.code(204).send();
  });
  app.get<{ Querystring: { since?: string } }>(
    "/v1/faults/trace",
    { schema: { querystring: TRACE } },
    async ({ query }) => ({ next: trace.next, entries: trace.since(Number(query.since ?? 0)) }),
  );
}
