import {
  kindOf,
  type Pair,
  publicationId,
  type RoomSnapshot,
  type ServerMessage,
  SOURCES,
  subscriptionId,
  type TrackKind,
} from "@lodeline/protocol";
import { applyEvent } from "./apply-event.ts";
import { takeNewerWord } from "./member-commands.ts";
import { ask, correct, forgetObserved } from "./member-receipts.ts";
import type { MemberTurn } from "./member-turn.ts";
import type { Expected, Mirror } from "./member-types.ts";

type Told<T extends ServerMessage["type"]> = Extract<ServerMessage, { type: T }>;

/** Applies events in order. One that is known already changes nothing; one too many ahead means a gap, which is asked for. */
export function applyEvents(turn: MemberTurn, { room, events }: Told<"room-event">): void {
  const { mirror } = turn;
  if (!mirror || mirror.room.room !== room) return;
  let { seq, room: snapshot } = mirror;
  let gap = false;
  for (const { seq: at, event } of events) {
    if (at === seq + 1) {
      snapshot = applyEvent(snapshot, event);
      seq = at;
    } else if (at > seq) gap = true;
  }
  if (seq !== mirror.seq) setRoom(turn, snapshot, seq);
  if (gap) ask(turn);
}

/** The room, whole: more was missed than the server keeps. */
export function applyState(turn: MemberTurn, { seq, room }: Told<"room-state">): void {
  const { mirror } = turn;
  if (mirror && room.room === mirror.room.room && seq >= mirror.seq) setRoom(turn, room, seq);
}

/** Revisions count for each place: what was said to an earlier one, and came late, must not pass for newer. */
export function isFor(mirror: Mirror | undefined, to: string | undefined): mirror is Mirror {
  return mirror !== undefined && (to ?? mirror.participant) === mirror.participant;
}

/** A slot table is whole: the newest one holds. */
export function applySlots(turn: MemberTurn, { to, table }: Told<"slots">): void {
  const { mirror } = turn;
  if (!isFor(mirror, to) || table.revision <= mirror.slots.revision) return;
  turn.patchMirror({ slots: table });
  turn.push({ kind: "slots", table });
  turn.changed("slots");
  const known = publicationsOf(mirror.room);
  if (table.slots.some(({ publication }) => publication !== null && !known.has(publication))) ask(turn);
}

/** Rows are absolute, so a late one does no harm; a gap in the revisions is asked for. */
export function applyLedger(turn: MemberTurn, message: Told<"ledger">): void {
  const { mirror } = turn;
  if (!isFor(mirror, message.to) || message.revision <= mirror.ledgerRevision) return;
  const ledger = message.whole ? {} : { ...mirror.ledger };
  for (const row of message.rows) ledger[row.subscription] = row;
  for (const subscription of message.removed) delete ledger[subscription];
  const complete = message.whole || message.revision === mirror.ledgerRevision + 1;
  turn.patchMirror({ ledger, ledgerRevision: complete ? message.revision : mirror.ledgerRevision });
  turn.changed("ledger");
  compareExpected(turn);
  const known = publicationsOf(mirror.room);
  // Its event should have come first.
  const unheard = message.rows.some((row) => row.to === mirror.participant && !known.has(row.publication));
  if (!complete || unheard) ask(turn);
  else correct(turn, message.rows);
}

/** Takes a newer room for the mirror's and says what that changes: pairs, expectations, slots needed. */
export function setRoom(turn: MemberTurn, room: RoomSnapshot, seq: number): void {
  const { mirror } = turn;
  if (!mirror) return;
  turn.patchMirror({ room, seq });
  turn.changed("room");
  comparePairs(turn, mirror.room, room, mirror.participant);
  compareExpected(turn);
  takeNewerWord(turn);
}

/** Says which pairs are over and which begin, between two rooms as this participant knew them. */
export function comparePairs(
  turn: MemberTurn,
  before: RoomSnapshot | undefined,
  room: RoomSnapshot,
  self: string,
): void {
  const mine = (pairs: readonly Pair[] | undefined) => (pairs ?? []).filter((one) => one.a === self || one.b === self);
  const now = mine(room.pairs);
  const kept = new Set(now.map((one) => one.session));
  const earlier = mine(before?.pairs);
  for (const pair of earlier) {
    if (kept.has(pair.session)) continue;
    const remote = otherOf(pair, self);
    const stays = room.participants.some((one) => one.id === remote);
    turn.push({ kind: "pair-over", remote, session: pair.session, reason: stays ? "renewed" : "left" });
  }
  const known = new Set(earlier.map((one) => one.session));
  for (const pair of now) {
    if (known.has(pair.session)) continue;
    const role = pair.initiatorId === self ? "offerer" : "answerer";
    turn.push({ kind: "pair", pair, remote: otherOf(pair, self), role });
  }
}

