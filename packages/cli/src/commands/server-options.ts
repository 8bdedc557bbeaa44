import { resolve } from "node:path";
import { LodelineError } from "@lodeline/base";
import { LIMITS } from "@lodeline/protocol";
import { defaultWorkerCount, type LogLevel, type MediaOptions } from "@lodeline/server";
import { listOption, numberOption, type OptionValues, textOption, wordOption } from "../arguments.ts";
import { loadMediaKeys } from "../keys.ts";

/** Options that `dev` and `serve` share. */
export const SERVER_OPTIONS = {
  port: { type: "string" },
  host: { type: "string" },
  page: { type: "string" },
  data: { type: "string" },
  workers: { type: "string" },
  speakers: { type: "string" },
  "room-per-worker": { type: "string" },
  media: { type: "string" },
  "media-key-file": { type: "string" },
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

/** Options that say where media runs in this process, and are `lodeline media`'s where it runs in that. */
const MEDIA_HERE = ["workers", "room-per-worker", "media-address", "media-ports"] as const;

/**
 * Where media runs: in this process as its options say, or in the one that `--media` names.
 *
 * @throws LodelineError `config/invalid` for options of both, `config/no-key` for `--media` without a key.
 */
export async function mediaOptions(values: OptionValues, environment: NodeJS.ProcessEnv): Promise<MediaOptions> {
  const address = textOption(values, "media");
  if (address === undefined) return mediaHere(values);
  const other = MEDIA_HERE.find((name) => values[name] !== undefined);
  if (other !== undefined) {
    const detail = `With --media, --${other} is an option of \`lodeline media\`.`;
    throw new LodelineError("config/invalid", { field: other, detail });
  }
  const [key] = await loadMediaKeys(values, "media-key-file", environment);
  if (!key) throw new LodelineError("config/no-key");
  return { process: { address, key } };
}

/** The options of media in this process. */
export function mediaHere(
  values: OptionValues,
): Pick<MediaOptions, "addresses" | "portRange" | "workers" | "roomPerWorker"> {
  const ports = portRange(textOption(values, "media-ports"));
  return {
    addresses: mediaAddresses(values),
    portRange: ports,
    roomPerWorker: roomPerWorker(values),
    workers: workerCount(values, ports && ports.last - ports.first + 1),
  };
}

/** Every `--media-address`, `undefined` when none was given: the server then offers all of its own. */
function mediaAddresses(values: OptionValues): readonly string[] | undefined {
  const addresses = listOption(values, "media-address");
  return addresses.length > 0 ? addresses : undefined;
}

/**
 * `--workers`; without it one for each core but one, as far as each finds a port.
 *
 * @param ports - How many UDP ports there are for each address; `undefined` for as many as needed.
 */
function workerCount(values: OptionValues, ports?: number): number {
  return numberOption(values, "workers", WORKERS_RANGE) ?? Math.min(defaultWorkerCount(), ports ?? Infinity);
}

/** `--speakers`: of how many microphones sound is forwarded; `undefined` for the default. */
export function speakerCount(values: OptionValues): number | undefined {
  return numberOption(values, "speakers", SPEAKERS_RANGE);
}

/** `--room-per-worker`, `undefined` when it was not given. */
function roomPerWorker(values: OptionValues): number | undefined {
  return numberOption(values, "room-per-worker", { least: 1, most: 100_000 });
}

/** Where state is kept, `undefined` for nowhere. @param folder - The one that `--data` names, or the default. */
export function storageIn(folder: string | undefined): { readonly directory: string } | undefined {
  return folder === undefined ? undefined : { directory: resolve(folder) };
}

function portRange(text: string | undefined): { first: number; last: number } | undefined {
  if (text === undefined) return undefined;
  const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  if (first !== undefined && last !== undefined) return { first: Number(first), last: Number(last) };
  throw new LodelineError("config/invalid", {
    field: "media-ports",
    detail: "--media-ports is a range like 40000-40999.",
  });
}
