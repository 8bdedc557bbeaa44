import { type Clock, systemClock } from "@lodeline/base";

/** A clock that knows how many of its timers are armed: the teardown receipt says so. */
export interface CountingClock extends Clock {
  /** Timers armed and not yet fired or cancelled. */
  readonly armed: number;
}

/** The page's clock. Its timers are throttled to one a second in a hidden tab, by every browser. */
export function browserClock(): CountingClock {
  let armed = 0;
  const clock = systemClock({
    now: () => performance.now(),
    wall: () => Date.now(),
    setTimer: (fn, delayMs) => {
      armed += 1;
      return setTimeout(() => {
        armed -= 1;
        fn();
      }, delayMs);
    },
    clearTimer: (handle) => {
      armed -= 1;
      clearTimeout(handle as ReturnType<typeof setTimeout>);
    },
  });
  return {
    ...clock,
    get armed() {
      return armed;
    },
  };
}
