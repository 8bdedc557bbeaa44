import type { Turn } from "./turn.ts";

/** Mesh: tells both ends again what the other said in the present negotiation; what they have already they drop. */
export function tellSignalsAgain(turn: Turn, a: string, b: string): void {
  for (const { from, signal } of turn.pairOf(a, b)?.signals ?? []) {
    const receiver = turn.place(from === a ? b : a);
    if (receiver) turn.effects.push({ kind: "forward", link: receiver.link, from, signal });
  }
}
