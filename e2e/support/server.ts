import { createServer, type LodelineServer, type ServerOptions } from "@lodeline/server";

/**
 * A real server for a test: open, on a free port of this machine, with fault injection, and everybody heard, so that every
 * row of a ledger can be asked for. The caller closes it.
 */
export function startServer(options: Partial<ServerOptions> = {}): Promise<LodelineServer> {
  return createServer({ access: { kind: "open" }, port: 0, faults: true, loudestSpeakers: 0, ...options });
}
