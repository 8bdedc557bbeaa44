import type { FastifyInstance } from "fastify";
import type { ServerStatus } from "../lodeline-server.ts";

/**
 * `/healthz`: the process answers. `/readyz`: it takes new links, which it no longer does while it drains. A storage that
 * fails shows there and is no reason to send people elsewhere: everything works, until the process ends.
 */
export function addHealthRoutes(app: FastifyInstance, status: () => ServerStatus): void {
  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_request, reply) => {
    const { state, storage } = status();
    const body = storage === undefined ? { status: state } : { status: state, storage };
    return reply.code(state === "ready" ? 200 : 503).send(body);
  });
}
