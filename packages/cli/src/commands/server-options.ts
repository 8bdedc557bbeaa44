import { resolve } from "node:path";
import { LIMITS } from "@lodeline/protocol";
import { defaultWorkerCount, type LogLevel } from "@lodeline/server";
import { listOption, numberOption, type OptionValues, wordOption } from "../arguments.ts";

/** Options that `dev` and `serve` share. */
export const SERVER_OPTIONS = {
  port: { type: "string" },
  host: { type: "string" },
  page: { type: "string" },
  data: { type: "string" },
  workers: { type: "string" },
  speakers: { type: "string" },
  "room-per-worker": { type: "string" },
  "media-address": { type: "string", multiple: true },
  "log-level": { type: "string" },
} as const;

/** What a TCP port may be; 0 takes a free one. */
export const PORT_RANGE = { least: 0, most: 65_535 } as const;

/** How many media workers there may be; 0 is the server's own thread. */
const WORKERS_RANGE = { least: 0, most: 256 } as const;

/** Of how many microphones of a room sound is forwarded; 0 is all. */
const SPEAKERS_RANGE = { least: 0, most: LIMITS.participantsPerRoom } as const;

const LEVELS: readonly LogLevel[] = ["error", "warn", "info", "debug", "trace", "silent"];

/** `--log-level`, `undefined` when it was not given. */
export function logLevelOption(values: OptionValues): LogLevel | undefined {
  return wordOption(values, "log-level", LEVELS);
}

/** Every `--media-address`, `undefined` when none was given: the server then offers all of its own. */
export function mediaAddresses(values: OptionValues): readonly string[] | undefined {
  const addresses = listOption(values, "media-address");
  return addresses.length > 0 ? addresses : undefined;
}

/**
 * `--workers`; without it one for each core but one, as far as each finds a port.
 *
 * @param ports - How many UDP ports there are for each address; `undefined` for as many as needed.
 */
export function workerCount(values: OptionValues, ports?: number): number {
  return numberOption(values, "workers", WORKERS_RANGE) ?? Math.min(defaultWorkerCount(), ports ?? Infinity);
}

/** `--speakers`: of how many microphones sound is forwarded; `undefined` for the default. */
export function speakerCount(values: OptionValues): number | undefined {
  return numberOption(values, "speakers", SPEAKERS_RANGE);
}

/** `--room-per-worker`, `undefined` when it was not given. */
export function roomPerWorker(values: OptionValues): number | undefined {
  return numberOption(values, "room-per-worker", { least: 1, most: 100_000 });
}

/** Where state is kept, `undefined` for nowhere. @param folder - The one that `--data` names, or the default. */
export function storageIn(folder: string | undefined): { readonly directory: string } | undefined {
  return folder === undefined ? undefined : { directory: resolve(folder) };
}
