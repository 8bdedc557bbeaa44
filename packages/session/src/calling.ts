import type { Signal } from "@lodeline/protocol";
import { NO_CANDIDATES } from "./candidate-queue.ts";
import { release } from "./memory.ts";
import { NO_NEGOTIATION, onCandidate, onOffer } from "./negotiation.ts";
import type { SessionRole } from "./plans.ts";
import { NO_NUMBERS, note } from "./received-numbers.ts";
import { isDue, saidAgain, saidNow } from "./say-again.ts";
import type { SessionInput } from "./session-io.ts";
import type {
  ConnectingState,
  IncomingInitState,
  LiveState,
  NegotiatingState,
  OutgoingInitState,
  SessionMemory,
  SessionState,
} from "./session-state.ts";
import { beginPlan } from "./start-plan.ts";
import { answerLoose, changed, emit, say, type Turn } from "./turn.ts";

/** Between two words of an end at which it rings. */
const STILL_RINGS_MS = 2_000;

type CallInput = Extract<SessionInput, { kind: "call" }>;
type CallInit = Extract<Signal["body"], { kind: "call:init" }>;

/** What a session has from its first moment. */
function born(memory: SessionMemory, session: string, role: SessionRole) {
  return {
    memory,
    session,
    role,
    sent: 0,
    received: NO_NUMBERS,
    candidates: NO_CANDIDATES,
    negotiation: NO_NEGOTIATION,
  };
}

/** Idle -> OutgoingInit. */
export function dial(turn: Turn, memory: SessionMemory, input: CallInput): OutgoingInitState {
  const { session, name, audio, video } = input;
  const deadlineMs = turn.now + turn.options.timers.noAnswerMs;
  const body = { kind: "call:init", name, audio, video } as const;
  const init = saidNow(body, turn.now);
  const state: OutgoingInitState = { kind: "OutgoingInit", ...born(memory, session, "offerer"), deadlineMs, init };
  return changed(turn, "Idle", say(turn, state, body), session, "call");
}

/** Nobody has answered yet: perhaps nobody was told. */
export function dialAgain(turn: Turn, state: OutgoingInitState): OutgoingInitState {
  const { init } = state;
  return isDue(init, turn.now) ? say(turn, { ...state, init: saidAgain(init, turn.now) }, init.body) : state;
}

/** The caller says again that it calls: it does not know that it was accepted. */
export function callHeardAgain(turn: Turn, state: LiveState): LiveState {
  const waits = state.kind === "Negotiating" && state.role === "answerer" && state.negotiation.epoch === 0;
  return waits && state.negotiation.offer === undefined ? say(turn, state, { kind: "accept" }) : state;
}

/** Idle -> IncomingInit. What overtook the call is taken up now. */
export function ring(turn: Turn, memory: SessionMemory, signal: Signal, init: CallInit): IncomingInitState {
  const { session } = signal;
  const { name, audio, video } = init;
  const held = release(memory, session);
  const shared = born(held.memory, session, "answerer");
  const received = note(shared.received, signal.seq) ?? shared.received;
  const deadlineMs = turn.now + turn.options.timers.ringingMs;
  const sayMs = turn.now + STILL_RINGS_MS;
  const state: IncomingInitState = { kind: "IncomingInit", ...shared, received, name, audio, video, deadlineMs, sayMs };
  changed(turn, "Idle", state, session, "call:init");
  emit(turn, { kind: "incoming", session, name, audio, video });
  return replay(turn, state, held.signals);
}

/**
 * It rings here, and perhaps should not any more: the word that ends a ringing is said once, and may be lost. So who rings
 * says so, and whoever knows better answers. A receipt of nothing, without a number: it is about no media.
 */
export function ringOn(turn: Turn, state: IncomingInitState): IncomingInitState {
  if (turn.now < state.sayMs) return state;
  answerLoose(turn, state.session, 0, { kind: "receipt", revision: 0, heard: 0, sends: [], receives: [] });
  return { ...state, sayMs: turn.now + STILL_RINGS_MS };
}

/** IncomingInit -> Negotiating: this is what makes the connection, and the only thing that does. */
export function answerCall(turn: Turn, state: IncomingInitState): ConnectingState {
  return negotiate(turn, say(turn, state, { kind: "accept" }), "accept");
}

/** OutgoingInit -> Negotiating, as the initiator. */
export function callAccepted(turn: Turn, state: OutgoingInitState): ConnectingState {
  return negotiate(turn, state, "signal:accept");
}

/**
 * Both ends call each other. The session of the lower identity lives; this end has the higher one, so it gives its own
 * up and accepts the other, to which both have agreed already.
 */
export function yieldCall(
  turn: Turn,
  state: OutgoingInitState,
  memory: SessionMemory,
  signal: Signal,
): ConnectingState {
  const { session } = signal;
  say(turn, state, { kind: "hangup", reason: "replaced" });
  const held = release(memory, session);
  const shared = born(held.memory, session, "answerer");
  const received = note(shared.received, signal.seq) ?? shared.received;
  emit(turn, { kind: "merged", session, from: state.session });
  const { deadlineMs } = state;
  const adopted: OutgoingInitState = { kind: "OutgoingInit", ...shared, received, deadlineMs, init: undefined };
  const accepted = say(turn, replay(turn, adopted, held.signals), { kind: "accept" });
  return negotiate(turn, accepted, "merged");
}

/** Idle -> Negotiating, where the server has named the offerer. */
export function begin(turn: Turn, memory: SessionMemory, session: string, role: SessionRole): ConnectingState {
  const held = release(memory, session);
  const state = enterNegotiating(turn, "Idle", born(held.memory, session, role), "assign");
  return beginPlan(turn, replay(turn, state, held.signals));
}

function negotiate(turn: Turn, state: OutgoingInitState | IncomingInitState, reason: string): ConnectingState {
  const { memory, session, role, sent, received, candidates, negotiation } = state;
  const shared = { memory, session, role, sent, received, candidates, negotiation };
  return beginPlan(turn, enterNegotiating(turn, state.kind, shared, reason));
}

function enterNegotiating(
  turn: Turn,
  previous: SessionState["kind"],
  shared: ReturnType<typeof born>,
  reason: string,
): NegotiatingState {
  const { now, options } = turn;
  const state: NegotiatingState = {
    kind: "Negotiating",
    ...shared,
    start: { at: 0, sinceMs: now, done: [], owned: [] },
    connection: "new",
    data: false,
    deadlineMs: now + options.timers.negotiatingMs,
  };
  return changed(turn, previous, state, shared.session, reason);
}

/** Takes up the signals that came before their session: candidates and an offer; nothing else can mean anything yet. */
function replay<S extends LiveState>(turn: Turn, state: S, signals: readonly Signal[]): S {
  let next = state;
  for (const { seq, epoch, body } of signals) {
    const received = note(next.received, seq);
    if (!received) continue;
    next = { ...next, received };
    if (body.kind === "candidate") next = onCandidate(turn, next, epoch, body.candidate);
    else if (body.kind === "offer") next = onOffer(turn, next, epoch, body.offer);
  }
  return next;
}
