import { fileURLToPath } from "node:url";
import { createServer, type LodelineServer } from "@lodeline/server";

/**
 * A real server on a free loopback port, open, with the built page and fault injection, and everybody heard: with four
 * microphones the default would keep one back.
 */
export interface PageServer extends AsyncDisposable {
  readonly url: string;
  readonly server: LodelineServer;
}

/**
 * Starts it. The page must have been built: the test runner does so.
 *
 * @param faults - `"network"`: the network before it can be broken as well.
 */
export async function openPageServer(faults: true | "network" = true): Promise<PageServer> {
  const server = await createServer({
    access: { kind: "open" },
    port: 0,
    faults,
    loudestSpeakers: 0,
    pageDirectory: fileURLToPath(new URL("../../packages/web/dist", import.meta.url)),
  });
  return {
    url: server.url,
    server,
    [Symbol.asyncDispose]: async () => {
      await server.close();
    },
  };
}
