import type { ReceiveSection, Slot, TrackKind } from "@lodeline/protocol";

/** A publication that wants a receive slot. */
export interface SlotCandidate {
  readonly publication: string;
  readonly kind: TrackKind;
  /** Higher comes first when slots are short: 2 live and shown, 1 live and hidden, 0 muted. */
  readonly rank: number;
}

/**
 * Puts publications into receive slots. Stable: a publication stays where it is as long as it lives and nothing that
 * ranks higher has no slot at all; then the lowest-ranking one makes room. A pure function of its arguments.
 *
 * @param receives - The slots there are, in order.
 * @param previous - The table so far; its slots may differ from `receives` after a negotiation.
 * @param candidates - In a fixed order, each publication once.
 * @returns The new table: one entry for each of `receives`; no publication twice, none that is no candidate.
 */
export function assignSlots(
  receives: readonly ReceiveSection[],
  previous: readonly Slot[],
  candidates: readonly SlotCandidate[],
): readonly Slot[] {
  const byId = new Map(candidates.map((one) => [one.publication, one]));
  const held = keepHeld(receives, previous, byId);
  const placed = new Set(held.values());
  const waiting = candidates.filter((one) => !placed.has(one)).sort((a, b) => b.rank - a.rank);
  for (const candidate of waiting) {
    const mid = freeSlot(receives, held, candidate.kind) ?? lesserSlot(receives, held, candidate);
    if (mid !== undefined) held.set(mid, candidate);
  }
  return receives.map(({ mid }) => ({ mid, publication: held.get(mid)?.publication ?? null }));
}

/** Whether two tables say the same. */
export function sameSlots(one: readonly Slot[], other: readonly Slot[]): boolean {
  return (
    one.length === other.length &&
    one.every((slot, i) => slot.mid === other[i]?.mid && slot.publication === other[i]?.publication)
  );
}

type Held = Map<string, SlotCandidate>;

function keepHeld(
  receives: readonly ReceiveSection[],
  previous: readonly Slot[],
  byId: ReadonlyMap<string, SlotCandidate>,
): Held {
  const before = new Map(previous.map((slot) => [slot.mid, slot.publication]));
  const held: Held = new Map();
  const taken = new Set<string>();
  for (const { mid, kind } of receives) {
    const publication = before.get(mid);
    const candidate = publication ? byId.get(publication) : undefined;
    if (!candidate || candidate.kind !== kind || taken.has(candidate.publication)) continue;
    taken.add(candidate.publication);
    held.set(mid, candidate);
  }
  return held;
}

function freeSlot(receives: readonly ReceiveSection[], held: Held, kind: TrackKind): string | undefined {
  return receives.find((slot) => slot.kind === kind && !held.has(slot.mid))?.mid;
}

function lesserSlot(receives: readonly ReceiveSection[], held: Held, candidate: SlotCandidate): string | undefined {
  let mid: string | undefined;
  let lowest = candidate.rank;
  for (const slot of receives) {
    const holder = held.get(slot.mid);
    if (slot.kind !== candidate.kind || !holder || holder.rank >= lowest) continue;
    lowest = holder.rank;
    mid = slot.mid;
  }
  return mid;
}
