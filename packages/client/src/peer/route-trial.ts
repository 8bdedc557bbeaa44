import type { MonoMs } from "@lodeline/base";

/** A transport that has been tried for longer and was never connected has no way. */
const NO_WAY_MS = 5_000;

/** Whether a connection that goes by the machine's own route ever got anywhere. */
export class RouteTrial {
  /** Since when it has been tried; not a number once it has worked. */
  #sinceMs: MonoMs = Number.POSITIVE_INFINITY;

  /** Takes each state of the connection. */
  note(state: RTCPeerConnectionState, now: MonoMs): void {
    if (state === "connected") this.#sinceMs = Number.NaN;
    else if (state === "connecting") this.#sinceMs = Math.min(this.#sinceMs, now);
  }

  /** Whether that route leads nowhere: another connection had better try every address. */
  ledNowhere(now: MonoMs): boolean {
    return now - this.#sinceMs > NO_WAY_MS;
  }
}
