import type { ErrorCode, MonoMs } from "@lodeline/base";
import type { LeaveReason, ParticipantInfo } from "@lodeline/protocol";
import { firstEncoding } from "./encodings.ts";
import { admitSources } from "./media-state.ts";
import { keptSessions, moveLink } from "./move-link.ts";
import { pairNewcomer } from "./pairs.ts";
import { letGo, MOST_EARLIER_TOKENS, tellJoined } from "./place-words.ts";
import { holdsToken, isDigested, isSameCommand, isSamePage } from "./rejoin-token.ts";
import type { UnbindCode } from "./room-effect.ts";
import type { JoinInput } from "./room-input.ts";
import type { MediaSession, Place, Row } from "./room-state.ts";
import { renewWindow, restartReplay, restartRow } from "./standing.ts";
import { detach, syncPublisher, syncReceiver } from "./subscriptions.ts";
import type { Turn } from "./turn.ts";
import { isWithin, sourcesUnder, verdictOf } from "./verdicts.ts";

/** Gives a place, a new one or the earlier one, or says why not. */
export function join(turn: Turn, input: JoinInput): void {
  const holder = Object.values(turn.places).find((place) => place.link === input.link);
  if (holder?.joinCommand === input.command) return tellAgain(turn, input, holder);
  if (turn.phase === "closed") return refuse(turn, input, "room/ended", "The room has ended.");
  // The same command by another link: whoever sent it never heard the answer, and has its place already.
  const asked = Object.values(turn.places).find((place) => isSameCommand(place, input));
  if (asked && (!holder || holder === asked)) return retake(turn, input, asked);
  const claims = holder === undefined || holder.participant === input.rejoin?.participant;
  if (input.rejoin && claims) return rejoin(turn, input, input.rejoin);
  if (holder) return refuse(turn, input, "room/already-member", "This link holds a place in the room.");
  // The page has left, or given up a join, and the server could not hear it: a page has one place in a room.
  const left = Object.values(turn.places).find((place) => place.linkLostAt !== undefined && isSamePage(place, input));
  if (left && !input.rejoin) return retake(turn, input, left);
  if (verdictOf(turn, input.identity).removed) {
    return refuse(turn, input, "room/removed", "A moderator removed you from this room; another may readmit you.");
  }
  const { maxParticipants } = turn.config.settings;
  if (turn.snapshot.participants.length >= maxParticipants) {
    return refuse(turn, input, "room/full", `The room has its ${maxParticipants} participants.`);
  }
  if (turn.snapshot.locked && input.role !== "moderator") {
    return refuse(turn, input, "room/locked", "A moderator locked the room.");
  }
  admit(turn, input);
}

/** The same join again. A token that is known by its digest alone cannot be told again: there is a new one beside it. */
function tellAgain(turn: Turn, { fresh }: JoinInput, place: Place): void {
  const { participant, rejoinToken } = place;
  if (isDigested(rejoinToken)) {
    const earlierTokens = [rejoinToken, ...place.earlierTokens].slice(0, MOST_EARLIER_TOKENS);
    turn.patchPlace(participant, { rejoinToken: fresh.rejoinToken, earlierTokens });
  }
  tellJoined(turn, turn.place(participant) ?? place, true);
}

function rejoin(turn: Turn, input: JoinInput, claim: { participant: string; token: string }): void {
  const place = turn.place(claim.participant);
  const fits = place?.identity === input.identity && holdsToken(place, claim.token, turn.config.digest);
  if (!place || !fits) {
    return refuse(turn, input, "room/bad-rejoin", "The rejoin token does not fit a present participant.", "rejoin");
  }
  retake(turn, input, place);
}

function admit(turn: Turn, input: JoinInput): void {
  turn.phase = "open";
  const { participant } = input.fresh;
  const { maxRole = input.role } = input;
  const verdict = verdictOf(turn, input.identity);
  // A token says how one begins; what a moderator has made of this person since holds, within what the token allows.
  const role = verdict.role !== undefined && isWithin(verdict.role, maxRole) ? verdict.role : input.role;
  const info: ParticipantInfo = {
    id: participant,
    incarnation: 1,
    identity: input.identity,
    name: input.name,
    role,
    presence: "connected",
    media: { revision: 1, sources: admitSources(input.sources, sourcesUnder(verdict), role) },
  };
  turn.putPlace({
    ...newTerm(turn, input, 1),
    participant,
    identity: input.identity,
    maxRole,
    slots: { revision: 0, slots: [] },
    slotsShort: false,
    ledgerRevision: 0,
    earlierTokens: [],
    answers: [],
    repairs: {},
    views: {},
    rows: {},
    published: {},
    rowsDue: undefined,
  });
  enter(turn, info);
}

