import type { Tick } from "@lodeline/base";
import type { SignalBody } from "@lodeline/protocol";
import type { SessionInput } from "./session-io.ts";
import type { SessionState } from "./session-state.ts";

/** Name of a state. */
export type SessionStateKind = SessionState["kind"];

/** Name of an input; a signal goes by its body. */
export type SessionInputLabel = Exclude<SessionInput["kind"], "signal"> | Tick["kind"] | `signal:${SignalBody["kind"]}`;

/** From each state, by input, the other states it may lead to. Staying is always legal; all else is a bug. */
export type SessionEdges = Readonly<
  Record<SessionStateKind, Partial<Readonly<Record<SessionInputLabel, readonly SessionStateKind[]>>>>
>;

const NEGOTIATING_ENDS = {
  end: ["Ending"],
  assign: ["Ending"],
  "step-failed": ["Ending"],
  "description-failed": ["Ending"],
  transport: ["Ending"],
  "signal:hangup": ["Ending"],
  "signal:reject": ["Ending"],
  "signal:refused": ["Ending"],
  tick: ["Ending"],
} as const;

/**
 * The legal edges of a `PeerSession`. The reducer is the behaviour, this table the claim about it: a property test
 * feeds random inputs and fails on an edge that is not here.
 */
export const SESSION_EDGES: SessionEdges = {
  Idle: {
    call: ["OutgoingInit"],
    assign: ["Negotiating"],
    "signal:call:init": ["IncomingInit"],
    tick: ["OutgoingInit", "IncomingInit", "Negotiating"],
  },
  OutgoingInit: {
    end: ["Ended"],
    tick: ["Ended"],
    "signal:accept": ["Negotiating"],
    "signal:call:init": ["Negotiating"],
    "signal:reject": ["Ended"],
    "signal:hangup": ["Ended"],
    "signal:refused": ["Ended"],
  },
  IncomingInit: {
    accept: ["Negotiating"],
    call: ["Negotiating"],
    reject: ["Ended"],
    end: ["Ended"],
    tick: ["Ended"],
    "signal:call:init": ["Ended"],
    "signal:hangup": ["Ended"],
    "signal:reject": ["Ended"],
    "signal:refused": ["Ended"],
  },
  Negotiating: {
    ...NEGOTIATING_ENDS,
    "answer-created": ["Active"],
    "answer-applied": ["Active"],
    transport: ["Active", "Ending"],
  },
  Active: {
    ...NEGOTIATING_ENDS,
    "signal:call:init": ["Ending"],
  },
  Ending: {
    "step-done": ["Ended"],
    "step-failed": ["Ended"],
    tick: ["Ended"],
  },
  Ended: {
    tick: ["Idle"],
  },
};

/** The label of an input in {@link SESSION_EDGES}. */
export function labelOf(input: SessionInput | Tick): SessionInputLabel {
  return input.kind === "signal" ? `signal:${input.signal.body.kind}` : input.kind;
}

/** Whether a step from `from` to `to` on this input is legal. */
export function isLegal(from: SessionStateKind, label: SessionInputLabel, to: SessionStateKind): boolean {
  return from === to || (SESSION_EDGES[from][label]?.includes(to) ?? false);
}
