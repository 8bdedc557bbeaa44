import { LodelineError } from "@lodeline/base";
import { openEpoch, takeCandidate, ufragsOf } from "./candidate-queue.ts";
import { isDue, saidAgain, saidNow } from "./say-again.ts";
import type { SessionInput } from "./session-io.ts";
import type { ConnectingState, EndedState, EndingState, LiveState, Negotiation } from "./session-state.ts";
import { finish } from "./teardown.ts";
import { emit, refuse, refuseRemote, say, type Turn } from "./turn.ts";

/** A connection in the making, or its end. */
export type Connected = ConnectingState | EndingState | EndedState;

/** Before the first offer. */
export const NO_NEGOTIATION: Negotiation = {
  epoch: 0,
  phase: "stable",
  iceRestart: false,
  sinceMs: 0,
  failures: 0,
  wanted: undefined,
  restartedMs: undefined,
  ufrags: [],
  said: undefined,
  offer: undefined,
};

/** Negotiations in a row that may come to nothing before the session is given up. */
const MAX_FAILURES = 3;

/** Whether the first negotiation is settled: both descriptions were in place once. */
export function isSettled(state: LiveState): boolean {
  return state.candidates.open > 0;
}

/**
 * The offerer begins a negotiation, which grants every wish there was. One that is under way is superseded: whatever
 * still comes of it is ignored.
 */
export function startOffer(turn: Turn, state: ConnectingState, iceRestart: boolean): ConnectingState {
  const { negotiation, session } = state;
  const epoch = negotiation.epoch + 1;
  turn.effects.push({ kind: "create-offer", session, epoch, iceRestart });
  return {
    ...state,
    negotiation: {
      ...negotiation,
      epoch,
      phase: "creating",
      iceRestart,
      sinceMs: turn.now,
      said: undefined,
      wanted: undefined,
      restartedMs: iceRestart ? turn.now : negotiation.restartedMs,
    },
  };
}

/** The answerer takes up the newest offer when nothing else is being applied. */
export function takeOffer(turn: Turn, state: ConnectingState): ConnectingState {
  const { negotiation, session } = state;
  const next = negotiation.offer;
  if (!next || negotiation.phase !== "stable") return state;
  turn.effects.push({ kind: "apply-offer", session, epoch: next.epoch, offer: next.offer });
  const ufrags = ufragsOf(next.offer.sdp);
  const phase = "answering" as const;
  return {
    ...state,
    negotiation: { ...negotiation, epoch: next.epoch, phase, ufrags, sinceMs: turn.now, offer: undefined },
  };
}

type Result<K extends SessionInput["kind"]> = Extract<SessionInput, { kind: K }>;

/** `create-offer` succeeded. */
export function onOfferCreated(turn: Turn, state: ConnectingState, input: Result<"offer-created">): ConnectingState {
  const { negotiation } = state;
  if (negotiation.phase !== "creating" || input.epoch !== negotiation.epoch) return state;
  const body = { kind: "offer", offer: input.offer } as const;
  // The first offer of an assigned session is told again by whoever assigned it: it rides in a join, or the room keeps it.
  const said = turn.options.use === "call" || input.epoch > 1 ? saidNow(body, turn.now) : undefined;
  const offered = phase(say(turn, state, body), "offered");
  return { ...offered, negotiation: { ...offered.negotiation, said } };
}

/** `apply-offer` succeeded. */
export function onAnswerCreated(turn: Turn, state: ConnectingState, input: Result<"answer-created">): ConnectingState {
  const { negotiation } = state;
  if (negotiation.phase !== "answering" || input.epoch !== negotiation.epoch) return state;
  // The offerer has gone on to a newer offer: an answer to this one would be refused there.
  if (negotiation.offer) return takeOffer(turn, phase(state, "stable"));
  const body = { kind: "answer", sdp: input.sdp } as const;
  const said = { body, againMs: undefined, times: 0 };
  return settle(turn, say(turn, { ...state, negotiation: { ...negotiation, said } }, body));
}

/** `apply-answer` succeeded. */
export function onAnswerApplied(turn: Turn, state: ConnectingState, input: Result<"answer-applied">): ConnectingState {
  const { negotiation } = state;
  if (negotiation.phase !== "applying" || input.epoch !== negotiation.epoch) return state;
  return settle(turn, state);
}

