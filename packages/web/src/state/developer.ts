import { signal } from "@preact/signals";
import { faults, prepareDevices, readFaults } from "./faults.ts";

/** Whether the developer panel is asked for: by `#dev` in the address, or in the help. */
export const developing = signal(new URLSearchParams(location.hash.slice(1)).has("dev"));
/** Whether the help is open. */
export const helping = signal(false);

/** Shows the help: the keys, and the way to the developer panel where the server is one for developers. */
export function showHelp(): void {
  helping.value = true;
  if (!faults.value) void readFaults();
}

/** Opens or closes the developer panel. */
export function setDeveloping(yes: boolean): void {
  developing.value = yes;
  helping.value = false;
  if (yes && faults.value) void prepareDevices();
}

/** Does nothing at all for a while, as a tab does whose machine is overloaded: nothing runs, nothing is drawn. */
export function freezeTab(forMs: number): void {
  const until = performance.now() + forMs;
  while (performance.now() < until) {
    // Nothing: that is the fault.
  }
}

if (developing.value) void readFaults().then(() => (faults.value ? prepareDevices() : undefined));
