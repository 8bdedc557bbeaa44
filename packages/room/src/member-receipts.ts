import type { MonoMs } from "@lodeline/base";
import type { ClientMessage, LedgerRow, PairReceipt, PublishedReceipt, ReceivedReceipt } from "@lodeline/protocol";
import type { MemberTurn } from "./member-turn.ts";
import type { MemberState, Observed } from "./member-types.ts";

/** Every so many receipts name all rows, not only those that changed. */
const WHOLE_EVERY = 5;

/** Between two asks for what is missing: the answer to the first has this long before another is worth sending. */
const ASK_AGAIN_MS = 250;

/** After news: a little longer than the room takes a message to be under way (`tellGraceMs`). */
const CONFIRM_MS = 300;

/** So many receipts follow news, that far apart: one change makes several messages, and the last one is lost like any. */
const CONFIRMS = 2;

/** What a member without observations has seen. */
export const NOTHING_OBSERVED: Observed = {
  published: [],
  received: {},
  untold: [],
  pairs: [],
  pairsTold: [],
  sinceWhole: 0,
  confirms: 0,
  nextAt: undefined,
  askedAt: undefined,
};

/** Takes facts from the edge. A changed one is told at once, the rest with the next heartbeat. */
export function observe(
  turn: MemberTurn,
  published: readonly PublishedReceipt[],
  received: readonly ReceivedReceipt[],
  pairs: readonly PairReceipt[],
): void {
  const before = turn.state.observed;
  const rows: Record<string, ReceivedReceipt> = {};
  const untold = new Set(before.untold);
  let urgent = !samePublished(before.published, published) || newsOf(pairs, before.pairsTold).length > 0;
  for (const one of received) {
    rows[one.publication] = one;
    // What nobody has heard of yet counts as not received.
    const known = before.received[one.publication];
    if ((known?.received ?? false) === one.received && known?.unreadable === one.unreadable) continue;
    untold.add(one.publication);
    urgent = true;
  }
  const kept = [...untold].filter((publication) => rows[publication]);
  turn.patch({ observed: { ...before, published, received: rows, untold: kept, pairs } });
  if (!urgent) return;
  sendReceipt(turn, false);
  confirmSoon(turn);
}

/**
 * News was heard or told: the next receipt comes soon instead of with the heartbeat, so that whatever was lost of what
 * belongs to it is noticed at once.
 */
export function confirmSoon(turn: MemberTurn): void {
  const { observed } = turn.state;
  const soonAt = turn.now + CONFIRM_MS;
  if (observed.nextAt === undefined) return;
  turn.patch({ observed: { ...observed, nextAt: Math.min(observed.nextAt, soonAt), confirms: CONFIRMS } });
}

/**
 * The room believes something else of what is received here, because it began a row anew: tells it again. An older row
 * that crossed a receipt costs one receipt more, and no harm.
 */
export function correct(turn: MemberTurn, rows: readonly LedgerRow[]): void {
  const { observed } = turn.state;
  const self = turn.mirror?.participant;
  const wrong = rows.filter(
    (row) =>
      row.to === self &&
      row.facts.intended.value &&
      observed.received[row.publication] !== undefined &&
      observed.received[row.publication]?.received !== row.facts.received.value,
  );
  if (wrong.length === 0) return;
  const untold = new Set([...observed.untold, ...wrong.map((row) => row.publication)]);
  turn.patch({ observed: { ...observed, untold: [...untold] } });
  sendReceipt(turn, false);
}

/** What was observed of a publication says nothing about the session that carries it from now on. */
export function forgetObserved(turn: MemberTurn, publication: string): void {
  const { observed } = turn.state;
  if (!observed.received[publication]) return;
  const { [publication]: _before, ...received } = observed.received;
  const untold = observed.untold.filter((one) => one !== publication);
  turn.patch({ observed: { ...observed, received, untold } });
}

/** Says what is known and seen, and asks for what is missing; once in a while, however many gaps are noticed. */
export function ask(turn: MemberTurn): void {
  const { askedAt } = turn.state.observed;
  if (askedAt !== undefined && turn.now - askedAt < ASK_AGAIN_MS) return;
  turn.patch({ observed: { ...turn.state.observed, askedAt: turn.now } });
  sendReceipt(turn, true);
}

/** Sends a receipt, if there is a place and a link to send it by. */
export function sendReceipt(turn: MemberTurn, asks: boolean, wholly = false): void {
  const { mirror, state } = turn;
  if (!mirror || state.phase.kind !== "in" || !state.linkOpen) return;
  const { observed } = state;
  const whole = wholly || observed.sinceWhole + 1 >= WHOLE_EVERY;
  const names = whole ? Object.keys(observed.received) : observed.untold;
  const received = names.flatMap((publication) => observed.received[publication] ?? []);
  const receipt: Extract<ClientMessage, { type: "receipt" }> = {
    type: "receipt",
    incarnation: mirror.incarnation,
    seen: mirror.seq,
    slots: mirror.slots.revision,
    ledger: mirror.ledgerRevision,
    published: [...observed.published],
    received,
  };
  const pairs = whole ? observed.pairs : newsOf(observed.pairs, observed.pairsTold);
  const said = pairs.length > 0 ? { ...receipt, pairs: [...pairs] } : receipt;
  turn.send(asks ? { ...said, ask: true } : said);
  const { confirms } = observed;
  const nextAt = turn.now + (confirms > 1 ? CONFIRM_MS : turn.config.timers.receiptHeartbeatMs);
  const sinceWhole = whole ? 0 : observed.sinceWhole + 1;
  const left = Math.max(0, confirms - 1);
  turn.patch({
    observed: { ...observed, untold: [], pairsTold: observed.pairs, sinceWhole, nextAt, confirms: left },
  });
}

/** When the next heartbeat is due; none without an open link. */
export function receiptDue(state: MemberState): MonoMs | undefined {
  return state.phase.kind === "in" && state.linkOpen ? state.observed.nextAt : undefined;
}

/** The transports of which the room was told something else, or nothing yet. */
function newsOf(pairs: readonly PairReceipt[], told: readonly PairReceipt[]): readonly PairReceipt[] {
  return pairs.filter((one) => !told.some((known) => known.session === one.session && known.state === one.state));
}

function samePublished(one: readonly PublishedReceipt[], other: readonly PublishedReceipt[]): boolean {
  return (
    one.length === other.length &&
    one.every((a) => other.some((b) => a.source === b.source && a.captured === b.captured && a.sent === b.sent))
  );
}
