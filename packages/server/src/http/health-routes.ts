import type { FastifyInstance } from "fastify";
import type { ServerStatus } from "../lodeline-server.ts";

/** `/healthz`: the process answers. `/readyz`: it takes new links, which it no longer does while it drains. */
export function addHealthRoutes(app: FastifyInstance, status: () => ServerStatus): void {
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const { state } = status();
    return reply.code(state === "ready" ? 200 : 503).send({ status: state });
  });
}
