import type { MonoMs } from "@lodeline/base";
import { kindOf, type ReplayStep } from "@lodeline/protocol";
import { hopOf, pairWorks, receivedByOthers, transportOf, transportWorks } from "./hop.ts";
import { type Hop, LONE_LADDERS, REPLAY_LADDERS } from "./ladder.ts";
import { askRepair } from "./repair.ts";
import type { Replay, Row } from "./room-state.ts";
import type { Turn } from "./turn.ts";

/** After so many moves to another hop a replay only goes up, so that facts that flap cannot keep it at the first step. */
const MAX_MOVES = 4;

/** How long media may take to come through after the fault has moved towards the receiver. */
const HOLD_MS = 500;

/** The hops from sender to receiver; in a mesh what concerns the whole pair comes before the one track. */
const HOP_ORDER: Readonly<Partial<Record<Hop, number>>> = {
  "pair-setup": 1,
  "pair-path": 1,
  pair: 3,
  "sender-transport": 1,
  capture: 2,
  uplink: 3,
  "receiver-transport": 4,
  slot: 5,
  forwarder: 6,
  downlink: 7,
};

/** Rests double up to 2^3 times the first. */
const MAX_REST_DOUBLINGS = 3;

/**
 * Begins the replay of a row that is missing from now on, with the smallest step that can help.
 *
 * @param known - `told`: what was lost is known and has just been told again; that is the step.
 */
export function beginReplay(turn: Turn, row: Row, known?: "told"): Row {
  const hop = known ?? hopOf(turn, row);
  return takeStep(turn, row, hop, stepsOf(turn, row, hop)[0]);
}

/** Moves a missing row's replay on: to the next step at its deadline, or to another hop when the facts say so. */
export function climb(turn: Turn, row: Row): Row {
  if (turn.place(row.to)?.linkLostAt !== undefined) return row.due === undefined ? row : { ...row, due: undefined };
  const { replay } = row;
  if (!replay) return beginReplay(turn, row);
  const passed = turn.now >= replay.until;
  if (replay.hop === "told" && !passed) return withDue(row, replay.until);
  const hop = hopOf(turn, row);
  const steps = stepsOf(turn, row, hop);
  if (hop !== replay.hop && steps.length > 0 && (replay.moves < MAX_MOVES || replay.hop === "told")) {
    return helped(replay, hop, steps[0]) ? hold(turn, row, replay, hop) : takeStep(turn, row, hop, steps[0]);
  }
  if (!passed) return withoutWaiting(turn, row, replay, hop, steps);
  if (replay.resting) return takeStep(turn, row, hop, steps[0]);
  const next = nextOf(turn, row, hop, steps, replay.step);
  // All that was tried was for another hop, which works by now: at this one nothing was, however often the facts moved.
  if (next === undefined && hop !== replay.hop && steps.length > 0) return takeStep(turn, row, hop, steps[0]);
  // Before it rests, a row that only shared another's request makes its own: that one may have come before its fault.
  const own = next ?? (replay.merged ? steps.find((one) => one === replay.step) : undefined);
  return own === undefined ? askAgain(turn, row, hop, steps) : takeStep(turn, row, hop, own);
}

/** Nothing more can help, unless the message that asked somebody for it was lost: all that was asked once more, then rest. */
function askAgain(turn: Turn, row: Row, hop: Hop, steps: readonly ReplayStep[]): Row {
  const first = row.replay?.again ? undefined : steps.find((step) => isAsked(turn, step));
  if (first === undefined || !row.replay) return rest(turn, row);
  return takeStep(turn, { ...row, replay: { ...row.replay, again: true } }, hop, first);
}

/** Whether a step is asked of a participant, whom a message may not reach. The others are done here. */
function isAsked(turn: Turn, step: ReplayStep): boolean {
  if (step === "new-session") return turn.config.topology === "sfu";
  return step === "renegotiate" || step === "republish" || step === "restart-ice";
}

