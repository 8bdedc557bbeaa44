import type {
  NumberedEvent,
  Pair,
  ParticipantInfo,
  Role,
  RoomSnapshot,
  ServerMessage,
  Signal,
  Slots,
  View,
} from "@lodeline/protocol";
import { type Digest, keptToken } from "./rejoin-token.ts";
import { type PairRecord, type Place, pairKey, type RoomState, type Verdict } from "./room-state.ts";

/** One thing to keep of a room, named by kind, owner and key. `answer` is owned by its participant, all else by the room. */
export interface RoomRecord {
  readonly kind: "room" | "place" | "answer" | "pair" | "event";
  readonly owner: string;
  readonly key: string | number;
  /** JSON, for `restoreRoom` alone. */
  readonly value: string;
}

/** What of a room is not to be kept any more: one record, numbered ones up to a number, or all of a kind and owner. */
export type RoomDrop = Pick<RoomRecord, "kind" | "owner"> & {
  readonly key?: string | number;
  readonly through?: number;
};

/** What differs between two states of a room, as far as it has to be kept. */
export interface RoomChanges {
  readonly drops: readonly RoomDrop[];
  readonly puts: readonly RoomRecord[];
}

/** What is kept of the room itself, beside {@link KEY_ORDER}. */
export interface KeptRoom extends Pick<RoomSnapshot, "topology" | "locked"> {
  readonly seq: number;
  readonly pairSerial: number;
  readonly verdicts: Readonly<Record<string, Verdict>>;
}

/** In which order the participants came and the pairs were made. */
export interface KeptOrder {
  readonly participants: readonly string[];
  /** By their keys. */
  readonly pairs: readonly string[];
}

/** What is kept of a place. Facts, rows and times are not: they begin anew. */
export interface KeptPlace {
  readonly info: ParticipantInfo;
  readonly link: string;
  readonly maxRole: Role;
  /** As digests where a digest was given; the present one first. */
  readonly tokens: readonly string[];
  readonly joinCommand: string;
  readonly session: string | undefined;
  /** Mesh: the sessions that its last join has kept. */
  readonly kept: readonly string[] | undefined;
  readonly slots: Slots;
  /** Above every revision that was told: see {@link LEDGER_STRIDE}. */
  readonly ledgerRevision: number;
  readonly viewRevision: number;
  readonly views: Readonly<Record<string, View>>;
}

/** What is kept of a pair. */
export interface KeptPair {
  readonly pair: Pair;
  readonly answered: boolean;
  readonly established: boolean;
  readonly transports: PairRecord["transports"];
  readonly up: boolean;
  readonly down: boolean;
  /** It ended and is to have a new session. */
  readonly renews: boolean;
  /** Its offer waits for an answer and would have been told again. */
  readonly tells: boolean;
  readonly renewals: number;
  readonly signals: readonly { readonly from: string; readonly signal: Signal }[];
}

/** What is kept of an answer to a command. */
export interface KeptAnswer {
  /** Orders them, oldest first. */
  readonly serial: number;
  readonly message: ServerMessage;
}

export type KeptEvent = NumberedEvent;

/** The key of {@link KeptOrder}; the room itself has key 0. */
export const KEY_ORDER = 1;

/**
 * Ledgers are told several times a second, and their revision has to go on rising in the next process: what is kept is
 * a number above it, raised once in so many.
 */
export const LEDGER_STRIDE = 1_024;

/** Orders answers: by the last event before them, then among themselves. */
const ANSWERS_OF_AN_EVENT = 256;

/**
 * What has to be kept of a room after a step, beside what was kept after an earlier one.
 *
 * @param before - The state that is kept; `undefined` when nothing is.
 * @param digest - A one-way function for rejoin tokens; absent: they are kept as they are.
 */
export function roomChanges(before: RoomState | undefined, after: RoomState, digest: Digest): RoomChanges {
  const drops: RoomDrop[] = [];
  const puts: RoomRecord[] = [];
  const { room } = after.snapshot;
  const put = (kind: RoomRecord["kind"], owner: string, key: string | number, value: unknown) =>
    puts.push({ kind, owner, key, value: JSON.stringify(value) });
  if (before === undefined || !sameRoom(before, after)) put("room", room, 0, keptRoom(after));
  if (before === undefined || !sameOrder(before, after)) put("room", room, KEY_ORDER, orderOf(after));
  const changed = changedInfos(before, after);
  for (const place of Object.values(after.places)) {
    const { participant } = place;
    const known = before?.places[participant];
    const isNews = changed.has(participant) || !known || !samePlace(known, place);
    const info = isNews ? infoOf(after, participant) : undefined;
    if (info) put("place", room, participant, keptPlace(place, info, digest));
    if (known?.answers !== place.answers) answerChanges(known, place, after.seq, drops, put);
  }
  for (const participant of Object.keys(before?.places ?? {})) {
    if (Object.hasOwn(after.places, participant)) continue;
    drops.push({ kind: "place", owner: room, key: participant }, { kind: "answer", owner: participant });
  }
  for (const [key, record] of Object.entries(after.pairs)) {
    const known = before?.pairs[key];
    if (!known || !samePair(known, record)) put("pair", room, key, keptPair(record));
  }
  for (const key of Object.keys(before?.pairs ?? {})) {
    if (!Object.hasOwn(after.pairs, key)) drops.push({ kind: "pair", owner: room, key });
  }
  if (before?.tail !== after.tail) tailChanges(before, after, drops, put);
  return { drops, puts };
}