/** Takes an earlier place: the same participant in a new incarnation. What held it before is let go at once. */
function retake(turn: Turn, input: JoinInput, place: Place): void {
  const kept = input.keeps && keptSessions(turn, place, input.keeps);
  if (kept) moveLink(turn, input, place, kept);
  else beginAnew(turn, input, place);
}

function beginAnew(turn: Turn, input: JoinInput, place: Place): void {
  const { participant } = place;
  const before = turn.info(participant);
  if (!before) return;
  const { suspectSince: _since, ...known } = before;
  const info: ParticipantInfo = {
    ...known,
    incarnation: place.incarnation + 1,
    name: input.name,
    presence: "connected",
    media: {
      revision: before.media.revision + 1,
      sources: admitSources(input.sources, before.media.sources, before.role),
    },
  };
  if (place.link !== input.link) {
    const reason = "The same participant joined again elsewhere and took the place.";
    letGo(turn, place, "room/replaced", reason);
  }
  endSession(turn, place);
  // A repair that was asked of the earlier incarnation was not asked of this one, except the session it has just made.
  const { "new-session": renewedAt } = place.repairs;
  const kept = turn.place(participant) ?? place;
  turn.putPlace({
    ...kept,
    ...newTerm(turn, input, info.incarnation),
    // The revisions go on rising, so that what was told to the earlier incarnation cannot pass for newer.
    slots: { revision: place.slots.revision + 1, slots: [] },
    earlierTokens: [place.rejoinToken, ...place.earlierTokens].slice(0, MOST_EARLIER_TOKENS),
    repairs: renewedAt === undefined ? {} : { "new-session": renewedAt },
    published: {},
    views: {},
  });
  enter(turn, info);
}

/** What begins with each join, the first and every later one. */
function newTerm(turn: Turn, input: JoinInput, incarnation: number) {
  const media: MediaSession = {
    session: input.session,
    since: turn.now,
    state: "new",
    upAt: undefined,
    sends: [],
    receives: [],
    videoCodecs: [],
  };
  return {
    incarnation,
    link: input.link,
    linkLostAt: undefined,
    byeAt: undefined,
    rejoinToken: input.fresh.rejoinToken,
    joinCommand: input.command,
    kept: undefined,
    media,
    slotsToldAt: turn.now,
    encoding: firstEncoding(turn.now),
    ledgerToldAt: turn.now,
    eventsToldAt: turn.now,
    viewRevision: 0,
  };
}

function enter(turn: Turn, info: ParticipantInfo): void {
  const pairs = pairNewcomer(turn, info.id);
  turn.event({ kind: "peer-joined", participant: info, pairs }, info.id);
  const place = turn.place(info.id);
  if (!place) return;
  tellJoined(turn, place, false);
  // Before anything is judged: what an earlier incarnation received, or missed, says nothing about this one.
  for (const row of [...Object.values(place.rows), ...turn.rowsFrom(info.id)]) restartRow(turn, row);
  syncReceiver(turn, info.id);
  syncPublisher(turn, info.id);
  turn.wholeLedger.add(info.id);
}

function refuse(turn: Turn, input: JoinInput, code: ErrorCode, reason: string, field?: string): void {
  const error = { type: "error" as const, id: input.command, code, reason };
  turn.tell(input.link, field === undefined ? error : { ...error, field });
}

/** Takes a participant out of the room: its place, its rows, its pairs, its session. */
export function depart(turn: Turn, participant: string, reason: LeaveReason, code: UnbindCode, words: string): void {
  const place = turn.place(participant);
  if (!place) return;
  const { rows } = endSession(turn, place);
  for (const row of rows) turn.dropRow(row);
  turn.dropPairsOf(participant);
  turn.dropPlace(participant);
  letGo(turn, place, code, words);
  turn.event({ kind: "peer-left", participant, reason });
  for (const to of Object.keys(turn.places)) turn.unsettled.add(to);
  if (turn.snapshot.participants.length === 0) turn.close("empty");
}

