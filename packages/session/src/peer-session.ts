import type { Machine } from "@lodeline/base";
import type { SessionEffect, SessionInput, SessionOptions } from "./session-io.ts";
import type { SessionState } from "./session-state.ts";

/** Makes the machine of one peer's session; run it with `drive` of `@lodeline/base`. */
export function createPeerSession(_options: SessionOptions): Machine<SessionState, SessionInput, SessionEffect> {
  return {
    initial: { kind: "Idle", memory: { past: [], held: [], next: undefined } },
    step: (state) => ({ state, effects: [] }),
    deadline: () => undefined,
  };
}
