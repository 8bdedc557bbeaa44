import { createHash } from "node:crypto";
import type { Clock, Logger } from "@lodeline/base";
import type { Hub } from "@lodeline/hub";
import { SqliteStore } from "./sqlite-store.ts";

/**
 * Opens the store of a data directory.
 *
 * @param askAll - Gives the store everything again, once it has lost something.
 * @throws LodelineError with a `storage/` code.
 */
export function openStore(directory: string, logger: Logger, clock: Clock, askAll: () => void): SqliteStore {
  return new SqliteStore({ directory, clock, logger, askAll });
}

/** How secrets are kept: they are long and random, so that a plain hash gives nothing away. */
export function digestOf(secret: string): string {
  return createHash("sha256").update(secret).digest("base64url");
}

/** Says what a server goes on with. */
export function logRestored(hub: Hub, logger: Logger): void {
  const { links, rooms, participants, calls } = hub.status();
  logger.info("storage opened", { links, rooms, participants, calls });
}
