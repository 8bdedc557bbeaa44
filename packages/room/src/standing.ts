import type { MonoMs } from "@lodeline/base";
import { heldBackOf } from "./fact.ts";
import { beginReplay, climb } from "./replay.ts";
import type { MediaSession, Row } from "./room-state.ts";
import type { Turn } from "./turn.ts";

/**
 * Brings a row's standing in line with its facts and the time, and moves its replay on where one runs. Called whenever a
 * fact of the row, of its publication or of either transport changed, and at the row's deadline.
 */
export function refreshRow(turn: Turn, to: string, publication: string): void {
  const row = turn.row(to, publication);
  if (!row) return;
  const next = judge(turn, row);
  if (next === row) return;
  turn.putRow(next, next.standing !== row.standing || next.replay !== row.replay);
}

/** Declares a row missing before its window has passed, because a loss is known. A running replay goes on. */
export function declareMissing(turn: Turn, row: Row, known: "told" | undefined): void {
  if (!row.intended.value || row.received.value || row.unreadable || isHeld(turn, row)) return;
  if (row.replay && !row.replay.resting && row.standing === "missing") return;
  turn.putRow(beginReplay(turn, { ...row, standing: "missing" }, known));
}

/** Begins a missing row's replay anew with the smallest step: what was tried before may not have been heard. */
export function restartReplay(turn: Turn, row: Row): void {
  if (row.replay) replayOver(turn, row, "restarted");
  turn.putRow(beginReplay(turn, { ...row, replay: null }));
}

/** A pending row's receiver is heard of again: a new window, over the same session, of which all that is known stays. */
export function renewWindow(turn: Turn, row: Row): void {
  turn.putRow(judge(turn, { ...row, since: turn.now, due: undefined }));
}

/**
 * A new expectation of a row that stays: another session carries it from now on, so nothing of it is received yet.
 *
 * @param forwarder - `kept`: the forwarder is the same, and what it does is told when that changes.
 */
export function restartRow(turn: Turn, row: Row, forwarder: "new" | "kept" = "new"): void {
  const no = (fact: Row["received"]) =>
    fact.value ? { value: false, version: fact.version + 1, at: turn.wall } : fact;
  const fresh: Row = {
    ...row,
    since: turn.now,
    announced: turn.seq,
    standing: row.intended.value && !isHeld(turn, row) ? "pending" : "off",
    forwarded: forwarder === "kept" ? row.forwarded : no(row.forwarded),
    received: no(row.received),
    replay: null,
    due: undefined,
  };
  if (row.replay) replayOver(turn, row, "restarted");
  turn.putRow(judge(turn, fresh));
}

function judge(turn: Turn, row: Row): Row {
  if (!row.intended.value || isHeld(turn, row)) return settle(turn, row, "off");
  if (row.received.value) return settle(turn, row, "received");
  // It comes, and its receiver lacks the key: nothing that could be asked for again would help.
  if (row.unreadable) return settle(turn, row, "missing");
  switch (row.standing) {
    case "off":
      return pend(turn, { ...row, standing: "pending", since: turn.now });
    case "pending":
      return pend(turn, row);
    case "received":
      // It was there and is not: no window, the receiver has watched one already. Unless its session is not up yet:
      // then what was there was the last of an earlier one.
      if (!couldFlow(turn, row)) return pend(turn, { ...row, standing: "pending", since: turn.now });
      return beginReplay(turn, { ...row, standing: "missing" });
    case "missing":
      return waitsForSetup(turn, row) ? restarted(turn, row) : climb(turn, row);
  }
}

/** Whether the room itself keeps back what is intended: then nothing can be missing. */
export function isHeld(turn: Turn, row: Row): boolean {
  const published = turn.published(row.from, row.source);
  return published !== undefined && heldBackOf(row, published) !== undefined;
}

/** What was not told has been told again, and did not help yet, but the row's own time is not over. */
function waitsForSetup(turn: Turn, row: Row): boolean {
  if (row.replay?.hop !== "told" || turn.now < row.replay.until) return false;
  const end = windowEnd(turn, row);
  return end !== undefined && turn.now < end;
}

function restarted(turn: Turn, row: Row): Row {
  replayOver(turn, row, "restarted");
  return pend(turn, { ...row, standing: "pending", replay: null });
}

function pend(turn: Turn, row: Row): Row {
  const due = windowEnd(turn, row);
  if (due !== undefined && turn.now >= due) return beginReplay(turn, { ...row, standing: "missing" });
  return row.due === due ? row : { ...row, due };
}

function settle(turn: Turn, row: Row, standing: keyof typeof OVER): Row {
  if (row.standing === standing && row.replay === null && row.due === undefined) return row;
  if (row.replay) replayOver(turn, row, OVER[standing]);
  return { ...row, standing, replay: null, due: undefined };
}

const OVER = { received: "received", off: "not-intended", missing: "unreadable" } as const;

function replayOver(turn: Turn, row: Row, why: (typeof OVER)[keyof typeof OVER] | "restarted"): void {
  if (!row.replay) return;
  const { step, attempt, began } = row.replay;
  turn.effects.push({
    kind: "replay-over",
    subscription: row.subscription,
    step,
    attempt,
    why,
    tookMs: turn.now - began,
  });
}

/**
 * When a pending row has had its time. The receipt window runs from the moment that media could flow: from the last of
 * expectation and connection. A connection that was never up has its own, longer time.
 *
 * @returns `undefined` while the receiver's link is lost: nobody can know, and the lease is the deadline.
 */
function windowEnd(turn: Turn, row: Row): MonoMs | undefined {
  const receiver = turn.place(row.to);
  const sender = turn.place(row.from);
  if (!receiver || !sender || receiver.linkLostAt !== undefined) return undefined;
  const { receiptWindowMs } = turn.config.timers;
  const { setupMs } = turn.config.settings;
  if (turn.config.topology === "mesh") {
    const pair = turn.pairOf(row.from, row.to);
    if (!pair) return undefined;
    // The word of its ends says when media could flow, or that it cannot; without it only time does.
    const knownAt = pair.downAt ?? pair.establishedAt ?? pair.upAt;
    if (knownAt !== undefined) return Math.max(row.since, knownAt) + receiptWindowMs;
    if (pair.answeredAt === undefined) return Math.max(row.since, pair.since) + setupMs;
    return Math.max(row.since, pair.answeredAt + setupMs) + receiptWindowMs;
  }
  const notUp = [sender.media, receiver.media].filter((media) => media.upAt === undefined);
  if (notUp.length > 0) return Math.min(...notUp.map((media) => Math.max(row.since, media.since) + setupMs));
  return Math.max(row.since, upSince(sender.media), upSince(receiver.media)) + receiptWindowMs;
}

/** Whether media could flow by now, as far as connections go; in a mesh the room does not see them. */
export function couldFlow(turn: Turn, row: Row): boolean {
  if (turn.config.topology === "mesh") return true;
  return [row.from, row.to].every((participant) => turn.place(participant)?.media.upAt !== undefined);
}

function upSince(media: MediaSession): MonoMs {
  return media.upAt ?? media.since;
}
