import { signal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

const count = signal(0);

/**
 * Has the calling view drawn anew whenever the room or a call says `changed`. Every view that reads their getters
 * calls it: their objects stay the same, so that new props alone would not tell.
 */
export function usePulse(): void {
  count.value;
}

/** Something that views read has changed. */
export function pulse(): void {
  count.value++;
}

/** Has the calling view drawn anew about once a second, for what it says of time. @returns Now, ms since the page began. */
export function useSeconds(): number {
  const [now, setNow] = useState(performance.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
