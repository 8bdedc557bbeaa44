import { isSettled, startOffer, takeOffer } from "./negotiation.ts";
import { CAPTURE_STEPS, CHANNEL_STEPS, RUN_STEPS, type StartStep, startSteps } from "./plans.ts";
import { mergeOwned, type StepOutcome } from "./receipt.ts";
import type { SessionInput } from "./session-io.ts";
import type { ActiveState, ConnectingState, EndedState, EndingState } from "./session-state.ts";
import { finish } from "./teardown.ts";
import { changed, emit, type Turn } from "./turn.ts";

/** The step that the plan is at; `undefined` when it is complete. */
export function presentStep(state: ConnectingState): StartStep | undefined {
  return startSteps(state.role)[state.start.at];
}

/** Begins the first step and takes every one that needs no waiting. */
export function beginPlan(turn: Turn, state: ConnectingState): ConnectingState {
  return proceedPlan(turn, beginStep(turn, state));
}

/** Goes on through the plan as far as the facts allow. To be called after anything that a waiting step may wait for. */
export function proceedPlan(turn: Turn, state: ConnectingState): ConnectingState {
  let next = state;
  for (let step = presentStep(next); step !== undefined; step = presentStep(next)) {
    const skipped = isSkipped(turn, step);
    if (!skipped && !isOver(step, next)) break;
    next = completeStep(turn, next, step, skipped ? "skipped" : "done");
  }
  return next;
}

/** Whether what a waiting step waits for is the case. Steps that the world performs are over when it says so. */
function isOver(step: StartStep, state: ConnectingState): boolean {
  const { phase, epoch } = state.negotiation;
  const settled = isSettled(state);
  switch (step) {
    case "create-offer":
      return settled || (epoch > 0 && phase !== "creating");
    case "wait-answer":
      return settled || phase === "applying";
    case "wait-offer":
      return settled || phase === "answering";
    case "apply-answer":
    case "apply-offer":
    case "send-answer":
    case "add-candidates":
      return settled;
    case "wait-connected":
      return state.connection === "connected";
    default:
      return false;
  }
}

function isSkipped(turn: Turn, step: StartStep): boolean {
  const { captures, dataChannel } = turn.options;
  return (captures === false && CAPTURE_STEPS.has(step)) || (!dataChannel && CHANNEL_STEPS.has(step));
}

function completeStep(
  turn: Turn,
  state: ConnectingState,
  step: StartStep,
  outcome: StepOutcome,
  error?: Extract<SessionInput, { kind: "step-failed" }>["error"],
): ConnectingState {
  const { start, session } = state;
  const durationMs = turn.now - start.sinceMs;
  emit(turn, { kind: "step", session, plan: "start", step, outcome, durationMs, ...(error ? { error } : {}) });
  const done = outcome === "done" && RUN_STEPS.has(step) ? [...start.done, step] : start.done;
  const next = { ...state, start: { ...start, at: start.at + 1, sinceMs: turn.now, done } };
  return beginStep(turn, step === "wait-connected" ? becomeActive(turn, next) : next);
}

function beginStep(turn: Turn, state: ConnectingState): ConnectingState {
  const step = presentStep(state);
  if (step === undefined || isSkipped(turn, step)) return state;
  if (RUN_STEPS.has(step)) turn.effects.push({ kind: "run", session: state.session, plan: "start", step });
  else if (step === "create-offer") return startOffer(turn, state, false);
  else if (step === "wait-offer") return takeOffer(turn, state);
  return state;
}

/** The transport is connected for the first time: media may flow from here on, and tracks are enabled next. */
function becomeActive(turn: Turn, state: ConnectingState): ConnectingState {
  if (state.kind === "Active") return state;
  const { memory, session, role, sent, received, candidates, negotiation, start, connection, data } = state;
  const shared = { memory, session, role, sent, received, candidates, negotiation, start, connection, data };
  const active: ActiveState = { kind: "Active", ...shared, interrupted: undefined, media: false };
  return changed(turn, "Negotiating", active, state.session, "connected");
}

/** The world has performed the present step. Any other answer is a double and changes nothing. */
export function onStepDone(
  turn: Turn,
  state: ConnectingState,
  input: Extract<SessionInput, { kind: "step-done" }>,
): ConnectingState {
  const step = presentStep(state);
  if (input.plan !== "start" || step === undefined || step !== input.step || !RUN_STEPS.has(step)) return state;
  const owned = mergeOwned(state.start.owned, input.value?.owned ?? []);
  const reported = { ...state, start: { ...state.start, owned } };
  const next = completeStep(turn, reported, step, "done");
  if (step !== "enable-tracks" || next.kind !== "Active") return proceedPlan(turn, next);
  emit(turn, { kind: "media", session: next.session, ready: true });
  return { ...next, media: true };
}

/** The present step failed: the plan goes on without it where it can, and is undone otherwise. */
export function onStepFailed(
  turn: Turn,
  state: ConnectingState,
  input: Extract<SessionInput, { kind: "step-failed" }>,
): ConnectingState | EndingState | EndedState {
  const step = presentStep(state);
  if (input.plan !== "start" || step === undefined || step !== input.step || !RUN_STEPS.has(step)) return state;
  if (!input.fatal) return proceedPlan(turn, completeStep(turn, state, step, "failed", input.error));
  const { session, start } = state;
  const durationMs = turn.now - start.sinceMs;
  emit(turn, { kind: "step", session, plan: "start", step, outcome: "failed", durationMs, error: input.error });
  return finish(turn, state, { reason: "plan-failed", by: "world", tell: true, stepFailed: true });
}
