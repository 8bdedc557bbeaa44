import type { Machine, MonoMs, Step, Tick } from "@lodeline/base";
import type { CallReceived, CallSent, Source, Standing, Timers } from "@lodeline/protocol";
import type { LedgerBody } from "@lodeline/session";

/** What one end of a call sees of its media, and hears of the other's. */
export type CallLedgerInput =
  /** What this end means to send, whole. */
  | { readonly kind: "sends"; readonly sends: readonly CallSent[] }
  /** Whether a source of the other end is heard or seen here. */
  | { readonly kind: "standing"; readonly source: Source; readonly standing: Standing }
  /** The other end said this. */
  | { readonly kind: "told"; readonly body: LedgerBody }
  /** The transport is being recovered: whatever is missing is missing for that. */
  | { readonly kind: "interrupted"; readonly interrupted: boolean };

/** What is to be done about it. */
export type CallLedgerEffect =
  | { readonly kind: "tell"; readonly body: LedgerBody }
  | { readonly kind: "renegotiate"; readonly why: string; readonly iceRestart: boolean }
  /** The other end does not get this source: take its track off and put it on again. */
  | { readonly kind: "republish"; readonly source: Source }
  /** The other end's word on what it sends has changed: these should be received. */
  | { readonly kind: "expect"; readonly sources: readonly Source[] };

/** The steps that can help a call, smallest first. A new session is a new call, which is for people to make. */
type CallStep = "renegotiate" | "republish" | "restart-ice";

/** A running repair of one source. */
interface CallReplay {
  readonly steps: readonly CallStep[];
  readonly at: number;
  readonly until: MonoMs;
  readonly rounds: number;
}

/** What one end knows of a call: plain data. */
export interface CallLedgerState {
  readonly sends: readonly CallSent[];
  readonly revision: number;
  /** The last receipt of the other end; undefined where it has said nothing yet. */
  readonly remote: Extract<LedgerBody, { kind: "receipt" }> | undefined;
  /** By source of the other end: only what is expected. */
  readonly standings: Readonly<Partial<Record<Source, Standing>>>;
  readonly replays: Readonly<Partial<Record<Source, CallReplay>>>;
  /** When the other end's requests were last heeded, so that two in a row do one thing. */
  readonly republishedAt: Readonly<Partial<Record<Source, MonoMs>>>;
  readonly interrupted: boolean;
  readonly nextAt: MonoMs | undefined;
}

/** How long each step may take to help. As a room's. */
const WAIT_MS: Readonly<Record<CallStep, number>> = { renegotiate: 1_000, republish: 1_500, "restart-ice": 4_000 };

const REST_MS = 5_000;
const MAX_REST_DOUBLINGS = 3;

/** What a call begins with. */
const NEW: CallLedgerState = {
  sends: [],
  revision: 0,
  remote: undefined,
  standings: {},
  replays: {},
  republishedAt: {},
  interrupted: false,
  nextAt: undefined,
};

/**
 * One end's ledger of a call between two people: says what it sends and receives, at once when that changes and at
 * every heartbeat, so that no lost message is missed for long; compares what the other end means to send with what comes
 * of it; and repairs by the smallest step that can help: renegotiate, have it published again by its sender, restart ICE.
 */
export function createCallLedger(
  timers: Pick<Timers, "receiptHeartbeatMs">,
): Machine<CallLedgerState, CallLedgerInput, CallLedgerEffect> {
  return {
    initial: NEW,
    step: (state, input, now) => step(timers.receiptHeartbeatMs, state, input, now),
    deadline: ({ nextAt, replays, interrupted }) => {
      let due = nextAt ?? Number.POSITIVE_INFINITY;
      if (!interrupted) for (const { until } of Object.values(replays)) due = Math.min(due, until);
      return due === Number.POSITIVE_INFINITY ? undefined : due;
    },
  };
}

type Effects = CallLedgerEffect[];

function step(
  heartbeatMs: number,
  before: CallLedgerState,
  input: CallLedgerInput | Tick,
  now: MonoMs,
): Step<CallLedgerState, CallLedgerEffect> {
  const effects: Effects = [];
  let state = heed(before, input, now, effects);
  const isNews = state.sends !== before.sends || state.standings !== before.standings;
  if (isNews || (state.nextAt !== undefined && now >= state.nextAt)) {
    state = { ...state, nextAt: now + heartbeatMs };
    effects.push({ kind: "tell", body: receiptOf(state) });
  }
  if (!state.interrupted) state = pursue(state, now, effects);
  return { state, effects };
}

