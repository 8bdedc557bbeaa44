import type { Place } from "./room-state.ts";
import type { Turn } from "./turn.ts";

/** Best for text: a third of the bits of VP8, and sharp letters at once. */
const BEST = "av1";

/**
 * The codec for the text of a place's screen, while it shows one: the best one where it and all who are connected have offered
 * it. Nobody is asked who has no connection yet; what it offers then counts at once. `undefined`: the one negotiated, which
 * everybody has.
 */
export function screenCodec(turn: Turn, place: Place): typeof BEST | undefined {
  if (turn.info(place.participant)?.media.sources.screen.intent !== "live") return undefined;
  if (!place.media.videoCodecs.includes(BEST)) return undefined;
  const others = Object.values(turn.places).filter(({ media }) => media.receives.length > 0);
  return others.every(({ media }) => media.videoCodecs.includes(BEST)) ? BEST : undefined;
}

/** Has everybody told whose screen is to be sent in another codec now. */
export function settleScreens(turn: Turn): void {
  if (turn.config.topology === "mesh") return;
  for (const place of Object.values(turn.places)) {
    if (place.slots.screen !== screenCodec(turn, place)) turn.unsettled.add(place.participant);
  }
}
