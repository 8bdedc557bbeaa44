import type { LodelineError } from "@lodeline/base";
import type { EndReason } from "@lodeline/protocol";
import { remember } from "./memory.ts";
import { CAPTURE_STEPS, CHANNEL_STEPS, type PlanStep, RUN_STEPS, STOP_STEPS, startSteps } from "./plans.ts";
import {
  type EndedBy,
  isGivenBack,
  mergeOwned,
  type StepOutcome,
  type TeardownReceipt,
  type TeardownStep,
} from "./receipt.ts";
import type { SessionInput } from "./session-io.ts";
import type { ConnectingState, EndedState, EndingState, LiveState, SessionMemory } from "./session-state.ts";
import { changed, emit, say, type Turn } from "./turn.ts";

/** What happens at once when a session ends. */
export interface Ending {
  readonly reason: EndReason;
  readonly by: EndedBy;
  /** Whether the remote is to be told: not when it told us. */
  readonly tell: boolean;
  /** The present step of the start plan has failed: no answer of it is awaited. */
  readonly stepFailed?: boolean;
  /** Why the present step has failed, where it only waited for what failed. */
  readonly error?: LodelineError;
}

/** What becomes of a step that only waits, by who ended the wait. */
const PRESENT_OUTCOMES = { local: "abandoned", remote: "abandoned", deadline: "timed-out", world: "failed" } as const;

/** The end of a session begins; where nothing was opened it is its whole end. The reason given first stays. */
export function finish(turn: Turn, state: LiveState, ending: Ending): EndingState | EndedState {
  const { reason, by } = ending;
  const kind = state.kind === "IncomingInit" ? "reject" : "hangup";
  const told = ending.tell ? say(turn, state, { kind, reason }) : state;
  const memory = remember(told.memory, told.session, reason);
  if (told.kind === "OutgoingInit" || told.kind === "IncomingInit") {
    const receipt = receiptOf({ session: told.session, reason, by, steps: [], owned: [], left: [], durationMs: 0 });
    return conclude(turn, told.kind, memory, receipt);
  }
  let next = beginTeardown(turn, told, memory, ending);
  while (mayStart(next)) next = startNext(turn, next);
  // `Ending` is a state that everybody can see, even when there is nothing to do in it: it concludes at the next tick.
  return isOver(next) ? { ...next, deadlineMs: turn.now } : next;
}

function beginTeardown(turn: Turn, state: ConnectingState, memory: SessionMemory, ending: Ending): EndingState {
  const { options, now } = turn;
  const { session, start } = state;
  const present = startSteps(state.role)[start.at];
  const complete = present === undefined;
  const ended: EndingState = {
    kind: "Ending",
    memory,
    session,
    reason: ending.reason,
    by: ending.by,
    plan: complete ? "stop" : "undo",
    sinceMs: now,
    deadlineMs: now + options.timers.endingMs,
    todo: complete ? STOP_STEPS : start.done.toReversed(),
    running: [],
    pending:
      present && RUN_STEPS.has(present) && !ending.stepFailed ? { step: present, sinceMs: start.sinceMs } : undefined,
    hurried: ending.reason === "page-closed",
    steps: [],
    owned: start.owned,
  };
  if (present && !ended.pending && !ending.stepFailed) {
    const outcome = PRESENT_OUTCOMES[ending.by];
    const durationMs = now - start.sinceMs;
    const error = ending.error && { error: ending.error };
    emit(turn, { kind: "step", session, plan: "start", step: present, outcome, durationMs, ...error });
  }
  changed(turn, state.kind, ended, session, ending.reason);
  if (state.kind === "Active" && state.media) emit(turn, { kind: "media", session, ready: false });
  if (state.data) emit(turn, { kind: "data", session, ready: false });
  return ended;
}

/** Starts what may be started now, and concludes when nothing is left. */
function proceedTeardown(turn: Turn, state: EndingState): EndingState | EndedState {
  let next = state;
  while (mayStart(next)) next = startNext(turn, next);
  return isOver(next) ? concludeTeardown(turn, next, []) : next;
}

function isOver(state: EndingState): boolean {
  return state.todo.length === 0 && state.running.length === 0 && !state.pending;
}

function mayStart(state: EndingState): boolean {
  if (state.todo.length === 0) return false;
  if (state.hurried) return true;
  // A person may leave a permission prompt open for ever: only that step holds up nothing.
  const blocked = state.pending !== undefined && state.pending.step !== "open-devices";
  return state.running.length === 0 && !blocked;
}

function startNext(turn: Turn, state: EndingState): EndingState {
  const [step, ...todo] = state.todo;
  if (step === undefined) return state;
  const { options, now } = turn;
  const skipped =
    (options.captures === false && CAPTURE_STEPS.has(step)) || (!options.dataChannel && CHANNEL_STEPS.has(step));
  if (skipped) return record(turn, { ...state, todo }, step, "skipped", 0);
  const { session } = state;
  if (state.plan === "stop") turn.effects.push({ kind: "run", session, plan: "stop", step });
  else turn.effects.push({ kind: "undo", session, step: step });
  return { ...state, todo, running: [...state.running, { step, sinceMs: now }] };
}