/**
 * Whether the fault has moved towards the receiver, so that something just helped: media needs a moment to come through,
 * and only a key frame is worth asking for at once.
 */
function helped(replay: Replay, hop: Hop, first: ReplayStep | undefined): boolean {
  return isDownstream(hop, replay.hop) && (first !== "key-frame" || replay.step === "key-frame");
}

/** Whether a hop lies nearer to the receiver than another. */
function isDownstream(hop: Hop, than: Hop): boolean {
  return (HOP_ORDER[hop] ?? 0) > (HOP_ORDER[than] ?? 0);
}

/**
 * Waits for what was asked, yet not for what has come: where the fault has moved towards the receiver, the step has done what
 * it could, and a replay that may not move any more goes on after the moment that media needs. Only ever sooner, so that
 * facts that flap gain nothing.
 */
function withoutWaiting(turn: Turn, row: Row, replay: Replay, hop: Hop, steps: readonly ReplayStep[]): Row {
  const until = Math.min(replay.until, turn.now + HOLD_MS);
  if (replay.resting || steps.length === 0 || !isDownstream(hop, replay.hop) || until === replay.until) {
    return withDue(row, replay.until);
  }
  return { ...row, replay: { ...replay, until }, due: until };
}

/** Waits that moment; then the ladder begins at the new hop. */
function hold(turn: Turn, row: Row, replay: Replay, hop: Hop): Row {
  const until = turn.now + HOLD_MS;
  return { ...row, replay: { ...replay, hop, moves: replay.moves + 1, until, resting: true }, due: until };
}

/** The steps that can help this row at this hop, smallest first. */
export function stepsOf(turn: Turn, row: Row, hop: Hop): readonly ReplayStep[] {
  return ladderOf(turn, row, hop).filter((step) => canHelp(turn, row, hop, step));
}

function ladderOf(turn: Turn, row: Row, hop: Hop): readonly ReplayStep[] {
  const { topology } = turn.config;
  const works = topology === "mesh" ? pairWorks(turn, row.from, row.to) : transportWorks(turn, row.to);
  return (works ? undefined : LONE_LADDERS[topology][hop]) ?? REPLAY_LADDERS[topology][hop] ?? [];
}

/** The step after another, of those that can help. One that is not on the ladder was of another: then the next larger. */
function nextOf(
  turn: Turn,
  row: Row,
  hop: Hop,
  steps: readonly ReplayStep[],
  step: ReplayStep,
): ReplayStep | undefined {
  const ladder = ladderOf(turn, row, hop);
  const at = ladder.indexOf(step);
  return steps.find((one) => (at < 0 ? rung(one) > rung(step) : ladder.indexOf(one) > at));
}

function canHelp(turn: Turn, row: Row, hop: Hop, step: ReplayStep): boolean {
  switch (step) {
    case "tell-again":
      return true;
    case "key-frame":
      return row.attached !== null && kindOf(row.source) === "video";
    case "reset-forwarder":
      return row.attached !== null;
    case "renegotiate":
      return turn.config.topology === "sfu" || initiatorHears(turn, row);
    case "republish":
      return hears(turn, row.from) && (republishesAlone(turn, hop) || !receivedByOthers(turn, row));
    case "restart-ice":
      return canRestart(turn, row, hop);
    case "new-session":
      return canRenew(turn, row, hop);
  }
}

/** Whether publishing again touches nobody who receives: in a mesh each pair has a sender of its own. */
function republishesAlone(turn: Turn, hop: Hop): boolean {
  return turn.config.topology === "mesh" || hop === "capture" || hop === "uplink";
}

function canRestart(turn: Turn, row: Row, hop: Hop): boolean {
  if (turn.config.topology === "mesh") return initiatorHears(turn, row) && !pairWorks(turn, row.from, row.to);
  const target = transportOf(row, hop);
  const media = turn.place(target)?.media;
  // What was never connected, or is closed, has nothing to restart.
  if (!media || media.upAt === undefined || media.state === "closed") return false;
  return hears(turn, target) && !transportWorks(turn, target);
}

