import { availableParallelism } from "node:os";

/** Workers where nobody said how many: one for each core but the one that signaling needs, and at least one. */
export function defaultWorkerCount(): number {
  return Math.max(1, availableParallelism() - 1);
}
