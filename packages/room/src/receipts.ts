import { type PublishedReceipt, parsePublicationId, type ReceivedReceipt } from "@lodeline/protocol";
import { oneReached } from "./encodings.ts";
import { assertFact, isPaused } from "./fact.ts";
import { notePairReceived, notePairTransport, pairsMatter, refreshPairRows } from "./pairs.ts";
import { isDigested } from "./rejoin-token.ts";
import type { RoomInput, RoomMessage } from "./room-input.ts";
import type { Place, Published, RoomState, Row } from "./room-state.ts";
import { couldFlow, declareMissing, refreshRow, restartRow } from "./standing.ts";
import { tellView } from "./subscriptions.ts";
import type { Turn } from "./turn.ts";

type Receipt = Extract<RoomMessage, { type: "receipt" }>;
type ReplayRequest = Extract<RoomMessage, { type: "replay-request" }>;
type MediaFacts = Extract<RoomInput, { kind: "media-facts" }>;

/** What a participant has been told, by its own word. */
interface Heard {
  readonly seen: number;
  readonly slots: number;
  readonly ledger: number;
}

/** Whether a receipt says anything new. Most say nothing; those must cost nothing. */
export function receiptMatters(state: RoomState, place: Place, receipt: Receipt): boolean {
  if (receipt.incarnation !== place.incarnation) return false;
  if (receipt.seen < state.seq || receipt.slots < place.slots.revision) return true;
  if (receipt.ledger < place.ledgerRevision) return true;
  if (place.earlierTokens.some((token) => !isDigested(token))) return true;
  for (const one of receipt.published) {
    const known = place.published[one.source];
    if (known && (known.captured.value !== one.captured || known.saysSent !== one.sent)) return true;
  }
  for (const one of receipt.received) {
    const row = rowOf(place, one.publication);
    if (row && (row.received.value !== one.received || row.unreadable !== one.unreadable)) return true;
  }
  return receipt.pairs !== undefined && pairsMatter(state, place.participant, receipt.pairs);
}

/**
 * Who has heard of this incarnation has its token. One that is known by its digest alone stays: after a restart the same
 * join is answered with a new token, and which of the two was heard is not known.
 */
function forgetTokens(turn: Turn, place: Place): void {
  const earlierTokens = place.earlierTokens.filter(isDigested);
  if (earlierTokens.length < place.earlierTokens.length) turn.patchPlace(place.participant, { earlierTokens });
}

/** A participant's own word about what it sends, receives and has been told; one that {@link receiptMatters}. */
export function receive(turn: Turn, place: Place, receipt: Receipt): void {
  forgetTokens(turn, place);
  for (const one of receipt.published) notePublished(turn, place.participant, one);
  for (const one of receipt.received) noteReceived(turn, place.participant, one, receipt.seen);
  for (const one of receipt.pairs ?? []) notePairTransport(turn, place.participant, one);
  tellMissed(turn, place.participant, receipt, receipt.ask === true);
}

/** A receiver misses a publication: what it has not heard is told again, and if that is not it, a replay begins. */
export function replayRequest(turn: Turn, place: Place, request: ReplayRequest): void {
  const { participant } = place;
  if (!parsePublicationId(request.publication)) {
    turn.tell(place.link, {
      type: "error",
      code: "room/unknown-publication",
      reason: "A publication is named `<participant>:<source>`.",
      field: "publication",
    });
    return;
  }
  const row = turn.row(participant, request.publication);
  // It asks for what it should not have: the ledger, whole, says so.
  if (!row?.intended.value) turn.wholeLedger.add(participant);
  tellMissed(turn, participant, { ...request, ledger: place.ledgerRevision }, true);
  if (!row?.intended.value) return;
  // It comes, and it is the key that is missing: nothing the room could do.
  if (row.unreadable) return;
  noteReceived(turn, participant, { publication: request.publication, received: false, count: 0 }, request.seen);
  const now = turn.row(participant, request.publication);
  // Before media could flow, a receiver's impatience is no sign of a fault.
  if (now?.standing === "pending" && couldFlow(turn, now)) declareMissing(turn, now, undefined);
}

/** What the media plane sees. */
export function mediaFacts(turn: Turn, input: MediaFacts): void {
  for (const { publication, arriving, one, held } of input.publications) {
    const parsed = parsePublicationId(publication);
    if (parsed && one !== undefined) oneReached(turn, parsed.participant, one);
    const known = parsed && turn.published(parsed.participant, parsed.source);
    if (!known || (known.arriving === arriving && known.held === held)) continue;
    putPublished(turn, parsed.participant, parsed.source, { ...known, arriving, held });
  }
  for (const { subscription, forwarded, layer } of input.subscriptions) {
    const split = subscription.lastIndexOf(">");
    const row = turn.row(subscription.slice(split + 1), subscription.slice(0, Math.max(split, 0)));
    // A late word about a forwarder that is detached already must not make it look alive.
    if (!row || (row.forwarded.value === forwarded && sameLayer(row.layer, layer)) || !(row.attached || !forwarded))
      continue;
    const next = {
      ...row,
      forwarded: assertFact(row.forwarded, forwarded, turn.wall),
      layer: row.attached ? layer : undefined,
    };
    turn.putRow(next, concernsParties(row));
    // Let in or kept back: a new expectation either way.
    if (isPaused(next) !== isPaused(row)) restartRow(turn, next, "kept");
    refreshRow(turn, row.to, row.publication);
  }
}

function sameLayer(one: Row["layer"], other: Row["layer"]): boolean {
  return one?.rid === other?.rid && one?.reason === other?.reason && one?.waiting === other?.waiting;
}

/**
 * Whether a fact of a row is news to its parties. How far something gets that is not expected is told when it is expected
 * again, with the rest of its row: else every mute would be told to everybody who does not watch it, several times.
 */
