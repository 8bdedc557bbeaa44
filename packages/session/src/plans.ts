/**
 * The two ends of a negotiation. The offerer is assigned once and alone makes offers, for the whole life of the
 * session; the answerer asks for one with `negotiation-needed`.
 */
export type SessionRole = "offerer" | "answerer";

/** The twelve steps of the offerer, by name. The answerer's 7 to 9 have names of their own. */
export type StartStep =
  | "create-connection"
  | "open-devices"
  | "create-source"
  | "create-stream"
  | "add-tracks"
  | "open-channel"
  | "create-offer"
  | "wait-answer"
  | "apply-answer"
  | "wait-offer"
  | "apply-offer"
  | "send-answer"
  | "add-candidates"
  | "wait-connected"
  | "enable-tracks";

/** The seven steps of an orderly end, by name. */
export type StopStep =
  | "disable-tracks"
  | "stop-source"
  | "wait-source-stopped"
  | "release-device"
  | "drop-stream"
  | "close-channel"
  | "close-connection";

/** A step of either plan. */
export type PlanStep = StartStep | StopStep;

/**
 * The start plan of the offerer, in order. Tracks are added disabled (5) and enabled last (12), and the data channel
 * is made before the offer (6), so that it is part of the first negotiation.
 */
export const START_STEPS: readonly StartStep[] = [
  "create-connection",
  "open-devices",
  "create-source",
  "create-stream",
  "add-tracks",
  "open-channel",
  "create-offer",
  "wait-answer",
  "apply-answer",
  "add-candidates",
  "wait-connected",
  "enable-tracks",
];

/** The start plan of the answerer: steps 7 to 9 are the offerer's, seen from the other side. */
export const ANSWER_STEPS: readonly StartStep[] = [
  ...START_STEPS.slice(0, 6),
  "wait-offer",
  "apply-offer",
  "send-answer",
  ...START_STEPS.slice(9),
];

/** The stop plan, in order. Step 3 is awaited: a device released while its source still captures stays on. */
export const STOP_STEPS: readonly StopStep[] = [
  "disable-tracks",
  "stop-source",
  "wait-source-stopped",
  "release-device",
  "drop-stream",
  "close-channel",
  "close-connection",
];

/** The steps that the world performs on a `run` effect, and that an `undo` effect takes back. */
export const RUN_STEPS: ReadonlySet<PlanStep> = new Set<PlanStep>([
  ...START_STEPS.slice(0, 6),
  "enable-tracks",
  ...STOP_STEPS,
]);

/** The steps that exist only where the session captures something itself. */
export const CAPTURE_STEPS: ReadonlySet<PlanStep> = new Set<PlanStep>([
  "open-devices",
  "create-source",
  "create-stream",
  "stop-source",
  "wait-source-stopped",
  "release-device",
  "drop-stream",
]);

/** The steps that exist only where the session has a data channel. */
export const CHANNEL_STEPS: ReadonlySet<PlanStep> = new Set<PlanStep>(["open-channel", "close-channel"]);

/** The twelve steps as this role takes them. */
export function startSteps(role: SessionRole): readonly StartStep[] {
  return role === "offerer" ? START_STEPS : ANSWER_STEPS;
}
