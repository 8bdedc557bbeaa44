import { type Connected, offerAgain, onUnsettled, pursue, startOffer, want } from "./negotiation.ts";
import type { ConnectionState } from "./session-io.ts";
import type { ActiveState, ConnectingState, Interruption, NegotiatingState } from "./session-state.ts";
import { proceedPlan } from "./start-plan.ts";
import { finish } from "./teardown.ts";
import { emit, say, type Turn } from "./turn.ts";

/** The transport has changed (W3C RTCPeerConnectionState). */
export function onTransport(turn: Turn, state: ConnectingState, connection: ConnectionState): Connected {
  if (connection === state.connection) return state;
  const next: ConnectingState = { ...state, connection };
  if (connection === "closed") {
    return finish(turn, next, { reason: "connection-failed", by: "world", tell: true });
  }
  if (next.kind === "Negotiating") return onTransportNegotiating(turn, next);
  if (connection === "connected") return onRecovered(turn, next);
  return connection === "disconnected" || connection === "failed" ? onInterrupted(turn, next) : next;
}

function onTransportNegotiating(turn: Turn, state: NegotiatingState): Connected {
  if (state.connection === "connected") return proceedPlan(turn, state);
  if (state.connection !== "failed") return state;
  // The path may still be found with fresh candidates; `negotiatingMs` decides how long that is tried.
  return want(turn, state, "transport failed", true, nextRestart(turn, state));
}

function onRecovered(turn: Turn, state: ActiveState): ConnectingState {
  const { interrupted, negotiation, session } = state;
  if (!interrupted) return state;
  emit(turn, { kind: "recovered", session, durationMs: turn.now - interrupted.sinceMs });
  const wanted = negotiation.wanted?.iceRestart ? undefined : negotiation.wanted;
  return { ...state, interrupted: undefined, negotiation: { ...negotiation, wanted } };
}

/** The session stays `Active`: only a recovery that fails ends it. */
function onInterrupted(turn: Turn, state: ActiveState): ConnectingState {
  const { options, now } = turn;
  if (state.interrupted) return { ...state, interrupted: sooner(state.interrupted, nextRestart(turn, state)) };
  emit(turn, { kind: "interrupted", session: state.session, connection: state.connection });
  const interrupted: Interruption = {
    sinceMs: now,
    deadlineMs: now + options.timers.recoveryMs,
    retryMs: now + options.timers.iceRestartMs,
  };
  return restart(turn, state, interrupted);
}

function sooner(interrupted: Interruption, retryMs: number): Interruption {
  return retryMs < interrupted.retryMs ? { ...interrupted, retryMs } : interrupted;
}

/** When ICE may be restarted again. */
function nextRestart(turn: Turn, state: ConnectingState): number {
  const last = state.negotiation.restartedMs;
  return last === undefined ? turn.now : Math.max(turn.now, last + turn.options.timers.iceRestartMs);
}

/** The offerer restarts ICE; the answerer, who may be the only one to notice, asks for it. */
function restart(turn: Turn, state: ActiveState, interrupted: Interruption): ConnectingState {
  const { negotiation, connection } = state;
  const nextMs = nextRestart(turn, state);
  // One that has just begun, or been asked for, is the answer to this interruption too.
  if (nextMs > turn.now) return { ...state, interrupted: { ...interrupted, retryMs: nextMs } };
  const retried = { ...state, interrupted };
  if (state.role === "offerer") return startOffer(turn, retried, true);
  if (negotiation.phase === "answering") return retried;
  const asked = { ...retried, negotiation: { ...negotiation, restartedMs: turn.now } };
  return say(turn, asked, { kind: "negotiation-needed", why: `transport ${connection}`, iceRestart: true });
}

/** When something of a connecting or active session is due. */
export function connectionDeadline(turn: Pick<Turn, "options">, state: ConnectingState): number | undefined {
  const { wanted, phase, sinceMs, said } = state.negotiation;
  let due = state.kind === "Negotiating" ? state.deadlineMs : Number.POSITIVE_INFINITY;
  if (phase === "offered" && said?.againMs !== undefined) due = Math.min(due, said.againMs);
  if (wanted && phase === "stable" && state.candidates.open > 0) due = Math.min(due, wanted.atMs);
  if (state.kind === "Active" && state.interrupted) {
    due = Math.min(due, state.interrupted.deadlineMs, state.interrupted.retryMs);
  } else if (state.kind === "Active" && phase !== "stable") {
    due = Math.min(due, sinceMs + turn.options.timers.negotiatingMs);
  }
  return due === Number.POSITIVE_INFINITY ? undefined : due;
}

/** Time has passed in `Negotiating`. */
export function onNegotiatingTick(turn: Turn, state: NegotiatingState): Connected {
  if (turn.now < state.deadlineMs) return pursue(turn, offerAgain(turn, state));
  const reason = state.connection === "failed" ? "connection-failed" : "setup-timeout";
  return finish(turn, state, { reason, by: "deadline", tell: true });
}

/** Time has passed in `Active`. */
export function onActiveTick(turn: Turn, state: ActiveState): Connected {
  const again = offerAgain(turn, state);
  if (again !== state) return again;
  const { interrupted, negotiation } = state;
  const { iceRestartMs, negotiatingMs } = turn.options.timers;
  if (!interrupted) {
    const unsettled = negotiation.phase !== "stable" && turn.now >= negotiation.sinceMs + negotiatingMs;
    return unsettled ? onUnsettled(turn, state) : pursue(turn, state);
  }
  if (turn.now >= interrupted.deadlineMs) {
    return finish(turn, state, { reason: "connection-failed", by: "deadline", tell: true });
  }
  if (turn.now < interrupted.retryMs) return pursue(turn, state);
  return restart(turn, state, { ...interrupted, retryMs: turn.now + iceRestartMs });
}
