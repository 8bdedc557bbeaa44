import type { EndReason } from "@lodeline/protocol";
import type { PlanStep } from "./plans.ts";

/**
 * Something a session owned and must give back, with its state in the words of the standard that defines it. A thing is
 * known by `kind` and `id`; the newest report of its state counts.
 */
export type Owned =
  | { readonly kind: "track"; readonly id: string; readonly state: "live" | "ended" }
  | { readonly kind: "device"; readonly id: string; readonly state: "held" | "released" }
  | { readonly kind: "source"; readonly id: string; readonly state: "capturing" | "stopped" }
  | { readonly kind: "stream"; readonly id: string; readonly state: "held" | "dropped" }
  | { readonly kind: "channel"; readonly id: string; readonly state: "connecting" | "open" | "closing" | "closed" }
  | {
      readonly kind: "connection";
      readonly id: string;
      readonly state: "new" | "connecting" | "connected" | "disconnected" | "failed" | "closed";
    }
  | { readonly kind: "timer"; readonly id: string; readonly state: "armed" | "cleared" }
  | { readonly kind: "socket"; readonly id: string; readonly state: "open" | "closed" };

/** What a kind of thing is called when it is given back. */
export const FINAL_STATES: { readonly [Kind in Owned["kind"]]: Extract<Owned, { kind: Kind }>["state"] } = {
  track: "ended",
  device: "released",
  source: "stopped",
  stream: "dropped",
  channel: "closed",
  connection: "closed",
  timer: "cleared",
  socket: "closed",
};

/** Who or what caused an end. `deadline`: a named wait passed; `world`: a step or the transport failed here. */
export type EndedBy = "local" | "remote" | "deadline" | "world";

/**
 * How a step came out. `skipped`: the session has nothing for it; `abandoned`: the session ended while it ran, and it
 * is taken back if it still succeeds; `timed-out`: it did not answer within the ending deadline.
 */
export type StepOutcome = "done" | "failed" | "skipped" | "abandoned" | "timed-out";

/** One step of a teardown. */
export interface TeardownStep {
  /** `stop`: a step of the stop plan; `undo`: this start step was taken back. */
  readonly plan: "stop" | "undo";
  readonly step: PlanStep;
  readonly outcome: StepOutcome;
  readonly durationMs: number;
}

/** What became of everything that a session owned: the proof of its end. */
export interface TeardownReceipt {
  readonly session: string;
  readonly reason: EndReason;
  readonly by: EndedBy;
  /** The steps in the order in which they finished. Empty when the session ended before it had begun anything. */
  readonly steps: readonly TeardownStep[];
  /** Everything the steps reported, in the order of first report, each with its last state. */
  readonly owned: readonly Owned[];
  /** Steps that had not answered when the ending deadline passed, and what was not given back, as `kind:id`. */
  readonly left: readonly string[];
  /** From the decision to end to the last answer, ms. */
  readonly durationMs: number;
  /** True when every step of the teardown succeeded and everything owned is in its final state. */
  readonly clean: boolean;
}

/** Whether a thing has been given back. */
export function isGivenBack(thing: Owned): boolean {
  return thing.state === FINAL_STATES[thing.kind];
}

/** `known` with the newer states of `reported` put in. The order of first report is kept. */
export function mergeOwned(known: readonly Owned[], reported: readonly Owned[]): readonly Owned[] {
  if (reported.length === 0) return known;
  const merged = [...known];
  for (const thing of reported) {
    const at = merged.findIndex((other) => other.kind === thing.kind && other.id === thing.id);
    if (at < 0) merged.push(thing);
    else merged[at] = thing;
  }
  return merged;
}
