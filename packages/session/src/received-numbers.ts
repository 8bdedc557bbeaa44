import type { ReceivedNumbers } from "./session-state.ts";

/** Nothing received yet. */
export const NO_NUMBERS: ReceivedNumbers = { upTo: 0, beyond: [] };

/** How far apart in arrival two signals may be. A gap older than this many later signals is given up as lost. */
const WINDOW = 64;

/**
 * Takes note of a number.
 *
 * @param seq - From 1. 0 is a signal that came without a number: never a double.
 * @returns The numbers with it, or `undefined` when it was seen before (or so long ago that nobody can tell).
 */
export function note(received: ReceivedNumbers, seq: number): ReceivedNumbers | undefined {
  const { upTo, beyond } = received;
  if (seq === 0) return received;
  if (seq <= upTo || beyond.includes(seq)) return undefined;
  if (seq === upTo + 1 && beyond.length === 0) return { upTo: seq, beyond };
  const numbers = [...beyond, seq].sort((a, b) => a - b);
  let known = numbers.length > WINDOW ? (numbers[0] ?? upTo) : upTo;
  let taken = 0;
  while (taken < numbers.length && (numbers[taken] ?? 0) <= known + 1) {
    known = Math.max(known, numbers[taken] ?? 0);
    taken += 1;
  }
  return { upTo: known, beyond: numbers.slice(taken) };
}
