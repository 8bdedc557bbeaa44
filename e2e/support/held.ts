import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** Everything the process holds open, by kind. An immediate is gone by the next turn: nobody holds it. */
export function held(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) {
    if (kind !== "Immediate") counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Bytes of the heap in use, after everything that can be freed was freed. */
export function heapBytes(): number {
  // The second pass frees what the finalizers of the first let go.
  collectGarbage();
  collectGarbage();
  return process.memoryUsage().heapUsed;
}
