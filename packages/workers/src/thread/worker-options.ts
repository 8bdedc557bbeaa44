import type { MediaEngineOptions } from "@lodeline/media";

/** What a worker's engine is started with: plain data, as it crosses to the thread. */
export interface WorkerOptions extends Pick<MediaEngineOptions, "addresses" | "portRange"> {
  /** Whether clients are told other addresses than the sockets' own: each is asked for. */
  readonly announces: boolean;
}
