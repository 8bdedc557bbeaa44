import { LodelineError } from "@lodeline/base";
import type { Signal, SignalBody } from "@lodeline/protocol";
import { callAccepted, callHeardAgain, ring, yieldCall } from "./calling.ts";
import { hold, pastReason, remember } from "./memory.ts";
import {
  isSettled,
  onAnswer,
  onCandidate,
  onNegotiationNeeded,
  onOffer,
  onOfferRefused,
  takeOffer,
} from "./negotiation.ts";
import { note } from "./received-numbers.ts";
import type { LedgerBody } from "./session-io.ts";
import type { ConnectingState, LiveState, SessionState } from "./session-state.ts";
import { presentStep, proceedPlan } from "./start-plan.ts";
import { finish } from "./teardown.ts";
import { answerLoose, emit, errorOf, refusalOf, refuse, type Turn } from "./turn.ts";

/** Something came from the remote. Late, doubled and reordered signals change nothing. */
export function onSignal(turn: Turn, state: SessionState, signal: Signal): SessionState {
  if (state.kind === "Idle" || state.kind === "Ended" || signal.session !== state.session) {
    return onForeign(turn, state, signal);
  }
  // The end has been decided and told.
  if (state.kind === "Ending") return state;
  const received = note(state.received, signal.seq);
  if (!received) return state;
  const handle = HANDLERS[signal.body.kind] as Handler<SignalBody>;
  return handle(turn, { ...state, received }, signal.body, signal.epoch);
}

type Handler<B extends SignalBody> = (turn: Turn, state: LiveState, body: B, epoch: number) => SessionState;

/** One handler for each kind of signal of the present session. */
const HANDLERS: { readonly [K in SignalBody["kind"]]: Handler<Extract<SignalBody, { kind: K }>> } = {
  "call:init": callHeardAgain,
  accept: (turn, state) => (state.kind === "OutgoingInit" ? callAccepted(turn, state) : state),
  reject: (turn, state, body) => finish(turn, state, { reason: body.reason, by: "remote", tell: false }),
  hangup: (turn, state, body) => finish(turn, state, { reason: body.reason, by: "remote", tell: false }),
  offer: (turn, state, body, epoch) => {
    const next = onOffer(turn, state, epoch, body.offer);
    return isConnecting(next) && hasReachedOffers(next) ? proceedPlan(turn, takeOffer(turn, next)) : next;
  },
  answer: (turn, state, body, epoch) => {
    const next = onAnswer(turn, state, epoch, body.sdp);
    return isConnecting(next) ? proceedPlan(turn, next) : next;
  },
  candidate: (turn, state, body, epoch) => onCandidate(turn, state, epoch, body.candidate),
  "negotiation-needed": (turn, state, body, epoch) =>
    isConnecting(state) ? onNegotiationNeeded(turn, state, epoch, body.why, body.iceRestart) : state,
  receipt: onTold,
  "replay-request": onTold,
  refused: onRefused,
};

/** The ledger of a call is not the session's own affair: handed on, once. */
function onTold(turn: Turn, state: LiveState, body: LedgerBody): SessionState {
  if (isConnecting(state)) emit(turn, { kind: "told", session: state.session, body });
  return state;
}

function isConnecting(state: SessionState): state is ConnectingState {
  return state.kind === "Negotiating" || state.kind === "Active";
}

/** The connection and its tracks are there: an offer may be applied. */
function hasReachedOffers(state: ConnectingState): boolean {
  return isSettled(state) || state.negotiation.epoch > 0 || presentStep(state) === "wait-offer";
}

function onRefused(
  turn: Turn,
  state: LiveState,
  body: Extract<SignalBody, { kind: "refused" }>,
  epoch: number,
): SessionState {
  const { session, negotiation } = state;
  const error = errorOf(body);
  emit(turn, { kind: "refused", session, by: "remote", error, epoch });
  // A refused candidate costs a path, not the session; and what was said in an earlier negotiation is history.
  if (error.code.startsWith("candidate/") || epoch !== negotiation.epoch) return state;
  if (error.code === "session/unknown")
    return finish(turn, state, { reason: "remote-gone", by: "remote", tell: false });
  if (state.kind === "OutgoingInit") return finish(turn, state, { reason: "refused", by: "remote", tell: true });
  return isConnecting(state) && negotiation.phase === "offered" ? onOfferRefused(turn, state) : state;
}

/** Whoever still calls, accepts, offers, rings or tells of its media in a session that is over believes in it. */
const BELIEVES: ReadonlySet<SignalBody["kind"]> = new Set(["call:init", "accept", "offer", "receipt"]);

/** A signal of a session that is not the present one. */
function onForeign(turn: Turn, state: SessionState, signal: Signal): SessionState {
  const { session, epoch, body } = signal;
  const past = pastReason(state.memory, session);
  if (past !== undefined) {
    if (BELIEVES.has(body.kind)) answerLoose(turn, session, epoch, { kind: "hangup", reason: past });
    return state;
  }
  switch (body.kind) {
    case "hangup":
    case "reject":
      return { ...state, memory: remember(state.memory, session, body.reason) };
    case "refused":
      emit(turn, { kind: "refused", session, by: "remote", error: errorOf(body), epoch });
      return state;
    case "call:init":
      return onCallInit(turn, state, signal, body);
    default:
      return later(turn, state, signal);
  }
}

/** The remote calls, with a session of its own. */
function onCallInit(
  turn: Turn,
  state: SessionState,
  signal: Signal,
  init: Extract<SignalBody, { kind: "call:init" }>,
): SessionState {
  const { session, epoch } = signal;
  if (turn.options.use !== "call") {
    const error = new LodelineError("protocol/out-of-turn");
    refuse(turn, session, epoch, error.code);
    answerLoose(turn, session, epoch, refusalOf(error));
    return state;
  }
  switch (state.kind) {
    case "Idle":
      return ring(turn, state.memory, signal, init);
    case "OutgoingInit": {
      const { localId, remoteId } = turn.options;
      if (localId > remoteId) return yieldCall(turn, state, remember(state.memory, state.session, "replaced"), signal);
      emit(turn, { kind: "merged", session: state.session, from: session });
      return { ...state, memory: remember(state.memory, session, "replaced") };
    }
    case "Ending":
    case "Ended":
      return later(turn, state, signal);
    case "IncomingInit":
      // Whoever calls anew has given the earlier call up, even if its hangup was lost.
      return finish(turn, later(turn, state, signal), { reason: "replaced", by: "remote", tell: true });
    case "Active":
      // Silence and a new call together: the remote has lost this session and begins anew.
      if (state.interrupted)
        return finish(turn, later(turn, state, signal), { reason: "replaced", by: "remote", tell: true });
      return busy(turn, state, session);
    case "Negotiating":
      return busy(turn, state, session);
  }
}

/** Keeps the signal until its session begins here. */
function later<S extends SessionState>(turn: Turn, state: S, signal: Signal): S {
  return { ...state, memory: hold(turn, state.memory, signal) };
}

function busy(turn: Turn, state: ConnectingState, session: string): SessionState {
  answerLoose(turn, session, 0, { kind: "reject", reason: "busy" });
  return { ...state, memory: remember(state.memory, session, "busy") };
}