/** Everybody leaves at once. The log ends with `ended`; where the server drains, by `server`. */
export function dissolve(turn: Turn, why: "ended" | "drained", by: string, words: string): void {
  for (const place of Object.values(turn.places)) {
    endSession(turn, place);
    letGo(turn, place, why === "ended" ? "room/ended" : "server/draining", words);
    turn.dropPairsOf(place.participant);
    turn.dropPlace(place.participant);
  }
  turn.event({ kind: "ended", by });
  turn.close(why);
}

/** Stops every forwarder to and from a place and closes its media session. */
function endSession(turn: Turn, place: Place): { readonly rows: readonly Row[] } {
  // As the step has it by now: an end of another place in the same step may have detached some already.
  const present = turn.place(place.participant)?.rows ?? {};
  const rows = [...Object.values(present), ...turn.rowsFrom(place.participant)];
  for (const row of rows) {
    if (!row.attached) continue;
    detach(turn, row);
    turn.putRow({ ...row, attached: null }, false);
  }
  const { participant } = place;
  const { session } = place.media;
  if (session !== undefined) turn.media({ op: "close-session", participant, session });
  return { rows };
}

/** The earliest moment at which a place's lease changes its standing. */
export function leaseDue(turn: Turn, place: Place): number | undefined {
  if (place.linkLostAt === undefined) return undefined;
  const { suspectMs } = turn.config.settings;
  const suspect = turn.info(place.participant)?.presence === "suspect";
  const goneAt = leaseEnd(turn, place, place.linkLostAt);
  return suspect ? goneAt : Math.min(place.linkLostAt + suspectMs, goneAt);
}

/** A page that said goodbye comes back soon or never; of one that fell silent nobody knows. */
function leaseEnd(turn: Turn, { byeAt }: Place, lostAt: MonoMs): MonoMs {
  const { leaseMs, byeGraceMs } = turn.config.settings;
  return byeAt === undefined ? lostAt + leaseMs : Math.min(byeAt + byeGraceMs, lostAt + leaseMs);
}

/** Suspects and lets go whoever was not heard of for so long. */
export function expireLeases(turn: Turn): void {
  const { suspectMs } = turn.config.settings;
  for (const place of Object.values(turn.places)) {
    const { participant, linkLostAt, byeAt } = place;
    if (linkLostAt === undefined) continue;
    if (turn.now >= leaseEnd(turn, place, linkLostAt)) {
      depart(turn, participant, "lease-expired", "room/lease-expired", "Nothing was heard for the whole lease.");
    } else if (byeAt !== undefined || turn.now >= linkLostAt + suspectMs) {
      suspect(turn, participant, byeAt ?? linkLostAt);
    }
  }
}

function suspect(turn: Turn, participant: string, sinceMs: MonoMs): void {
  if (turn.info(participant)?.presence !== "connected") return;
  turn.event({ kind: "presence", participant, presence: "suspect", since: turn.config.wallAt(sinceMs) });
}

/** A place's link is not heard of. Its rows wait: whether they are received nobody can know now. */
export function linkLost(turn: Turn, participant: string, link: string, heardAt: MonoMs, bye: boolean): void {
  const place = turn.place(participant);
  if (place?.link !== link || (place.linkLostAt !== undefined && (!bye || place.byeAt !== undefined))) return;
  turn.patchPlace(participant, { linkLostAt: place.linkLostAt ?? heardAt, byeAt: bye ? turn.now : undefined });
  for (const row of Object.values(place.rows)) turn.putRow({ ...row, due: undefined }, false);
  expireLeases(turn);
}

/** It is heard of again: pending rows have a new window, missing ones begin their replay anew. */
export function linkBack(turn: Turn, participant: string, link: string): void {
  const place = turn.place(participant);
  if (place?.link !== link || place.linkLostAt === undefined) return;
  turn.patchPlace(participant, { linkLostAt: undefined, byeAt: undefined });
  if (turn.info(participant)?.presence === "suspect") {
    turn.event({ kind: "presence", participant, presence: "connected" });
  }
  for (const row of Object.values(place.rows)) {
    if (row.standing === "pending") renewWindow(turn, row);
    if (row.standing === "missing") restartReplay(turn, row);
  }
  // A sender who could not be asked can be asked now.
  for (const row of turn.rowsFrom(participant)) {
    if (row.standing === "missing" && (row.replay === null || row.replay.resting)) restartReplay(turn, row);
  }
}