/** Says which publications should be received from now on and which no longer. */
export function compareExpected(turn: MemberTurn): void {
  const { mirror } = turn;
  if (!mirror) return;
  const hidden = new Set(turn.state.views.filter((one) => !one.visible).map((one) => one.publication));
  const expected: Record<string, Mirror["expected"][string]> = {};
  for (const { id, media, incarnation } of mirror.room.participants) {
    if (id === mirror.participant) continue;
    const term = termOf(mirror, id, incarnation);
    for (const source of SOURCES) {
      const publication = publicationId(id, source);
      if (media.sources[source].intent === "live" && !hidden.has(publication)) {
        const held = mirror.ledger[subscriptionId(publication, mirror.participant)]?.held !== undefined;
        expected[publication] = { track: kindOf(source), term, held };
      }
    }
  }
  let same = true;
  for (const publication of Object.keys(mirror.expected)) {
    if (sameExpected(expected[publication], mirror.expected[publication])) continue;
    same = false;
    if (mirror.expected[publication]?.held) continue;
    turn.push({ kind: "forget", publication });
    forgetObserved(turn, publication);
  }
  for (const [publication, wanted] of Object.entries(expected)) {
    if (sameExpected(wanted, mirror.expected[publication])) continue;
    same = false;
    if (!wanted.held) turn.push({ kind: "expect", publication, track: wanted.track });
  }
  if (!same) turn.patchMirror({ expected });
  if (mirror.room.topology === "sfu") compareSlots(turn);
}

function sameExpected(one: Expected | undefined, other: Expected | undefined): boolean {
  return one?.term === other?.term && one?.held === other?.held;
}

/** What carries a publication here: the pair's session, or the sfu sessions of both. */
function termOf(mirror: Mirror, from: string, incarnation: number): string {
  if (mirror.room.topology === "sfu") return `${incarnation}/${mirror.incarnation}`;
  const { participant: self } = mirror;
  const pair = mirror.room.pairs.find(
    (one) => (one.a === self && one.b === from) || (one.b === self && one.a === from),
  );
  return pair?.session ?? "none";
}

/** Asks for more receive slots, once for each number needed; slots are never given back. */
export function compareSlots(turn: MemberTurn): void {
  const { mirror } = turn;
  if (!mirror) return;
  const all = Object.values(mirror.expected);
  const count = (kind: TrackKind) => all.filter((one) => one.track === kind).length;
  const audio = Math.max(count("audio"), mirror.needed.audio);
  const video = Math.max(count("video"), mirror.needed.video);
  if (audio === mirror.needed.audio && video === mirror.needed.video) return;
  turn.patchMirror({ needed: { audio, video } });
  const { receives } = mirror;
  if (audio <= receives.audio && video <= receives.video) return;
  turn.push({ kind: "need-slots", audio: Math.max(audio, receives.audio), video: Math.max(video, receives.video) });
}

/** Ends all that a place brought with it: its sessions with others and its expectations. */
export function dropMirror(turn: MemberTurn, mirror: Mirror, reason: "left" | "removed"): void {
  const self = mirror.participant;
  for (const pair of mirror.room.pairs) {
    if (pair.a !== self && pair.b !== self) continue;
    turn.push({ kind: "pair-over", remote: otherOf(pair, self), session: pair.session, reason });
  }
  for (const publication of Object.keys(mirror.expected)) turn.push({ kind: "forget", publication });
}

/** Publications that the room, as known, says exist. */
function publicationsOf(room: RoomSnapshot): ReadonlySet<string> {
  const known = new Set<string>();
  for (const { id, media } of room.participants) {
    for (const source of SOURCES) {
      if (media.sources[source].intent !== "unpublished") known.add(publicationId(id, source));
    }
  }
  return known;
}

function otherOf(pair: Pair, self: string): string {
  return pair.a === self ? pair.b : pair.a;
}
