import { type Machine, type MonoMs, type Step, type Tick, toLodelineError } from "@lodeline/base";
import { answerCall, begin, dial, dialAgain, ring, ringOn } from "./calling.ts";
import { connectionDeadline, onActiveTick, onNegotiatingTick, onTransport } from "./connection.ts";
import { expireHeld, heldDeadline, NO_MEMORY, pastReason } from "./memory.ts";
import { onAnswerApplied, onAnswerCreated, onDescriptionFailed, onOfferCreated, want } from "./negotiation.ts";
import type { SessionEffect, SessionInput, SessionOptions } from "./session-io.ts";
import type { ConnectingState, IdleState, SessionState } from "./session-state.ts";
import { onSignal } from "./signals.ts";
import { onStepDone, onStepFailed, proceedPlan } from "./start-plan.ts";
import { abandonTeardown, finish, onLateStep, onTeardownStep } from "./teardown.ts";
import { changed, emit, refuse, refuseRemote, say, type Turn } from "./turn.ts";

type Input<K extends SessionInput["kind"]> = Extract<SessionInput, { kind: K }>;
type Handler<I> = (turn: Turn, state: SessionState, input: I) => SessionState;

/**
 * Makes the machine of one peer's session: seven states from `Idle` back to `Idle`, for as many sessions with the same
 * remote as there may be, one at a time. Run it with `drive` of `@lodeline/base`.
 *
 * It never throws for what a person, a peer or the world does: an input that does not fit the state is refused by an
 * event (`protocol/out-of-turn`) or, where it is only late or doubled, ignored.
 */
export function createPeerSession(options: SessionOptions): Machine<SessionState, SessionInput, SessionEffect> {
  return {
    initial: { kind: "Idle", memory: NO_MEMORY },
    step: (state, input, now) => step(options, state, input, now),
    deadline: (state) => deadline(options, state),
  };
}

function step(
  options: SessionOptions,
  state: SessionState,
  input: SessionInput | Tick,
  now: MonoMs,
): Step<SessionState, SessionEffect> {
  const turn: Turn = { options, now, effects: [] };
  const handle = HANDLERS[input.kind] as Handler<SessionInput | Tick>;
  return { state: handle(turn, state, input), effects: turn.effects };
}

/** One handler for each kind of input. */
const HANDLERS: { readonly [K in SessionInput["kind"]]: Handler<Input<K>> } & { readonly tick: Handler<Tick> } = {
  call: onCall,
  assign: onAssign,
  accept: (turn, state) =>
    state.kind === "IncomingInit" ? answerCall(turn, state) : outOfTurn(turn, state, "Nobody calls."),
  reject: (turn, state, { reason }) =>
    state.kind === "IncomingInit"
      ? finish(turn, state, { reason, by: "local", tell: true })
      : outOfTurn(turn, state, "Nobody calls."),
  end: onEnd,
  signal: (turn, state, { signal }) => onSignal(turn, state, signal),
  "step-done": onStep,
  "step-failed": onStep,
  "offer-created": connecting((turn, state, input) => proceedPlan(turn, onOfferCreated(turn, state, input))),
  "answer-created": connecting((turn, state, input) => proceedPlan(turn, onAnswerCreated(turn, state, input))),
  "answer-applied": connecting((turn, state, input) => proceedPlan(turn, onAnswerApplied(turn, state, input))),
  "description-failed": connecting(onDescriptionFailed),
  "local-candidate": connecting((turn, state, { epoch, candidate }) =>
    say(turn, state, { kind: "candidate", candidate }, epoch),
  ),
  "candidate-failed": connecting((turn, state, { epoch, error }) =>
    refuseRemote(turn, state, epoch, toLodelineError(error, "candidate/refused")),
  ),
  transport: connecting((turn, state, { connection }) => onTransport(turn, state, connection)),
  data: connecting((turn, state, { session, open }) => {
    if (state.data === open) return state;
    emit(turn, { kind: "data", session, ready: open });
    return { ...state, data: open };
  }),
  renegotiate: (turn, state, { why, iceRestart }) =>
    isConnecting(state) ? want(turn, state, why, iceRestart) : outOfTurn(turn, state, "There is no connection."),
  tell: (turn, state, { body }) => (isConnecting(state) ? say(turn, state, body) : state),
  tick: onTick,
};

function isConnecting(state: SessionState): state is ConnectingState {
  return state.kind === "Negotiating" || state.kind === "Active";
}

/** What the world reports of a connection counts for the session it names, while that has a connection. */
function connecting<I extends { readonly session: string }>(
  handle: (turn: Turn, state: ConnectingState, input: I) => SessionState,
): Handler<I> {
  return (turn, state, input) =>
    isConnecting(state) && state.session === input.session ? handle(turn, state, input) : state;
}

function outOfTurn(turn: Turn, state: SessionState, detail: string): SessionState {
  const session = state.kind === "Idle" ? "" : state.session;
  refuse(turn, session, 0, "protocol/out-of-turn", { detail });
  return state;
}

