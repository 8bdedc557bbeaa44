import type { UnbindCode } from "./room-effect.ts";
import type { Place } from "./room-state.ts";
import type { Turn } from "./turn.ts";

/** Reloads in a row of which none heard its answer, and after which the first token still works. */
export const MOST_EARLIER_TOKENS = 4;

/** Says to whoever holds the place that it does. @param again - It was said before; nothing has changed. */
export function tellJoined(turn: Turn, place: Place, again: boolean): void {
  turn.effects.push({
    kind: "joined",
    link: place.link,
    command: place.joinCommand,
    participant: place.participant,
    incarnation: place.incarnation,
    rejoinToken: place.rejoinToken,
    seq: turn.seq,
    room: turn.snapshot,
    rejoined: place.incarnation > 1 || place.kept !== undefined,
    kept: place.kept,
    again,
    session: place.media.session,
  });
  // An earlier incarnation had a table: the new one is told that it is empty, so that the revisions meet.
  if (place.slots.revision > 0) turn.tell(place.link, { type: "slots", to: place.participant, table: place.slots });
  if (again) turn.wholeLedger.add(place.participant);
}

/** Tells a link that it holds no place any more. One that left by itself need not be told. */
export function letGo(turn: Turn, place: Place, code: UnbindCode, reason: string): void {
  if (code !== "link/closed") turn.tell(place.link, { type: "removed", to: place.participant, code, reason });
  turn.effects.push({ kind: "unbind", link: place.link, participant: place.participant, code });
}
