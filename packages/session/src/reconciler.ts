import type { Machine, MonoMs, Step, Tick } from "@lodeline/base";
import type { Standing } from "@lodeline/protocol";
import type {
  ReconcilerEffect,
  ReconcilerInput,
  ReconcilerOptions,
  ReconcilerRow,
  ReconcilerState,
} from "./reconciler-types.ts";

type Result = Step<ReconcilerState, ReconcilerEffect>;

const NOTHING: readonly ReconcilerEffect[] = [];

/**
 * Makes the machine that compares what a receiver should get with what it gets. It judges by evidence alone: neither a
 * connected transport nor a track object makes a publication `received`, only a count that moves.
 */
export function createReconciler(
  options: ReconcilerOptions,
): Machine<ReconcilerState, ReconcilerInput, ReconcilerEffect> {
  return {
    initial: { rows: [] },
    step: (state, input, now) => step(options, state, input, now),
    deadline: (state) => {
      let due: MonoMs | undefined;
      for (const row of state.rows) if (due === undefined || row.dueMs < due) due = row.dueMs;
      return due;
    },
  };
}

/** The standing of one publication; `off` when it is not expected. */
export function standingOf(state: ReconcilerState, publication: string): Standing {
  return state.rows.find((row) => row.publication === publication)?.standing ?? "off";
}

function step(options: ReconcilerOptions, state: ReconcilerState, input: ReconcilerInput | Tick, now: MonoMs): Result {
  if (input.kind === "tick") return onTick(options, state, now);
  const at = state.rows.findIndex((row) => row.publication === input.publication);
  const row = state.rows[at];
  if (input.kind === "expect") return row ? { state, effects: NOTHING } : onExpect(options, state, input);
  if (!row) return { state, effects: NOTHING };
  if (input.kind === "forget") {
    const rows = state.rows.filter((other) => other !== row);
    return { state: { rows }, effects: [{ kind: "standing", publication: row.publication, standing: "off" }] };
  }
  return onObserved(options, state, at, row, input.count, now);
}

function onExpect(
  options: ReconcilerOptions,
  state: ReconcilerState,
  input: Extract<ReconcilerInput, { kind: "expect" }>,
): Result {
  const { publication, mediaKind, since, count } = input;
  const row: ReconcilerRow = {
    publication,
    mediaKind,
    receiver: "Connected",
    standing: "pending",
    count,
    progressMs: since,
    dueMs: since + options.timers.receiptWindowMs,
    requests: 0,
  };
  return {
    state: { rows: [...state.rows, row] },
    effects: [{ kind: "standing", publication, standing: "pending" }],
  };
}

function onObserved(
  options: ReconcilerOptions,
  state: ReconcilerState,
  at: number,
  row: ReconcilerRow,
  count: number,
  now: MonoMs,
): Result {
  if (count === row.count) return { state, effects: NOTHING };
  // The first count may belong to whatever was in the slot before, a lower one to a counter that began anew: a base,
  // no evidence.
  const moved = row.count !== undefined && count > row.count;
  if (!moved) return { state: { rows: state.rows.with(at, { ...row, count }) }, effects: NOTHING };
  const next: ReconcilerRow = {
    ...row,
    receiver: "LiveMedia",
    standing: "received",
    count,
    progressMs: now,
    dueMs: now + options.timers.receiptWindowMs,
    requests: 0,
  };
  const { publication } = row;
  const effects: readonly ReconcilerEffect[] =
    row.standing === "received" ? NOTHING : [{ kind: "standing", publication, standing: "received" }];
  return { state: { rows: state.rows.with(at, next) }, effects };
}

function onTick(options: ReconcilerOptions, state: ReconcilerState, now: MonoMs): Result {
  const effects: ReconcilerEffect[] = [];
  const rows = state.rows.map((row) => (row.dueMs <= now ? onMissing(options, row, now, effects) : row));
  return effects.length === 0 ? { state, effects: NOTHING } : { state: { rows }, effects };
}

function onMissing(
  options: ReconcilerOptions,
  row: ReconcilerRow,
  now: MonoMs,
  effects: ReconcilerEffect[],
): ReconcilerRow {
  const { receiptWindowMs, leaseMs } = options.timers;
  const { publication } = row;
  if (row.standing !== "missing") effects.push({ kind: "standing", publication, standing: "missing" });
  effects.push({ kind: "request-replay", publication, why: whyOf(row, now) });
  // Growing waits: a hundred frozen tiles must not use up the link's rate limit.
  const waitMs = Math.min(receiptWindowMs * 2 ** Math.min(row.requests, 16), Math.max(leaseMs, receiptWindowMs));
  return {
    ...row,
    receiver: "ReplayRequested",
    standing: "missing",
    dueMs: now + waitMs,
    requests: row.requests + 1,
  };
}

function whyOf(row: ReconcilerRow, now: MonoMs): string {
  const what = row.mediaKind === "video" ? "No frame decoded" : "No audio played";
  return `${what} for ${Math.round(now - row.progressMs)} ms (count ${row.count ?? "none"}).`;
}