/** A step has answered while the session ends. */
export function onTeardownStep(
  turn: Turn,
  state: EndingState,
  input: Extract<SessionInput, { kind: "step-done" | "step-failed" }>,
): EndingState | EndedState {
  const { step } = input;
  const reported = input.kind === "step-done" ? (input.value?.owned ?? []) : [];
  const owned = mergeOwned(state.owned, reported);
  if (input.plan === "start") {
    const { pending } = state;
    if (!pending || pending.step !== step) return state;
    const outcome = input.kind === "step-done" ? "abandoned" : "failed";
    emit(turn, {
      kind: "step",
      session: state.session,
      plan: "start",
      step,
      outcome,
      durationMs: turn.now - pending.sinceMs,
    });
    // What came too late was still opened: it is the newest, so it is the first to be taken back.
    const todo = input.kind === "step-done" ? [step, ...state.todo] : state.todo;
    return proceedTeardown(turn, { ...state, pending: undefined, todo, owned });
  }
  const entry = state.running.find((candidate) => candidate.step === step);
  if (!entry || input.plan !== state.plan) return state;
  const running = state.running.filter((candidate) => candidate !== entry);
  const outcome = input.kind === "step-done" ? "done" : "failed";
  const error = input.kind === "step-failed" ? input.error : undefined;
  const next = record(turn, { ...state, running, owned }, step, outcome, turn.now - entry.sinceMs, error);
  return proceedTeardown(turn, next);
}

/** The ending deadline has passed: what was not begun is begun without waiting, and what has not answered is named. */
export function abandonTeardown(turn: Turn, state: EndingState): EndedState {
  let next: EndingState = { ...state, hurried: true };
  while (mayStart(next)) next = startNext(turn, next);
  const late = next.running.map((entry) => entry.step);
  for (const { step, sinceMs } of next.running) next = record(turn, next, step, "timed-out", turn.now - sinceMs);
  const { pending, session } = next;
  if (!pending) return concludeTeardown(turn, next, late);
  const durationMs = turn.now - pending.sinceMs;
  emit(turn, { kind: "step", session, plan: "start", step: pending.step, outcome: "timed-out", durationMs });
  return concludeTeardown(turn, next, [...late, pending.step]);
}

function record(
  turn: Turn,
  state: EndingState,
  step: PlanStep,
  outcome: StepOutcome,
  durationMs: number,
  error?: Extract<SessionInput, { kind: "step-failed" }>["error"],
): EndingState {
  const { plan, session } = state;
  emit(turn, { kind: "step", session, plan, step, outcome, durationMs, ...(error ? { error } : {}) });
  return { ...state, steps: [...state.steps, { plan, step, outcome, durationMs }] };
}

function concludeTeardown(turn: Turn, state: EndingState, unanswered: readonly PlanStep[]): EndedState {
  const { session, reason, by, steps, owned } = state;
  const kept = owned.filter((thing) => !isGivenBack(thing)).map((thing) => `${thing.kind}:${thing.id}`);
  const left = [...unanswered, ...kept];
  const durationMs = turn.now - state.sinceMs;
  return conclude(turn, state.kind, state.memory, receiptOf({ session, reason, by, steps, owned, left, durationMs }));
}

function receiptOf(found: Omit<TeardownReceipt, "clean">): TeardownReceipt {
  return { ...found, clean: found.left.length === 0 && found.steps.every(succeeded) };
}

function succeeded(step: TeardownStep): boolean {
  return step.outcome === "done" || step.outcome === "skipped";
}

function conclude(
  turn: Turn,
  previous: "OutgoingInit" | "IncomingInit" | "Ending",
  memory: SessionMemory,
  receipt: TeardownReceipt,
): EndedState {
  const { session, reason, by } = receipt;
  const ended: EndedState = { kind: "Ended", memory, session, reason, by, receipt, sinceMs: turn.now };
  changed(turn, previous, ended, session, reason);
  emit(turn, { kind: "ended", session, reason, by, receipt });
  return ended;
}

/**
 * A step answered for a session that is no longer there. What a start step opened is taken back at once: a permission
 * given after the hangup must not leave the camera on.
 */
export function onLateStep(turn: Turn, input: Extract<SessionInput, { kind: "step-done" | "step-failed" }>): void {
  if (input.kind === "step-failed") return;
  const { session, plan, step } = input;
  if (plan === "start") turn.effects.push({ kind: "undo", session, step: step });
  else emit(turn, { kind: "released-late", session, step, owned: input.value?.owned ?? [] });
}
