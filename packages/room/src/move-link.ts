import { admitSources, sameSources } from "./media-state.ts";
import { renewPair } from "./pairs.ts";
import { letGo, MOST_EARLIER_TOKENS, tellJoined } from "./place-words.ts";
import type { JoinInput } from "./room-input.ts";
import type { Place } from "./room-state.ts";
import { renewWindow, restartReplay } from "./standing.ts";
import { syncPublisher } from "./subscriptions.ts";
import type { Turn } from "./turn.ts";

/**
 * Which of the media sessions that work at a page's end live here too.
 *
 * @returns `undefined` where the place has to begin anew: its one session with the sfu is gone.
 */
export function keptSessions(turn: Turn, place: Place, keeps: readonly string[]): readonly string[] | undefined {
  if (turn.config.topology === "sfu") {
    const { session, state } = place.media;
    const lives = session !== undefined && state !== "closed" && state !== "failed";
    return lives && keeps.includes(session) ? [session] : undefined;
  }
  return pairsOf(turn, place.participant).flatMap(({ session }) => (keeps.includes(session) ? [session] : []));
}

/**
 * The same page has a new link and nothing else is new: its incarnation, its sessions, its slots and all that is known
 * of its rows stay. Only a pair that its end does not know any more is renewed.
 */
export function moveLink(turn: Turn, input: JoinInput, place: Place, kept: readonly string[]): void {
  const { participant } = place;
  const info = turn.info(participant);
  if (!info) return;
  if (place.link !== input.link) letGo(turn, place, "room/replaced", "The same participant has a new link.");
  const { now } = turn;
  turn.patchPlace(participant, {
    link: input.link,
    linkLostAt: undefined,
    byeAt: undefined,
    rejoinToken: input.fresh.rejoinToken,
    earlierTokens: [place.rejoinToken, ...place.earlierTokens].slice(0, MOST_EARLIER_TOKENS),
    joinCommand: input.command,
    kept,
    slotsToldAt: now,
    ledgerToldAt: now,
    eventsToldAt: now,
  });
  if (info.presence === "suspect") turn.event({ kind: "presence", participant, presence: "connected" }, participant);
  const sources = admitSources(input.sources, info.media.sources, info.role);
  if (!sameSources(sources, info.media.sources)) {
    const media = { revision: info.media.revision + 1, sources };
    turn.event({ kind: "media-state", participant, media }, participant);
  }
  for (const { a, b, session } of pairsOf(turn, participant)) {
    if (!kept.includes(session)) renewPair(turn, a, b, "one end has lost it", participant);
  }
  const present = turn.place(participant);
  if (present) tellJoined(turn, present, false);
  // Only now: a repair that is asked of a link before its `joined` is not for the place that the link will have.
  syncPublisher(turn, participant);
  turn.wholeLedger.add(participant);
  for (const row of Object.values(turn.place(participant)?.rows ?? {})) {
    if (row.standing === "pending") renewWindow(turn, row);
    if (row.standing === "missing") restartReplay(turn, row);
  }
}

function pairsOf(turn: Turn, participant: string) {
  return Object.values(turn.pairs).flatMap(({ pair }) =>
    pair.a === participant || pair.b === participant ? [pair] : [],
  );
}