function concernsParties(row: Row): boolean {
  return row.intended.value;
}

function notePublished(turn: Turn, participant: string, said: PublishedReceipt): void {
  const known = turn.published(participant, said.source);
  if (!known || (known.captured.value === said.captured && known.saysSent === said.sent)) return;
  const captured = assertFact(known.captured, said.captured, turn.wall);
  putPublished(turn, participant, said.source, { ...known, captured, saysSent: said.sent });
}

function putPublished(turn: Turn, participant: string, source: keyof Place["published"], next: Published): void {
  const place = turn.place(participant);
  const known = place?.published[source];
  if (!place || !known) return;
  // What arrives was sent, whatever the sender has said so far.
  const sent = assertFact(known.sent, next.saysSent || next.arriving === true, turn.wall);
  turn.patchPlace(participant, { published: { ...place.published, [source]: { ...next, sent } } });
  if (next.arriving && !known.arriving) refreshTransport(turn, participant);
  const told = sent !== known.sent || next.captured !== known.captured || next.held !== known.held;
  const turned = (next.held === undefined) !== (known.held === undefined);
  for (const row of turn.rowsFrom(participant)) {
    if (row.source !== source) continue;
    // Let in or kept back: a new expectation either way. What was received before says nothing about it.
    if (turned) restartRow(turn, row, "kept");
    if (told && concernsParties(row)) turn.markRow(row);
    refreshRow(turn, row.to, row.publication);
  }
}

function noteReceived(turn: Turn, to: string, said: ReceivedReceipt, seen: number): void {
  const row = noteUnreadable(turn, to, said);
  if (!row || row.received.value === said.received) return;
  // Who has not heard of the event that began this row speaks of an earlier session.
  if (said.received && row.announced > seen) return;
  turn.putRow({ ...row, received: assertFact(row.received, said.received, turn.wall) }, concernsParties(row));
  refreshRow(turn, to, said.publication);
  if (turn.config.topology === "sfu") {
    if (said.received) refreshTransport(turn, to);
    return;
  }
  if (said.received) notePairReceived(turn, row.from, to);
  // The last of several to stop makes it the path that is broken, for all of them; the first to come back clears it.
  refreshPairRows(turn, row.from, to);
}

/** A receiver cannot read what comes, or asks for it anew: forwarding follows, and no repair is begun. */
function noteUnreadable(turn: Turn, to: string, said: ReceivedReceipt): Row | undefined {
  const row = turn.row(to, said.publication);
  if (!row || row.unreadable === said.unreadable) return row;
  const { unreadable } = said;
  const anew = unreadable === undefined && row.standing === "missing";
  turn.putRow({ ...row, unreadable, ...(anew ? { standing: "pending", since: turn.now } : {}) });
  tellView(turn, to, said.publication);
  refreshRow(turn, to, said.publication);
  return turn.row(to, said.publication);
}

/** sfu: a connection has shown that it carries something. What was put down to the whole of it is looked at anew. */
function refreshTransport(turn: Turn, participant: string): void {
  const rows = [...Object.values(turn.place(participant)?.rows ?? {}), ...turn.rowsFrom(participant)];
  for (const { replay, to, publication } of rows) {
    if (replay?.hop === "receiver-transport" || replay?.hop === "sender-transport") refreshRow(turn, to, publication);
  }
}

/**
 * Tells again exactly what a participant has not heard. A message younger than the grace may be under way still, unless
 * the participant itself knows that it misses something. Rows that this loss explains are missing from now on.
 */
function tellMissed(turn: Turn, participant: string, heard: Heard, asks: boolean): void {
  const place = turn.place(participant);
  if (!place) return;
  const overdue = (toldAt: number) => asks || turn.now - toldAt >= turn.config.settings.tellGraceMs;
  const events = heard.seen < turn.seq && overdue(Math.max(toldAtOf(turn, heard.seen + 1), place.eventsToldAt));
  const slots = heard.slots < place.slots.revision && overdue(place.slotsToldAt);
  if (events) tellEvents(turn, place, heard.seen);
  if (slots) {
    turn.tell(place.link, { type: "slots", to: participant, table: place.slots });
    turn.patchPlace(participant, { slotsToldAt: turn.now });
  }
  if (heard.ledger < place.ledgerRevision && overdue(place.ledgerToldAt)) turn.wholeLedger.add(participant);
  if (!events && !slots) return;
  for (const row of Object.values(turn.place(participant)?.rows ?? {})) {
    if (row.standing === "pending" && (slots || row.announced > heard.seen)) declareMissing(turn, row, "told");
  }
}

/** When the event of this number was told; long ago if it has left the tail. */
function toldAtOf(turn: Turn, seq: number): number {
  const first = turn.tail[0]?.event.seq;
  if (first === undefined || seq < first) return Number.NEGATIVE_INFINITY;
  return turn.tail[seq - first]?.toldAt ?? Number.NEGATIVE_INFINITY;
}

function tellEvents(turn: Turn, place: Place, seen: number): void {
  const first = turn.tail[0]?.event.seq ?? turn.seq + 1;
  if (seen + 1 < first) {
    const why = "More events were missed than are kept.";
    turn.tell(place.link, { type: "room-state", seq: turn.seq, room: turn.snapshot, why });
  } else {
    const events = turn.tail.slice(seen + 1 - first).map((one) => one.event);
    turn.tell(place.link, { type: "room-event", room: turn.config.room, events });
  }
  turn.patchPlace(place.participant, { eventsToldAt: turn.now });
}

function rowOf(place: Place, publication: string): Row | undefined {
  return Object.hasOwn(place.rows, publication) ? place.rows[publication] : undefined;
}
