import { LodelineError, type Logger } from "@lodeline/base";
import { LIMITS } from "@lodeline/protocol";
import { type FastifyInstance, fastify } from "fastify";
import type { Redact } from "../redact.ts";
import { bodyOf, statusOf, translateHttpError } from "./http-error.ts";
import type { OriginPolicy } from "./origin-policy.ts";
import { SECURITY_HEADERS } from "./security-headers.ts";

/** What the HTTP side needs of the server around it. */
export interface HttpAppOptions {
  readonly logger: Logger;
  readonly redact: Redact;
  readonly origins: OriginPolicy;
}

/** An HTTP server without routes: limits, headers, origins, errors. The caller adds routes, listens and closes. */
export function createHttpApp(options: HttpAppOptions): FastifyInstance {
  const app = fastify({
    logger: false,
    bodyLimit: LIMITS.frameBytes,
    // An identifier of 128 signs may take 12 signs each when it is percent-encoded.
    routerOptions: { maxParamLength: LIMITS.idLength * 12 },
    forceCloseConnections: true,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: false } },
  });
  guardOrigins(app, options.origins);
  app.addHook("onSend", async (_request, reply, payload) => {
    reply.headers(SECURITY_HEADERS);
    return payload;
  });
  app.setErrorHandler((thrown, request, reply) => {
    const error = translateHttpError(thrown);
    if (error.code === "server/internal") {
      options.logger.error("request failed", { route: request.routeOptions.url, error: String(error.cause ?? error) });
    } else {
      const from = options.redact("addr", request.ip);
      options.logger.debug("request refused", { route: request.routeOptions.url, code: error.code, from });
    }
    return reply.code(statusOf(error.code)).send(bodyOf(error));
  });
  app.setNotFoundHandler((_request, reply) => reply.code(404).send(bodyOf(new LodelineError("http/not-found"))));
  return app;
}

/** Refuses pages of other origins before any route runs, and answers the preflight of those that may (Fetch, "CORS"). */
function guardOrigins(app: FastifyInstance, origins: OriginPolicy): void {
  app.addHook("onRequest", async (request, reply) => {
    const { origin, host } = request.headers;
    if (!origins.knowsHost(host)) {
      throw new LodelineError("auth/origin", {
        field: "host",
        detail: "An open server answers to loopback names only.",
      });
    }
    if (!origins.allows(origin, host)) throw new LodelineError("auth/origin", { field: "origin" });
    if (origin === undefined) return;
    reply.headers({ "access-control-allow-origin": origin, vary: "Origin" });
    if (request.method !== "OPTIONS") return;
    return reply
      .headers({
        "access-control-allow-methods": "GET, POST, DELETE",
        "access-control-allow-headers": "authorization, content-type",
        "access-control-max-age": "600",
      })
      .code(204)
      .send();
  });
}
