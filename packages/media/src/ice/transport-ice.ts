import type { MonoMs } from "@lodeline/base";
import type { IcePath, IceState } from "./ice-types.ts";

/** ICE of a transport, whichever agent it is. */
export interface TransportIce {
  readonly state: IceState;
  /** Where packets go, once there is such a place. */
  readonly path: IcePath | undefined;
  /** Smoothed, in ms. */
  readonly roundTripMs: number | undefined;
  readonly deadlineMs: MonoMs | undefined;
  tick(now: MonoMs): void;
  /** Authentic media came on `path`. */
  mediaHeard(path: IcePath, now: MonoMs): void;
  close(): void;
}
