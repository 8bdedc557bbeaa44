import { type ErrorCode, isErrorCode, LodelineError, type LodelineErrorOptions, type MonoMs } from "@lodeline/base";
import type { SignalBody } from "@lodeline/protocol";
import type { SessionEffect, SessionEvent, SessionOptions } from "./session-io.ts";
import type { LiveState, SessionState } from "./session-state.ts";

/** One step of the machine while it is taken: what it may know, and the effects it has decided on so far. */
export interface Turn {
  readonly options: SessionOptions;
  readonly now: MonoMs;
  readonly effects: SessionEffect[];
}

/** Tells the owner. */
export function emit(turn: Turn, event: SessionEvent): void {
  turn.effects.push({ kind: "emit", event });
}

/** Sends a numbered signal of the present session. The epoch is the present one unless given. */
export function say<S extends LiveState>(turn: Turn, state: S, body: SignalBody, epoch = state.negotiation.epoch): S {
  const seq = state.sent + 1;
  turn.effects.push({ kind: "send", signal: { session: state.session, epoch, seq, body } });
  return { ...state, sent: seq };
}

/** Answers a signal of a session that is not the present one. It has no number, for nobody counts there any more. */
export function answerLoose(turn: Turn, session: string, epoch: number, body: SignalBody): void {
  turn.effects.push({ kind: "send", signal: { session, epoch, seq: 0, body } });
}

/** Records a refusal that nobody else needs to hear of. */
export function refuse(
  turn: Turn,
  session: string,
  epoch: number,
  code: ErrorCode,
  options: LodelineErrorOptions = {},
): void {
  emit(turn, { kind: "refused", session, by: "local", error: new LodelineError(code, options), epoch });
}

/** Records a refusal and tells the remote, under the epoch of what is refused. */
export function refuseRemote<S extends LiveState>(turn: Turn, state: S, epoch: number, error: LodelineError): S {
  emit(turn, { kind: "refused", session: state.session, by: "local", error, epoch });
  return say(turn, state, refusalOf(error), epoch);
}

/** A refusal as the wire carries it. */
export function refusalOf(error: LodelineError): SignalBody {
  const field = error.field === undefined ? {} : { field: error.field.slice(0, 512) };
  return { kind: "refused", code: error.code, detail: error.detail.slice(0, 512), ...field };
}

/** A refusal of the remote as an error; a code that nobody here knows becomes `protocol/out-of-turn`. */
export function errorOf(body: Extract<SignalBody, { kind: "refused" }>): LodelineError {
  const { code, detail, field } = body;
  if (isErrorCode(code)) return new LodelineError(code, { detail, field });
  return new LodelineError("protocol/out-of-turn", { detail: `${code}: ${detail}`, field });
}

/** Announces a change of state. */
export function changed<S extends SessionState>(
  turn: Turn,
  previous: SessionState["kind"],
  next: S,
  session: string,
  reason: string,
): S {
  emit(turn, { kind: "stateChanged", session, state: next.kind, previous, reason });
  return next;
}
