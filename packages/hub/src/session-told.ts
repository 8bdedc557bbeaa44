import type { SessionEvent } from "@lodeline/session";
import type { HubEvents } from "./hub-types.ts";

/** Tells what happened in a session of the server's own: its states and its steps; everything else is nobody's news. */
export function tellSession(
  emit: <Name extends "session" | "step">(name: Name, event: HubEvents[Name]) => void,
  where: { readonly room?: string; readonly participant?: string },
  event: SessionEvent,
): void {
  if (event.kind === "stateChanged") {
    const { session, state, previous, reason } = event;
    emit("session", { ...where, session, state, previous, reason });
  } else if (event.kind === "step") {
    const { session, plan, step, outcome, durationMs, error } = event;
    emit("step", { ...where, session, plan, step, outcome, durationMs, code: error?.code });
  }
}
