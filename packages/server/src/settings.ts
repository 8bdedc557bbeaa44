import { cryptoRandom, LodelineError, type Logger, type Random, silentLogger } from "@lodeline/base";
import { DEFAULT_TIMERS, LIMITS, type Timers } from "@lodeline/protocol";
import { parseMediaAddress } from "@lodeline/workers";
import { createSigningKey, type SigningKey } from "./auth/signing-key.ts";
import { isLoopbackHost } from "./http/origin-policy.ts";
import type { MediaOptions, ServerOptions } from "./server-options.ts";

/** {@link ServerOptions} with every default filled in and everything checked. */
export interface Settings {
  readonly open: boolean;
  readonly keys: readonly SigningKey[];
  readonly host: string;
  readonly port: number;
  readonly origins: readonly string[];
  readonly pageDirectory: string | undefined;
  readonly timers: Timers;
  readonly rate: ServerOptions["rate"];
  readonly loudestSpeakers: number | undefined;
  readonly media: MediaOptions;
  readonly storage: ServerOptions["storage"];
  readonly logger: Logger;
  readonly faults: boolean | "network";
  readonly kill: ServerOptions["kill"];
  readonly random: Random;
}

/** The port that nobody chose. */
const DEFAULT_PORT = 7880;

/**
 * Fills in defaults and refuses what must not run.
 *
 * @throws LodelineError `config/no-key` without a key on a server that is not open; `config/invalid` with `field` for an
 * open server that others could reach, for faults on a server that is not open, and for values out of range.
 */
export function resolveSettings(options: ServerOptions): Settings {
  const random = cryptoRandom((into) => crypto.getRandomValues(into));
  const open = options.access.kind === "open";
  const host = options.host ?? "127.0.0.1";
  const keys = options.access.keys ?? [];
  checkAccess(options, open, host, keys);
  checkNumbers(options);
  return {
    open,
    keys: keys.length > 0 ? keys : [createSigningKey(random)],
    host,
    port: options.port ?? DEFAULT_PORT,
    origins: options.origins ?? [],
    pageDirectory: options.pageDirectory,
    timers: { ...DEFAULT_TIMERS, ...options.timers },
    rate: options.rate,
    loudestSpeakers: options.loudestSpeakers,
    media: options.media ?? {},
    storage: options.storage,
    logger: options.logger ?? silentLogger,
    faults: options.faults ?? false,
    kill: options.kill,
    random,
  };
}

function checkAccess(options: ServerOptions, open: boolean, host: string, keys: readonly SigningKey[]): void {
  if (!open && keys.length === 0) throw new LodelineError("config/no-key");
  if (open && !isLoopbackHost(host)) {
    const detail = `An open server lets everybody in, so it listens on loopback alone, not on ${host}.`;
    throw new LodelineError("config/invalid", { field: "host", detail });
  }
  if (options.faults && !open) {
    const detail = "Faults can be injected into an open server only.";
    throw new LodelineError("config/invalid", { field: "faults", detail });
  }
}

function checkNumbers(options: ServerOptions): void {
  const { port = DEFAULT_PORT, timers = {}, media } = options;
  if (!isPort(port)) throw unfit("port", "A port is a whole number from 0 to 65535.");
  for (const [name, valueMs] of Object.entries(timers)) {
    if (!Number.isFinite(valueMs) || valueMs <= 0) throw unfit(`timers.${name}`, "A timer is a positive number of ms.");
  }
  checkMedia(media ?? {});
  const { loudestSpeakers = 0 } = options;
  if (!Number.isInteger(loudestSpeakers) || loudestSpeakers < 0 || loudestSpeakers > LIMITS.participantsPerRoom) {
    throw unfit("loudestSpeakers", `Forwarded speakers are a whole number from 0 to ${LIMITS.participantsPerRoom}.`);
  }
}

/** @throws LodelineError `config/invalid` with `field` for media options that are unfit. */
export function checkMedia(media: MediaOptions): void {
  const { portRange: range, workers = 0, roomPerWorker = 1 } = media;
  if (range && !(isPort(range.first) && isPort(range.last) && range.first > 0 && range.first <= range.last)) {
    throw unfit("media.portRange", "A port range goes from a lower port to a higher one, both from 1 to 65535.");
  }
  checkWorkers(workers, range);
  if (!Number.isInteger(roomPerWorker) || roomPerWorker < 1) {
    throw unfit("media.roomPerWorker", "A worker takes a whole number of a room's participants, at least 1.");
  }
  checkProcess(media);
}

/** More than this many threads help nobody. */
const WORKERS_LIMIT = 256;

function checkWorkers(workers: number, range: MediaOptions["portRange"]): void {
  if (!Number.isInteger(workers) || workers < 0 || workers > WORKERS_LIMIT) {
    throw unfit("media.workers", `The number of media workers is a whole number from 0 to ${WORKERS_LIMIT}.`);
  }
  if (range && range.last - range.first + 1 < workers) {
    throw unfit("media.portRange", `${workers} media workers need as many ports: each has its own.`);
  }
}

/** What a media process chooses by itself is not chosen here. */
function checkProcess(media: MediaOptions): void {
  if (!media.process) return;
  parseMediaAddress(media.process.address, "media.process");
  for (const name of ["addresses", "portRange", "workers", "roomPerWorker"] as const) {
    if (media[name] === undefined) continue;
    throw unfit(`media.${name}`, `With a media process apart, "${name}" is that process's to choose.`);
  }
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 0 && port <= 65_535;
}

function unfit(field: string, detail: string): LodelineError {
  return new LodelineError("config/invalid", { field, detail });
}