/** A description could not be made or set. Before the first is settled that is the session's end. */
export function onDescriptionFailed(
  turn: Turn,
  state: ConnectingState,
  input: Result<"description-failed">,
): Connected {
  const { negotiation } = state;
  const { error } = input;
  if (negotiation.phase === "stable" || negotiation.phase === "offered") return state;
  if (input.epoch !== negotiation.epoch) return state;
  if (negotiation.phase === "answering") {
    // The offerer decides what follows: another offer, or the end.
    return takeOffer(turn, phase(refuseRemote(turn, state, input.epoch, error), "stable"));
  }
  const fromRemote = negotiation.phase === "applying";
  if (!fromRemote) refuse(turn, state.session, input.epoch, error.code, { detail: error.detail, field: error.field });
  const told = fromRemote ? refuseRemote(turn, state, input.epoch, error) : state;
  return onCameToNothing(turn, told, "plan-failed", "world", error);
}

/** The remote has refused the offer that is out. */
export function onOfferRefused(turn: Turn, state: ConnectingState): Connected {
  return onCameToNothing(turn, state, "refused", "remote");
}

/** A negotiation of a settled session did not come to its end in time. */
export function onUnsettled(turn: Turn, state: ConnectingState): Connected {
  return onCameToNothing(turn, state, "setup-timeout", "deadline");
}

/** Tried again a few times where there is something to lose, given up otherwise. */
function onCameToNothing(
  turn: Turn,
  state: ConnectingState,
  reason: "plan-failed" | "refused" | "setup-timeout",
  by: "world" | "remote" | "deadline",
  error?: LodelineError,
): Connected {
  const { negotiation } = state;
  const failures = negotiation.failures + 1;
  if (!isSettled(state) || failures >= MAX_FAILURES || state.role === "answerer") {
    return finish(turn, state, { reason, by, tell: true, ...(error && { error }) });
  }
  const atMs = turn.now + turn.options.timers.iceRestartMs;
  const wanted = { why: `the last negotiation: ${reason}`, iceRestart: negotiation.iceRestart, atMs };
  return { ...state, negotiation: { ...negotiation, phase: "stable", failures, wanted } };
}

/** Both descriptions of the epoch are in place: queued candidates may be added. */
function settle(turn: Turn, state: ConnectingState): ConnectingState {
  const { negotiation, session } = state;
  const { epoch, sinceMs } = negotiation;
  const opened = openEpoch(state.candidates, epoch, negotiation.ufrags);
  const restarted = epoch > 1 && opened.queue.generation === epoch;
  const iceRestart = state.role === "offerer" ? negotiation.iceRestart : restarted;
  emit(turn, { kind: "negotiated", session, epoch, iceRestart, durationMs: turn.now - sinceMs });
  for (const entry of opened.add) {
    turn.effects.push({ kind: "add-candidate", session, epoch: entry.epoch, candidate: entry.candidate });
  }
  for (const entry of opened.stale) refuse(turn, session, entry.epoch, "candidate/refused");
  const settled: Negotiation = { ...negotiation, phase: "stable", failures: 0 };
  return pursue(turn, takeOffer(turn, { ...state, candidates: opened.queue, negotiation: settled }));
}

/** Asks for a negotiation, at `atMs` at the earliest. Several wishes that wait become one. */
export function want(
  turn: Turn,
  state: ConnectingState,
  why: string,
  iceRestart: boolean,
  atMs = turn.now,
): ConnectingState {
  const { negotiation } = state;
  const earlier = negotiation.wanted;
  const wanted = {
    why,
    iceRestart: iceRestart || (earlier?.iceRestart ?? false),
    atMs: Math.min(atMs, earlier?.atMs ?? atMs),
  };
  return pursue(turn, { ...state, negotiation: { ...negotiation, wanted } });
}

/** Begins the negotiation that is wanted, once it is due and nothing else is under way. */
export function pursue(turn: Turn, state: ConnectingState): ConnectingState {
  const { negotiation, role } = state;
  const { wanted } = negotiation;
  if (!wanted || !isSettled(state) || negotiation.phase !== "stable" || turn.now < wanted.atMs) return state;
  if (role === "offerer") return startOffer(turn, state, wanted.iceRestart);
  const restartedMs = wanted.iceRestart ? turn.now : negotiation.restartedMs;
  const asked = { ...state, negotiation: { ...negotiation, wanted: undefined, restartedMs } };
  return say(turn, asked, { kind: "negotiation-needed", why: wanted.why, iceRestart: wanted.iceRestart });
}

