import type { HeldBack, RoomSnapshot, Standing, Unreadable } from "@lodeline/protocol";
import { parsePublicationId } from "@lodeline/protocol";
import type { StandingWords } from "./participant-events.ts";

/**
 * What a tile says of one publication: the room's media state decides whether there is anything to be had at all, the
 * standing how far it has come, and what cannot be decrypted says so.
 *
 * @param room - As the participant sees it.
 * @param standing - Of another's publication: whether it is received here. Of an own one: the worst of all receivers.
 * @param more - Why it cannot be read here; and whether the room keeps it back: then nothing is missing, and who is silent
 * lacks nothing.
 */
export function wordsFor(
  room: RoomSnapshot | undefined,
  publication: string,
  standing: Standing,
  more: { readonly held?: HeldBack | undefined; readonly unreadable?: Unreadable | undefined } = {},
): StandingWords {
  const parsed = parsePublicationId(publication);
  const owner = parsed && room?.participants.find((participant) => participant.id === parsed.participant);
  const state = parsed && owner?.media.sources[parsed.source];
  if (!state || state.intent === "unpublished") return "never sent";
  if (state.mutedBy !== null) return "muted by a moderator";
  if (state.intent === "muted") return "muted by them";
  if (more.unreadable) return UNREADABLE_WORDS[more.unreadable];
  if (more.held) return HELD_WORDS[more.held] ?? "live";
  return STANDING_WORDS[standing];
}

/** Who is silent lacks nothing. */
const HELD_WORDS: Readonly<Partial<Record<HeldBack, StandingWords>>> = {
  speaking: "speaking, not forwarded",
  bandwidth: "paused: bandwidth",
};

const UNREADABLE_WORDS: Readonly<Record<Unreadable, StandingWords>> = {
  "missing-key": "encrypted: no key",
  failed: "encrypted: wrong key",
};

const STANDING_WORDS: Readonly<Record<Standing, StandingWords>> = {
  off: "connecting",
  pending: "connecting",
  received: "live",
  missing: "missing: asking again",
};

/** The worst of several standings: what an own tile shows. Alone in the room, what is live is live. */
export function worstOf(standings: readonly Standing[]): Standing {
  for (const one of ["missing", "pending"] as const) if (standings.includes(one)) return one;
  return "received";
}
