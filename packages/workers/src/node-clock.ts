import { type Clock, systemClock } from "@lodeline/base";

/** This thread's clock, with Node's own timers. */
export function nodeClock(): Clock {
  return systemClock({
    now: () => performance.now(),
    wall: () => Date.now(),
    setTimer: (fn, delayMs) => setTimeout(fn, delayMs),
    clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
  });
}