function onCall(turn: Turn, state: SessionState, input: Input<"call">): SessionState {
  const { localId, remoteId, use } = turn.options;
  if (use !== "call") return outOfTurn(turn, state, "This session is assigned, not called.");
  if (localId === remoteId) {
    refuse(turn, input.session, 0, "call/self");
    return state;
  }
  if (isUsed(state, input.session)) return outOfTurn(turn, state, "This session id was used already.");
  switch (state.kind) {
    case "Idle":
      return dial(turn, state.memory, input);
    case "IncomingInit":
      // Calling someone who is calling is saying yes.
      emit(turn, { kind: "merged", session: state.session, from: input.session });
      return answerCall(turn, state);
    case "Ending":
    case "Ended":
      return { ...state, memory: { ...state.memory, next: input } };
    default:
      return outOfTurn(turn, state, "There is a session with this remote already.");
  }
}

function onAssign(turn: Turn, state: SessionState, input: Input<"assign">): SessionState {
  if (turn.options.use === "call") return outOfTurn(turn, state, "This session is called, not assigned.");
  // The same assignment again: a room told again what it told before.
  if (isUsed(state, input.session)) return state;
  if (state.kind === "Idle") return begin(turn, state.memory, input.session, input.role);
  const waiting = { ...state, memory: { ...state.memory, next: input } };
  if (waiting.kind === "Ending" || waiting.kind === "Ended") return waiting;
  return finish(turn, waiting, { reason: "replaced", by: "local", tell: true });
}

function isUsed(state: SessionState, session: string): boolean {
  if (state.kind !== "Idle" && state.session === session) return true;
  return pastReason(state.memory, session) !== undefined;
}

function onEnd(turn: Turn, state: SessionState, input: Input<"end">): SessionState {
  const withdrawn =
    state.memory.next === undefined ? state : { ...state, memory: { ...state.memory, next: undefined } };
  switch (withdrawn.kind) {
    case "Idle":
    case "Ending":
    case "Ended":
      return withdrawn;
    default:
      return finish(turn, withdrawn, { reason: input.reason, by: "local", tell: true });
  }
}

function onStep(turn: Turn, state: SessionState, input: Input<"step-done" | "step-failed">): SessionState {
  if (state.kind !== "Idle" && state.kind !== "Ended" && state.session === input.session) {
    if (state.kind === "Ending") return onTeardownStep(turn, state, input);
    if (!isConnecting(state)) return state;
    return input.kind === "step-done" ? onStepDone(turn, state, input) : onStepFailed(turn, state, input);
  }
  onLateStep(turn, input);
  return state;
}

function onTick(turn: Turn, state: SessionState): SessionState {
  const memory = expireHeld(turn, state.memory);
  const present = memory === state.memory ? state : { ...state, memory };
  switch (present.kind) {
    case "Idle":
      return onIdleTick(turn, present);
    case "OutgoingInit":
      if (turn.now < present.deadlineMs) return dialAgain(turn, present);
      return finish(turn, present, { reason: "no-answer", by: "deadline", tell: true });
    case "IncomingInit":
      if (turn.now < present.deadlineMs) return ringOn(turn, present);
      return finish(turn, present, { reason: "ringing-timeout", by: "deadline", tell: true });
    case "Negotiating":
      return onNegotiatingTick(turn, present);
    case "Active":
      return onActiveTick(turn, present);
    case "Ending":
      return turn.now < present.deadlineMs ? present : abandonTeardown(turn, present);
    case "Ended":
      return changed(turn, "Ended", { kind: "Idle", memory: present.memory }, present.session, "over");
  }
}

/** What waited for the last session to be over. */
function onIdleTick(turn: Turn, state: IdleState): SessionState {
  const { next, held } = state.memory;
  const memory = { ...state.memory, next: undefined };
  const call = held.find((entry) => entry.signal.body.kind === "call:init")?.signal;
  if (call?.body.kind === "call:init") {
    const rest = { ...memory, held: held.filter((entry) => entry.signal !== call) };
    const ringing = ring(turn, rest, call, call.body);
    return next?.kind === "call" ? onCall(turn, ringing, next) : ringing;
  }
  if (next?.kind === "call") return dial(turn, memory, next);
  if (next?.kind === "assign") return begin(turn, memory, next.session, next.role);
  return state;
}

function deadline(options: SessionOptions, state: SessionState): MonoMs | undefined {
  const own = ownDeadline(options, state);
  const held = state.memory.held.length === 0 ? undefined : heldDeadline({ options }, state.memory);
  if (own === undefined || held === undefined) return own ?? held;
  return Math.min(own, held);
}

function ownDeadline(options: SessionOptions, state: SessionState): MonoMs | undefined {
  switch (state.kind) {
    case "Idle":
      return hasWaiting(state) ? 0 : undefined;
    case "Ended":
      return state.sinceMs;
    case "Negotiating":
    case "Active":
      return connectionDeadline({ options }, state);
    case "OutgoingInit":
      return Math.min(state.deadlineMs, state.init?.againMs ?? state.deadlineMs);
    case "IncomingInit":
      return Math.min(state.deadlineMs, state.sayMs);
    case "Ending":
      return state.deadlineMs;
  }
}

function hasWaiting(state: IdleState): boolean {
  const { next, held } = state.memory;
  return next !== undefined || held.some((entry) => entry.signal.body.kind === "call:init");
}
