import { type Clock, type Logger, toLodelineError } from "@lodeline/base";
import type { Hub } from "@lodeline/hub";
import type { FastifyInstance } from "fastify";
import type { Gateway } from "./link/gateway.ts";
import type { CloseOptions, CloseReport, ServerStatus } from "./lodeline-server.ts";
import type { MediaHost } from "./media/media-host.ts";
import type { SqliteStore } from "./storage/sqlite-store.ts";

/** What a shutdown ends. */
export interface ShutdownParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly app: FastifyInstance;
  readonly gateway: Gateway;
  readonly hub: Hub;
  readonly media: MediaHost;
  readonly store: SqliteStore | undefined;
}

/** The way down, in order, each part within what is left of the time. */
export interface Shutdown {
  readonly state: ServerStatus["state"];
  close(options?: CloseOptions): Promise<CloseReport>;
}

const DEFAULT_TIMEOUT_MS = 3_000;
/** Kept back from the links' share, so that media and HTTP still end properly when some client does not answer. */
const AFTER_LINKS_MS = 500;

/** Makes the {@link Shutdown} of one server. Its `close` runs once; later calls get the same report. */
export function createShutdown(parts: ShutdownParts): Shutdown {
  let state: ServerStatus["state"] = "ready";
  let closing: Promise<CloseReport> | undefined;
  const run = async ({ timeoutMs = DEFAULT_TIMEOUT_MS, keep, onProgress }: CloseOptions): Promise<CloseReport> => {
    const { clock, logger } = parts;
    const startedAt = clock.now();
    state = "draining";
    const keeps = keep === true && parts.store !== undefined;
    logger.info(keeps ? "server stopping, rooms are kept" : "server draining", { timeoutMs });
    const hung = await end(parts, keeps, startedAt + timeoutMs, onProgress ?? (() => {}));
    state = "closed";
    const durationMs = clock.now() - startedAt;
    if (hung.length > 0) logger.warn("server closed late", { durationMs, hung: hung.join("; ") });
    else logger.info("server closed", { durationMs });
    return { durationMs, hung };
  };
  return {
    get state() {
      return state;
    },
    close: (options = {}) => {
      closing ??= run(options);
      return closing;
    },
  };
}

async function end(
  parts: ShutdownParts,
  keeps: boolean,
  deadline: number,
  progress: (what: string) => void,
): Promise<readonly string[]> {
  const { clock, gateway, hub, media, app, store } = parts;
  const hung: string[] = [];
  const within = async (what: () => string, by: number, work: Promise<unknown>) => {
    progress(what());
    const outcome = await beforeDeadline(clock, by, work);
    if (outcome !== undefined) hung.push(`${what()}: ${outcome}`);
  };
  gateway.stopAccepting();
  if (keeps) {
    store?.flush();
    // From here on nothing changes any more: what ends now, ends in this process alone.
    hub[Symbol.dispose]();
    store?.[Symbol.dispose]();
    gateway.terminate();
    await within(() => `${media.transportCount} media transports`, deadline, media.close());
    await within(() => "HTTP", deadline, app.close());
    return hung;
  }
  // Said before it is done: a room that hangs does so inside `drain`.
  progress(roomsInWords(hub));
  hub.drain("The server is shutting down.");
  await within(() => `${gateway.socketCount} sockets`, deadline - AFTER_LINKS_MS, gateway.emptied());
  gateway.terminate();
  await within(() => `${media.transportCount} media transports`, deadline, media.close());
  store?.flush();
  hub[Symbol.dispose]();
  store?.[Symbol.dispose]();
  await within(() => "HTTP", deadline, app.close());
  return hung;
}

function roomsInWords(hub: Hub): string {
  const names = hub.rooms().map(({ room }) => room);
  if (names.length === 0) return "the hub, with no room";
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5
    ? `rooms ${shown} and ${names.length - 5} more`
    : `${names.length > 1 ? "rooms" : "room"} ${shown}`;
}

/** @returns `undefined` when `work` ended well and in time, else what happened, in words. */
async function beforeDeadline(clock: Clock, deadline: number, work: Promise<unknown>): Promise<string | undefined> {
  let timer: Disposable | undefined;
  const late = new Promise<string>((resolve) => {
    timer = clock.at(deadline, () => resolve("not in time"));
  });
  const outcome = work.then(
    () => undefined,
    (error: unknown) => toLodelineError(error).message,
  );
  try {
    return await Promise.race([outcome, late]);
  } finally {
    timer?.[Symbol.dispose]();
  }
}