function canRenew(turn: Turn, row: Row, hop: Hop): boolean {
  if (turn.config.topology === "mesh") {
    return hears(turn, row.from) && hears(turn, row.to) && !pairWorks(turn, row.from, row.to);
  }
  const target = transportOf(row, hop);
  return hears(turn, target) && !beingSetUp(turn, target) && !transportWorks(turn, target);
}

/** Whether a participant's session is on its way: it is given its time before another is asked for. */
function beingSetUp(turn: Turn, participant: string): boolean {
  const media = turn.place(participant)?.media;
  if (media?.session === undefined || media.upAt !== undefined || media.state === "closed") return false;
  return turn.now < media.since + turn.config.settings.setupMs;
}

function hears(turn: Turn, participant: string): boolean {
  const place = turn.place(participant);
  return place !== undefined && place.linkLostAt === undefined;
}

function initiatorHears(turn: Turn, row: Row): boolean {
  const initiator = turn.pairOf(row.from, row.to)?.pair.initiatorId;
  return initiator !== undefined && hears(turn, initiator);
}

function takeStep(turn: Turn, row: Row, hop: Hop, step: ReplayStep | undefined): Row {
  if (step === undefined) return rest(turn, row);
  const before = row.replay;
  const moved = before !== null && before.hop !== hop && before.hop !== "told";
  const replay: Replay = {
    hop,
    step,
    attempt: (before?.attempt ?? 0) + 1,
    since: before?.since ?? turn.wall,
    began: before?.began ?? turn.now,
    rounds: before?.rounds ?? 0,
    moves: (before?.moves ?? 0) + (moved ? 1 : 0),
    until: stepEnd(turn, row, hop, step),
    resting: false,
    merged: false,
    again: before?.again ?? false,
  };
  const earlier = askRepair(turn, row, replay);
  if (earlier === undefined) return { ...row, replay, due: replay.until };
  // Its request may have come before this fault: it has that one's time, and is not counted as a try of this row.
  const until = Math.min(replay.until, earlier + turn.config.settings.replayWaitMs[step]);
  const merged: Replay = { ...replay, attempt: before?.attempt ?? 0, until, merged: true };
  return { ...row, replay: merged, due: until };
}

function stepEnd(turn: Turn, row: Row, hop: Hop, step: ReplayStep): MonoMs {
  const end = turn.now + turn.config.settings.replayWaitMs[step];
  if (hop !== "pair-setup" || step !== "tell-again") return end;
  // Two who are still connecting are given their time before anything larger than a repetition.
  const pair = turn.pairOf(row.from, row.to);
  return Math.max(end, (pair?.answeredAt ?? pair?.since ?? turn.now) + turn.config.settings.setupMs);
}

/** Nothing (more) can help now: wait, then begin again. Any change of the facts is looked at before that. */
function rest(turn: Turn, row: Row): Row {
  const { replay } = row;
  const rounds = replay ? replay.rounds + (replay.resting ? 0 : 1) : 0;
  const doublings = Math.min(Math.max(rounds - 1, 0), MAX_REST_DOUBLINGS);
  const until = turn.now + turn.config.settings.replayRestMs * 2 ** doublings;
  return { ...row, replay: replay && { ...replay, rounds, until, resting: true }, due: until };
}

function withDue(row: Row, due: MonoMs): Row {
  return row.due === due ? row : { ...row, due };
}

const RUNGS: Readonly<Record<ReplayStep, number>> = {
  "tell-again": 0,
  "key-frame": 1,
  "reset-forwarder": 2,
  renegotiate: 3,
  republish: 4,
  "restart-ice": 5,
  "new-session": 6,
};

function rung(step: ReplayStep): number {
  return RUNGS[step];
}
