import type { Clock } from "@lodeline/base";
import {
  createEnginePool,
  createLocalEngine,
  type Engine,
  hostAddresses,
  type LocalEngineOptions,
  startWorker,
} from "@lodeline/workers";
import type { Settings } from "../settings.ts";

/** Participants of one room that one worker takes, where nobody says how many. */
const ROOM_PER_WORKER = 100;

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
 * Makes the media engine that the settings name: in worker threads, or in this one.
 *
 * @param announce - What clients are told in place of a media socket's own address.
 */
export function createEngine(settings: Settings, clock: Clock, announce: LocalEngineOptions["announce"]): ServerEngine {
  const { logger, random, media } = settings;
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