/** All that has to be forgotten of a room that is over. */
export function roomDrops(kept: RoomState): RoomDrop[] {
  const owner = kept.snapshot.room;
  const kinds = ["room", "place", "pair", "event"] as const;
  const drops: RoomDrop[] = kinds.map((kind) => ({ kind, owner }));
  for (const participant of Object.keys(kept.places)) drops.push({ kind: "answer", owner: participant });
  return drops;
}

type Put = (kind: RoomRecord["kind"], owner: string, key: string | number, value: unknown) => void;

function answerChanges(known: Place | undefined, place: Place, seq: number, drops: RoomDrop[], put: Put): void {
  const { participant, answers } = place;
  const had = new Set(known?.answers);
  const has = new Set(answers);
  for (const answer of had) if (!has.has(answer)) drops.push({ kind: "answer", owner: participant, key: answer.id });
  answers.forEach((answer, index) => {
    if (!had.has(answer))
      put("answer", participant, answer.id, { serial: seq * ANSWERS_OF_AN_EVENT + index, message: answer.message });
  });
}

function tailChanges(before: RoomState | undefined, after: RoomState, drops: RoomDrop[], put: Put): void {
  const { room } = after.snapshot;
  const first = after.tail[0]?.event.seq ?? after.seq + 1;
  const keptFirst = before?.tail[0]?.event.seq;
  if (keptFirst !== undefined && keptFirst < first) drops.push({ kind: "event", owner: room, through: first - 1 });
  for (const { event } of after.tail)
    if (before === undefined || event.seq > before.seq) put("event", room, event.seq, event);
}

function keptRoom({ snapshot, seq, pairSerial, verdicts }: RoomState): KeptRoom {
  const { topology, locked } = snapshot;
  return { topology, locked, seq, pairSerial, verdicts };
}

function keptPlace(place: Place, info: ParticipantInfo, digest: Digest): KeptPlace {
  const { link, maxRole, rejoinToken, earlierTokens, joinCommand, media, kept, slots, viewRevision, views } = place;
  return {
    info,
    link,
    maxRole,
    tokens: [rejoinToken, ...earlierTokens].map((token) => keptToken(token, digest)),
    joinCommand,
    session: media.session,
    kept: media.session === undefined ? kept : undefined,
    slots,
    ledgerRevision: aboveLedger(place),
    viewRevision,
    views,
  };
}

function keptPair(record: PairRecord): KeptPair {
  const { pair, transports, renewals, signals } = record;
  return {
    pair,
    answered: record.answeredAt !== undefined,
    established: record.establishedAt !== undefined,
    transports,
    up: record.upAt !== undefined,
    down: record.downAt !== undefined,
    renews: record.renewAt !== undefined,
    tells: record.tellAt !== undefined,
    renewals,
    signals,
  };
}

function sameRoom(one: RoomState, other: RoomState): boolean {
  const [a, b] = [keptRoom(one), keptRoom(other)];
  return Object.keys(a).every((field) => a[field as keyof KeptRoom] === b[field as keyof KeptRoom]);
}

function sameOrder({ snapshot: one }: RoomState, { snapshot: other }: RoomState): boolean {
  return (
    sameList(one.participants, other.participants, (a, b) => a.id === b.id) &&
    sameList(one.pairs, other.pairs, (a, b) => a.a === b.a && a.b === b.b)
  );
}

function sameList<T>(one: readonly T[], other: readonly T[], same: (a: T, b: T) => boolean): boolean {
  if (one === other) return true;
  return one.length === other.length && one.every((a, index) => same(a, other[index] as T));
}

function samePlace(one: Place, other: Place): boolean {
  if (one === other) return true;
  return (
    one.link === other.link &&
    one.incarnation === other.incarnation &&
    one.rejoinToken === other.rejoinToken &&
    one.earlierTokens === other.earlierTokens &&
    one.joinCommand === other.joinCommand &&
    one.maxRole === other.maxRole &&
    one.media.session === other.media.session &&
    one.kept === other.kept &&
    one.slots === other.slots &&
    one.viewRevision === other.viewRevision &&
    one.views === other.views &&
    aboveLedger(one) === aboveLedger(other)
  );
}

function samePair(one: PairRecord, other: PairRecord): boolean {
  if (one === other) return true;
  const [a, b] = [keptPair(one), keptPair(other)];
  return (
    a.pair === b.pair &&
    a.answered === b.answered &&
    a.established === b.established &&
    a.transports === b.transports &&
    a.renews === b.renews &&
    a.tells === b.tells &&
    a.renewals === b.renewals &&
    sameList(a.signals, b.signals, (left, right) => left === right)
  );
}

function aboveLedger({ ledgerRevision }: Place): number {
  return Math.ceil((ledgerRevision + 1) / LEDGER_STRIDE) * LEDGER_STRIDE;
}

/** Whose information is another than it was. */
function changedInfos(before: RoomState | undefined, after: RoomState): ReadonlySet<string> {
  const now = after.snapshot.participants;
  const earlier = before?.snapshot.participants;
  if (now === earlier) return NOBODY;
  const known = new Set(earlier);
  return new Set(now.filter((info) => !known.has(info)).map(({ id }) => id));
}

const NOBODY: ReadonlySet<string> = new Set();

function orderOf({ snapshot }: RoomState): KeptOrder {
  return {
    participants: snapshot.participants.map(({ id }) => id),
    pairs: snapshot.pairs.map(({ a, b }) => pairKey(a, b)),
  };
}

function infoOf({ snapshot }: RoomState, participant: string): ParticipantInfo | undefined {
  return snapshot.participants.find(({ id }) => id === participant);
}