/** One remote candidate: added, queued, or refused with a reason. */
export function onCandidate<S extends LiveState>(
  turn: Turn,
  state: S,
  epoch: number,
  candidate: Parameters<typeof takeCandidate>[2],
): S {
  // The offerer numbers the epochs: nobody can have answered one that was not offered yet.
  if (state.role === "offerer" && epoch > state.negotiation.epoch) {
    return refuseRemote(turn, state, epoch, new LodelineError("candidate/refused"));
  }
  const { queue, verdict } = takeCandidate(state.candidates, epoch, candidate);
  const next = { ...state, candidates: queue };
  if (verdict === "add") turn.effects.push({ kind: "add-candidate", session: state.session, epoch, candidate });
  if (verdict === "stale") return refuseRemote(turn, next, epoch, new LodelineError("candidate/refused"));
  if (verdict === "too-many") return refuseRemote(turn, next, epoch, new LodelineError("candidate/too-many"));
  return next;
}

/** An offer has arrived. It waits until the plan is there, and gives way to a newer one. */
export function onOffer<S extends LiveState>(
  turn: Turn,
  state: S,
  epoch: number,
  offer: NonNullable<Negotiation["offer"]>["offer"],
): S {
  const { negotiation, role } = state;
  if (role === "offerer") return refuseRemote(turn, state, epoch, new LodelineError("session/not-initiator"));
  const newest = negotiation.offer?.epoch ?? negotiation.epoch;
  // Said again: where it was answered, the answer was lost.
  if (epoch === newest) {
    const { said } = negotiation;
    return negotiation.phase === "stable" && said && !negotiation.offer ? say(turn, state, said.body) : state;
  }
  if (epoch < newest) {
    const detail = `The offer of negotiation ${epoch} came after that of ${newest}.`;
    return refuseRemote(turn, state, epoch, new LodelineError("session/unknown", { detail }));
  }
  return { ...state, negotiation: { ...negotiation, offer: { epoch, offer } } };
}

/** An answer has arrived: it counts for the offer that is out, and for no other. */
export function onAnswer(turn: Turn, state: LiveState, epoch: number, sdp: string): LiveState {
  const { negotiation, session } = state;
  if (epoch === negotiation.epoch && isAnswered(state)) return state;
  if (negotiation.phase !== "offered" || epoch !== negotiation.epoch) {
    const detail = `No offer of negotiation ${epoch} is waiting for an answer.`;
    refuse(turn, session, epoch, "protocol/out-of-turn", { detail });
    return state;
  }
  turn.effects.push({ kind: "apply-answer", session, epoch, sdp });
  return { ...state, negotiation: { ...negotiation, phase: "applying", said: undefined, ufrags: ufragsOf(sdp) } };
}

/** Whether the present epoch has its answer: another copy of it is late, not wrong. */
function isAnswered({ negotiation, candidates, role }: LiveState): boolean {
  const { phase: present, epoch } = negotiation;
  return role === "offerer" && epoch > 0 && (present === "applying" || candidates.open === epoch);
}

/** The offer that is out has no answer yet: perhaps it, or its answer, was lost. */
export function offerAgain(turn: Turn, state: ConnectingState): ConnectingState {
  const { negotiation } = state;
  const { said, phase: present } = negotiation;
  if (present !== "offered" || !isDue(said, turn.now)) return state;
  return say(turn, { ...state, negotiation: { ...negotiation, said: saidAgain(said, turn.now) } }, said.body);
}

/** The offerer is asked for a negotiation. An ICE restart that has begun since the question is its answer already. */
export function onNegotiationNeeded(
  turn: Turn,
  state: ConnectingState,
  epoch: number,
  why: string,
  iceRestart: boolean,
): ConnectingState {
  const { negotiation } = state;
  if (state.role !== "offerer") {
    refuse(turn, state.session, epoch, "session/not-initiator");
    return state;
  }
  if (!iceRestart) return want(turn, state, why, false);
  if (negotiation.iceRestart && epoch < negotiation.epoch) return state;
  const last = negotiation.restartedMs;
  return want(turn, state, why, true, last === undefined ? turn.now : last + turn.options.timers.iceRestartMs);
}

function phase(state: ConnectingState, next: Negotiation["phase"]): ConnectingState {
  return { ...state, negotiation: { ...state.negotiation, phase: next } };
}
