import type { Clock } from "@lodeline/base";

/** A clock that knows how many of the timers armed on it are pending: a leak shows in a number. */
export interface CountingClock extends Clock {
  readonly armed: number;
}

/** Wraps a clock. Timers armed on the inner one directly are not counted. */
export function countingClock(clock: Clock): CountingClock {
  let armed = 0;
  return {
    get armed() {
      return armed;
    },
    now: () => clock.now(),
    wall: () => clock.wall(),
    at: (at, fn) => {
      armed += 1;
      let pending = true;
      const over = () => {
        if (pending) armed -= 1;
        pending = false;
      };
      const timer = clock.at(at, () => {
        over();
        fn();
      });
      const cancel = () => {
        over();
        timer.cancel();
      };
      return { cancel, [Symbol.dispose]: cancel };
    },
  };
}
