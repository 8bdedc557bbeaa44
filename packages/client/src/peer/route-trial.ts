import type { MonoMs } from "@lodeline/base";

/** A transport that has been tried for longer and was never connected has no way. */
const NO_WAY_MS = 5_000;

/** Whether a connection that goes by the machine's own route ever got anywhere. */
export class RouteTrial {
  #connected = false;
  #sinceMs: MonoMs | undefined;

  /** Takes each state of the connection. */
  note(state: RTCPeerConnectionState, now: MonoMs): void {
    if (state === "connected") this.#connected = true;
    else if (state === "connecting") this.#sinceMs ??= now;
  }

  /** Whether that route leads nowhere: another connection had better try every address. */
  ledNowhere(now: MonoMs): boolean {
    return !this.#connected && this.#sinceMs !== undefined && now - this.#sinceMs > NO_WAY_MS;
  }
}
