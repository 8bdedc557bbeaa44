/**
 * States what the code around it relies on. A failure is a bug in Lodeline, never a peer's or a caller's fault.
 *
 * @throws Error with `message`; deliberately not a LodelineError, so that no edge answers a bug as if it were an outcome.
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`bug: ${message}`);
}

/** Marks a place that an exhaustive switch can never reach: the compiler proves it, the throw is for corrupted data. */
export function unreachable(value: never): never {
  throw new Error(`bug: unexpected value ${String(JSON.stringify(value))}`);
}
