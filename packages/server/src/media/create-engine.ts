import type { Clock } from "@lodeline/base";
import { createLocalEngine, type Engine, hostAddresses, type LocalEngineOptions } from "@lodeline/workers";
import type { Settings } from "../settings.ts";

/**
 * Makes the media engine that the settings name.
 *
 * @param announce - What clients are told in place of a media socket's own address.
 * @returns The caller's to close.
 */
export function createEngine(settings: Settings, clock: Clock, announce: LocalEngineOptions["announce"]): Engine {
  const { logger, random, media } = settings;
  return createLocalEngine({
    clock,
    random,
    logger,
    addresses: media.addresses ?? hostAddresses(),
    announce,
    portRange: media.portRange && { min: media.portRange.first, max: media.portRange.last },
  });
}
