import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";

const NO_PAGE = "Lodeline is running. Its page is not built here.\n";

/** Paths of which the page itself makes something, with whatever name stands in them. */
const PAGE_PATHS = ["/r/:room", "/call/:identity"];

/**
 * Serves the built page: `/`, every `/r/:room` and every `/call/:identity` give its one document, files come from the folder. File names under
 * `assets/` carry a hash of their content, so they may be kept for ever; the document must be asked for each time.
 *
 * @param directory - The folder; without one, or when it holds no `index.html`, a line of text says so.
 */
export async function addPageRoutes(app: FastifyInstance, directory: string | undefined): Promise<void> {
  const root = directory === undefined ? undefined : resolve(directory);
  if (root === undefined || !existsSync(join(root, "index.html"))) {
    for (const path of ["/", ...PAGE_PATHS]) {
      app.get(path, async (_request, reply) => reply.type("text/plain; charset=utf-8").send(NO_PAGE));
    }
    return;
  }
  await app.register(fastifyStatic, {
    root,
    cacheControl: false,
    setHeaders: (reply, path) => {
      const hashed = path.startsWith(join(root, "assets"));
      reply.header("cache-control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
    },
  });
  for (const path of PAGE_PATHS) app.get(path, async (_request, reply) => reply.sendFile("index.html"));
}
