import type { MonoMs } from "@lodeline/base";
import type { SignalBody } from "@lodeline/protocol";

/** Something that was said and waits for its answer. A link loses nothing, but what stands between two links may. */
export interface Said {
  readonly body: SignalBody;
  /** When it is said again; undefined once it was said often enough. */
  readonly againMs: MonoMs | undefined;
  /** How often it was said again. */
  readonly times: number;
}

/** The first wait; doubles each time. */
const FIRST_MS = 1_000;
const MOST_TIMES = 4;

/** It is said for the first time now. */
export function saidNow(body: SignalBody, now: MonoMs): Said {
  return { body, againMs: now + FIRST_MS, times: 0 };
}

/** It is said again now. */
export function saidAgain({ body, times }: Said, now: MonoMs): Said {
  const next = times + 1;
  return { body, times: next, againMs: next < MOST_TIMES ? now + FIRST_MS * 2 ** next : undefined };
}

/** Whether it is time to say it again. */
export function isDue(said: Said | undefined, now: MonoMs): said is Said {
  return said?.againMs !== undefined && now >= said.againMs;
}
