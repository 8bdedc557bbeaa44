/**
 * Milliseconds on a clock that never goes back and has no relation to the calendar. Fractions allowed.
 * Only differences between two values of the same {@link Clock} mean anything.
 */
export type MonoMs = number;

/** Milliseconds since 1970-01-01T00:00:00Z, as people and logs need it. Never used to decide anything. */
export type WallMs = number;

/** An armed timer. Disposing of it more than once, or after it has fired, does nothing. */
export interface Timer extends Disposable {
  /** Disarms the timer: its callback will not run. */
  cancel(): void;
}

/**
 * The only source of time in Lodeline. Pure code is handed `now`; drivers are handed a `Clock`.
 * Real ones live at the edges ({@link systemClock} wraps a platform's functions), the virtual one in `testkit`.
 */
export interface Clock {
  /** The present, monotonic. */
  now(): MonoMs;
  /** The present as calendar time, for records that people read. */
  wall(): WallMs;
  /**
   * Calls `fn` once, when `now()` has reached `at`; at the next turn when `at` has passed.
   *
   * @param at - Monotonic ms on this clock.
   * @returns The armed timer, owned by the caller.
   */
  at(at: MonoMs, fn: () => void): Timer;
}

/** What {@link systemClock} needs of a platform: Node and browsers have all four. */
export interface TimePlatform {
  /** Monotonic ms, e.g. `performance.now()`. */
  now(): number;
  /** Calendar ms, e.g. `Date.now()`. */
  wall(): number;
  /** Arms a one-shot timer and returns its handle, e.g. `setTimeout`. */
  setTimer(fn: () => void, delayMs: number): unknown;
  /** Disarms a handle that `setTimer` returned, e.g. `clearTimeout`. */
  clearTimer(handle: unknown): void;
}

/** `setTimeout` fires at once for delays above 2^31-1 ms; longer waits are re-armed. */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

/** Makes a {@link Clock} from a platform's own timers. Holds nothing but the timers it was asked for. */
export function systemClock(platform: TimePlatform): Clock {
  return {
    now: () => platform.now(),
    wall: () => platform.wall(),
    at: (at, fn) => armTimer(platform, at, fn),
  };
}

function armTimer(platform: TimePlatform, at: MonoMs, fn: () => void): Timer {
  let handle: unknown;
  let done = false;
  const arm = () => {
    const leftMs = at - platform.now();
    // Platform timers may fire up to 1 ms early against their own monotonic clock: re-arm, never fire early.
    if (leftMs <= 0) return fire();
    handle = platform.setTimer(wake, Math.min(Math.ceil(leftMs), LONGEST_DELAY_MS));
  };
  const wake = () => {
    if (!done) arm();
  };
  const fire = () => {
    done = true;
    fn();
  };
  handle = platform.setTimer(wake, Math.max(0, Math.min(Math.ceil(at - platform.now()), LONGEST_DELAY_MS)));
  const cancel = () => {
    if (done) return;
    done = true;
    platform.clearTimer(handle);
  };
  return { cancel, [Symbol.dispose]: cancel };
}
