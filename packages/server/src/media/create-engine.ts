import type { Clock, Logger, Random } from "@lodeline/base";
import {
  createEnginePool,
  createLocalEngine,
  dialMedia,
  type Engine,
  hostAddresses,
  type LocalEngineOptions,
  parseMediaAddress,
  startWorker,
} from "@lodeline/workers";
import type { MediaOptions } from "../server-options.ts";

/** Participants of one room that one worker takes, where nobody says how many. */
const ROOM_PER_WORKER = 100;

/** What an engine is made with. */
export interface EngineSettings {
  readonly logger: Logger;
  readonly random: Random;
  readonly media: MediaOptions;
}

/** The engine of a server, and what tests and faults may do to it. */
export interface ServerEngine {
  /** The caller's to close. */
  readonly engine: Engine;
  /**
   * Makes one worker die, as a crash would; another takes its place.
   *
   * @param worker - From 0.
   * @returns Whether there is such a worker.
   */
  kill(worker: number): boolean;
}

/**
 * Makes the media engine that the settings name: in worker threads, in this one, or in a process of its own.
 *
 * @param announce - What clients are told in place of a media socket's own address.
 */
export function createEngine(
  settings: EngineSettings,
  clock: Clock,
  announce: LocalEngineOptions["announce"],
): ServerEngine {
  const { logger, random, media } = settings;
  if (media.process) {
    const { key } = media.process;
    const address = parseMediaAddress(media.process.address, "media.process");
    const dial = () => dialMedia({ address, key, clock, random, logger, announce });
    // A pool of one: it tells what was lost as closed, and dials again, later and later.
    return { engine: createEnginePool({ clock, logger, random, makers: [dial] }), kill: () => false };
  }
  const portRange = media.portRange && { min: media.portRange.first, max: media.portRange.last };
  const addresses = media.addresses ?? hostAddresses();
  const count = media.workers ?? 0;
  if (count === 0) {
    const engine = createLocalEngine({ clock, random, logger, addresses, announce, portRange });
    return { engine, kill: () => false };
  }
  const worker = { addresses, portRange, announces: announce !== undefined };
  const make = () => startWorker(worker, { clock, logger, announce });
  const { roomPerWorker: roomLimit = ROOM_PER_WORKER } = media;
  const pool = createEnginePool({
    clock,
    logger,
    random,
    roomLimit,
    makers: Array.from({ length: count }, () => make),
  });
  return { engine: pool, kill: (index) => pool.kill(index) };
}
