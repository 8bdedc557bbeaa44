import type { MonoMs } from "@lodeline/base";
import type { Pair, PairReceipt, Signal } from "@lodeline/protocol";
import type { TransportState } from "./room-input.ts";
import { type PairRecord, pairKey, type RoomState } from "./room-state.ts";
import { refreshRow, restartRow } from "./standing.ts";
import { tellSignalsAgain } from "./tell-signals.ts";
import type { Turn } from "./turn.ts";

/** Waits before a pair whose session ended gets a new one: at once, then growing. */
const RENEW_DELAYS_MS = [0, 1_000, 2_000, 2_500, 2_500, 5_000, 10_000, 15_000] as const;

/** An offer that has no answer after this long is told again; doubles each time. */
export const TELL_AGAIN_MS = 1_000;
const MOST_TELLS = 3;

/** Signals kept of one epoch, of both ends together. Candidates beyond it are not told again. */
const KEPT_SIGNALS = 64;

/**
 * The pairs of a newcomer with everybody present: the newcomer offers, because it knows the room whole and nobody knows
 * the newcomer earlier than it does. Also for somebody who comes back: earlier sessions are over.
 */
export function pairNewcomer(turn: Turn, newcomer: string): Pair[] {
  if (turn.config.topology !== "mesh") return [];
  const pairs: Pair[] = [];
  for (const other of Object.keys(turn.places)) {
    if (other !== newcomer) pairs.push(assign(turn, newcomer, other, newcomer, 0));
  }
  return pairs;
}

/**
 * Gives a pair a new session. The same one offers as before; its rows are expected anew.
 *
 * @param except - Who is told by its `joined`.
 */
export function renewPair(turn: Turn, a: string, b: string, why: string, except?: string): void {
  const record = turn.pairOf(a, b);
  if (!record) return;
  const pair = assign(turn, a, b, record.pair.initiatorId, record.renewals + 1);
  turn.event({ kind: "pair-renewed", pair, why }, except);
  for (const [to, from] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const row of Object.values(turn.place(to)?.rows ?? {})) if (row.from === from) restartRow(turn, row);
  }
}

function assign(turn: Turn, one: string, other: string, initiatorId: string, renewals: number): Pair {
  turn.pairSerial += 1;
  const [a, b] = one < other ? [one, other] : [other, one];
  // The serial makes it new within the room, the participant's id within the world.
  const pair: Pair = { a, b, session: `${initiatorId}.${turn.pairSerial}`, initiatorId };
  turn.putPair({
    pair,
    since: turn.now,
    answeredAt: undefined,
    establishedAt: undefined,
    transports: {},
    upAt: undefined,
    downAt: undefined,
    renewAt: undefined,
    tellAt: undefined,
    tells: 0,
    renewals,
    signals: [],
  });
  return pair;
}

/** Passes a member's signal to the other end of its pair, if it may send it. */
export function passSignal(turn: Turn, from: string, to: string, signal: Signal): void {
  const sender = turn.place(from);
  const receiver = turn.place(to);
  if (!sender) return;
  const refuse = (code: string, reason: string, field: string) =>
    turn.tell(sender.link, { type: "error", code, reason, field });
  if (turn.config.topology !== "mesh") return refuse("room/topology", "This room is no mesh; signal to `sfu`.", "to");
  if (!receiver || from === to) return refuse("room/unknown-participant", "No such participant in the room.", "to");
  const record = turn.pairOf(from, to);
  // A signal of the session before a renewal was under way: late, not wrong. It is dropped, and its sender is told.
  if (record?.pair.session !== signal.session) {
    return refuse("session/unknown", "The pair has another session by now.", "signal.session");
  }
  if (signal.body.kind === "offer" && record.pair.initiatorId !== from) {
    return refuse("session/not-initiator", "Only the assigned initiator of the pair may offer.", "signal.body.kind");
  }
  turn.effects.push({ kind: "forward", link: receiver.link, from, signal });
  noteSignal(turn, record, from, signal);
}

function noteSignal(turn: Turn, record: PairRecord, from: string, signal: Signal): void {
  const { kind } = signal.body;
  if (kind === "hangup") return noteHangup(turn, record, signal);
  if (record.establishedAt !== undefined) return;
  if (kind !== "offer" && kind !== "answer" && kind !== "candidate") return;
  const epoch = Math.max(signal.epoch, ...record.signals.slice(-1).map((kept) => kept.signal.epoch));
  const kept = record.signals.filter((one) => one.signal.epoch === epoch);
  if (signal.epoch === epoch && kept.length < KEPT_SIGNALS) kept.push({ from, signal });
  const answered = kind === "answer" && record.answeredAt === undefined;
  const next = { ...record, signals: kept };
  // The answer may be lost as well, and where nobody sends anything only the ends' word on the transport shows it.
  const tellAt = record.upAt === undefined ? turn.now + TELL_AGAIN_MS : undefined;
  if (answered) turn.putPair({ ...next, answeredAt: turn.now, tellAt, tells: 0, renewals: 0 });
  else if (kind === "offer" && next.answeredAt === undefined) {
    turn.putPair({ ...next, tellAt: turn.now + TELL_AGAIN_MS, tells: 0 });
  } else turn.putPair(next);
  if (answered) refreshPairRows(turn, record.pair.a, record.pair.b);
}