function heed(state: CallLedgerState, input: CallLedgerInput | Tick, now: MonoMs, effects: Effects): CallLedgerState {
  switch (input.kind) {
    case "sends":
      return same(state.sends, input.sends) ? state : { ...state, sends: input.sends, revision: state.revision + 1 };
    case "standing":
      return onStanding(state, input.source, input.standing);
    case "interrupted":
      // What was tried while there was no path was not tried.
      return { ...state, interrupted: input.interrupted, replays: {} };
    case "told":
      return input.body.kind === "receipt"
        ? onReceipt(state, input.body, effects)
        : onRequest(state, input.body.source, now, effects);
    case "tick":
      return state;
  }
}

function onStanding(state: CallLedgerState, source: Source, standing: Standing): CallLedgerState {
  if ((state.standings[source] ?? "off") === standing) return state;
  const { [source]: _before, ...others } = state.standings;
  return { ...state, standings: standing === "off" ? others : { ...others, [source]: standing } };
}

function onReceipt(
  state: CallLedgerState,
  remote: NonNullable<CallLedgerState["remote"]>,
  effects: Effects,
): CallLedgerState {
  const known = state.remote;
  if (known && remote.revision < known.revision) return state;
  const live = (receipt: typeof known) => receipt?.sends.flatMap((one) => (one.intent === "live" ? [one.source] : []));
  const now = live(remote) ?? [];
  if (live(known)?.join() !== now.join()) effects.push({ kind: "expect", sources: now });
  return { ...state, remote };
}

function onRequest(state: CallLedgerState, source: Source, now: MonoMs, effects: Effects): CallLedgerState {
  const last = state.republishedAt[source];
  const isSent = state.sends.some((one) => one.source === source && one.intent === "live");
  if (!isSent || (last !== undefined && now - last < WAIT_MS.republish)) return state;
  effects.push({ kind: "republish", source });
  return { ...state, republishedAt: { ...state.republishedAt, [source]: now } };
}

/** Moves the repair of everything that is missing on, and ends that of what is not. */
function pursue(state: CallLedgerState, now: MonoMs, effects: Effects): CallLedgerState {
  const replays: Partial<Record<Source, CallReplay>> = {};
  let same = true;
  for (const [source, standing] of Object.entries(state.standings) as [Source, Standing][]) {
    const before = state.replays[source];
    if (standing !== "missing") continue;
    const replay = before && now < before.until ? before : advance(state, source, before, now, effects);
    replays[source] = replay;
    if (replay !== before) same = false;
  }
  return same && Object.keys(replays).length === Object.keys(state.replays).length ? state : { ...state, replays };
}

function advance(
  state: CallLedgerState,
  source: Source,
  before: CallReplay | undefined,
  now: MonoMs,
  effects: Effects,
): CallReplay {
  const rounds = before?.rounds ?? 0;
  const isOver = before !== undefined && before.at >= before.steps.length;
  const steps = before && !isOver ? before.steps : ladderOf(state, source);
  const at = before && !isOver ? before.at + 1 : 0;
  const next = steps[at];
  if (next === undefined) {
    const restMs = REST_MS * 2 ** Math.min(rounds, MAX_REST_DOUBLINGS);
    return { steps, at, until: now + restMs, rounds: rounds + 1 };
  }
  const why = `${source} of the other end is missing`;
  if (next === "republish") effects.push({ kind: "tell", body: { kind: "replay-request", source, why } });
  else effects.push({ kind: "renegotiate", why, iceRestart: next === "restart-ice" });
  return { steps, at, until: now + WAIT_MS[next], rounds };
}

/** Where it is broken decides what can help: at the sender, on a path that drops all, or in what was agreed. */
function ladderOf({ remote, standings }: CallLedgerState, source: Source): readonly CallStep[] {
  const isSent = remote?.sends.find((one) => one.source === source)?.sent;
  if (isSent === false) return ["republish"];
  const all = Object.values(standings);
  if (all.length > 1 && all.every((one) => one === "missing")) return ["restart-ice", "republish"];
  return ["renegotiate", "republish", "restart-ice"];
}

function receiptOf({ revision, remote, sends, standings }: CallLedgerState): LedgerBody {
  const receives: CallReceived[] = (Object.entries(standings) as [Source, Standing][]).map(([source, standing]) => ({
    source,
    received: standing === "received",
  }));
  return { kind: "receipt", revision, heard: remote?.revision ?? 0, sends: [...sends], receives };
}

function same(one: readonly CallSent[], other: readonly CallSent[]): boolean {
  return (
    one.length === other.length &&
    one.every((a) => other.some((b) => a.source === b.source && a.intent === b.intent && a.sent === b.sent))
  );
}