/** One end gave up. If both are still here they shall have a new session; whoever left has said so, or will by its lease. */
function noteHangup(turn: Turn, record: PairRecord, signal: Signal): void {
  if (signal.body.kind !== "hangup" || record.renewAt !== undefined) return;
  if (LEAVING.has(signal.body.reason)) return;
  const delayMs = RENEW_DELAYS_MS[Math.min(record.renewals, RENEW_DELAYS_MS.length - 1)] ?? 0;
  if (delayMs === 0) return renewPair(turn, record.pair.a, record.pair.b, `a session ended: ${signal.body.reason}`);
  turn.putPair({ ...record, renewAt: turn.now + delayMs });
}

const LEAVING: ReadonlySet<string> = new Set(["left", "page-closed", "removed", "room-ended", "replaced"]);

/** Renews the pairs that replays asked for. */
export function renewAskedPairs(turn: Turn): void {
  for (const { a, b, why } of turn.renewals.splice(0)) renewPair(turn, a, b, why);
}

/** Renews the pairs whose wait is over, and tells again what was offered and not answered. */
export function tickPairs(turn: Turn): void {
  for (const record of Object.values(turn.pairs)) {
    const { pair, renewAt, tellAt } = record;
    if (renewAt !== undefined && renewAt <= turn.now) renewPair(turn, pair.a, pair.b, "a session ended");
    else if (tellAt !== undefined && tellAt <= turn.now) tellOfferAgain(turn, record);
  }
}

/** The earliest moment at which a pair needs a tick. */
export function pairDue({ renewAt, tellAt }: PairRecord): MonoMs | undefined {
  if (renewAt === undefined || tellAt === undefined) return renewAt ?? tellAt;
  return Math.min(renewAt, tellAt);
}

function tellOfferAgain(turn: Turn, record: PairRecord): void {
  const tells = record.tells + 1;
  const tellAt = tells < MOST_TELLS ? turn.now + TELL_AGAIN_MS * 2 ** tells : undefined;
  turn.putPair({ ...record, tells, tellAt });
  tellSignalsAgain(turn, record.pair.a, record.pair.b);
}

/** States in which a transport carries nothing, and will not without help. */
const DOWN: ReadonlySet<TransportState> = new Set(["disconnected", "failed", "closed"]);

/** Whether a receipt says something new of a pair's transport. Of an earlier session it means nothing. */
export function pairsMatter(
  state: Pick<RoomState, "places" | "pairs">,
  end: string,
  said: readonly PairReceipt[],
): boolean {
  const present = new Map<string, PairRecord>();
  for (const other of Object.keys(state.places)) {
    const record = other === end ? undefined : state.pairs[pairKey(end, other)];
    if (record) present.set(record.pair.session, record);
  }
  return said.some((one) => isNews(present.get(one.session), end, one));
}

function isNews(record: PairRecord | undefined, end: string, { session, state }: PairReceipt): record is PairRecord {
  return record?.pair.session === session && record.transports[end] !== state;
}

/** What one end of a pair sees of its transport. */
export function notePairTransport(turn: Turn, participant: string, said: PairReceipt): void {
  const record = Object.values(turn.pairs).find(({ pair }) => pair.session === said.session);
  if (!isNews(record, participant, said) || !isEnd(record.pair, participant)) return;
  const transports = { ...record.transports, [participant]: said.state };
  const isDown = Object.values(transports).some((state) => DOWN.has(state));
  turn.putPair({
    ...record,
    transports,
    upAt: record.upAt ?? (said.state === "connected" ? turn.now : undefined),
    tellAt: said.state === "connected" ? undefined : record.tellAt,
    downAt: isDown ? (record.downAt ?? turn.now) : undefined,
  });
  refreshPairRows(turn, record.pair.a, record.pair.b);
}

function isEnd({ a, b }: Pair, participant: string): boolean {
  return a === participant || b === participant;
}

/** Notes that media came through: the pair's first negotiation is over, its signals need not be kept. */
export function notePairReceived(turn: Turn, from: string, to: string): void {
  const record = turn.pairOf(from, to);
  if (!record || record.establishedAt !== undefined) return;
  turn.putPair({
    ...record,
    establishedAt: turn.now,
    answeredAt: record.answeredAt ?? turn.now,
    tellAt: undefined,
    renewals: 0,
    signals: [],
  });
}

/** Looks anew at every row between two members. */
export function refreshPairRows(turn: Turn, a: string, b: string): void {
  for (const [to, from] of [
    [a, b],
    [b, a],
  ] as const) {
    for (const row of Object.values(turn.place(to)?.rows ?? {})) {
      if (row.from === from) refreshRow(turn, to, row.publication);
    }
  }
}
