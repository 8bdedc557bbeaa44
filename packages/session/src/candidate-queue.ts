import { type Candidate, LIMITS } from "@lodeline/protocol";
import type { CandidateQueue } from "./session-state.ts";

/** A queue before any description. */
export const NO_CANDIDATES: CandidateQueue = { open: 0, generation: 1, ufrags: [], counts: {}, waiting: [] };

/** A candidate with the negotiation it belongs to. */
export type EpochCandidate = CandidateQueue["waiting"][number];

/**
 * What is to be done with a candidate. `add`: its description is in place; `queued`: it waits for it; `stale`: it
 * belongs to a negotiation that ICE has left behind; `too-many`: past the limit.
 */
export type CandidateVerdict = "add" | "queued" | "stale" | "too-many";

/** Epochs ahead of the present one that may have candidates waiting: the next, and one that overtakes it. */
const WAITING_LIMIT = 2 * LIMITS.candidatesPerNegotiation;

/** Judges one remote candidate as it arrives. */
export function takeCandidate(
  queue: CandidateQueue,
  epoch: number,
  candidate: Candidate,
): { readonly queue: CandidateQueue; readonly verdict: CandidateVerdict } {
  const early = epoch > queue.open;
  if (!early && !holds(queue, { epoch, candidate })) return { queue, verdict: "stale" };
  const count = queue.counts[epoch] ?? 0;
  if (count >= LIMITS.candidatesPerNegotiation) return { queue, verdict: "too-many" };
  if (early && queue.waiting.length >= WAITING_LIMIT) return { queue, verdict: "too-many" };
  const counts = { ...queue.counts, [epoch]: count + 1 };
  if (!early) return { queue: { ...queue, counts }, verdict: "add" };
  return { queue: { ...queue, counts, waiting: [...queue.waiting, { epoch, candidate }] }, verdict: "queued" };
}

/**
 * The remote description of `epoch` is in place: its candidates may be added.
 *
 * Candidates of an earlier epoch hold on as long as ICE was not restarted since, which the fragments tell (RFC 8445
 * section 9: a restart changes them). Without fragments each epoch counts as a restart.
 *
 * @returns The queue, what is to be added now in order of arrival, and what no longer belongs to anything.
 */
export function openEpoch(
  queue: CandidateQueue,
  epoch: number,
  ufrags: readonly string[],
): {
  readonly queue: CandidateQueue;
  readonly add: readonly EpochCandidate[];
  readonly stale: readonly EpochCandidate[];
} {
  const continued = queue.open > 0 && ufrags.some((ufrag) => queue.ufrags.includes(ufrag));
  const generation = continued ? queue.generation : epoch;
  const counts: Record<number, number> = {};
  for (const [key, count] of Object.entries(queue.counts)) if (Number(key) >= generation) counts[Number(key)] = count;
  const opened: CandidateQueue = { open: epoch, generation, ufrags, counts, waiting: [] };
  if (queue.waiting.length === 0) return { queue: opened, add: [], stale: [] };
  const waiting = queue.waiting.filter((entry) => entry.epoch > epoch);
  const due = queue.waiting.filter((entry) => entry.epoch <= epoch);
  return {
    queue: { ...opened, waiting },
    add: due.filter((entry) => holds(opened, entry)),
    stale: due.filter((entry) => !holds(opened, entry)),
  };
}

/** The ICE user name fragments that a description names, each once (RFC 8839 section 5.4). */
export function ufragsOf(sdp: string): readonly string[] {
  const MARK = "a=ice-ufrag:";
  const found: string[] = [];
  for (let at = sdp.indexOf(MARK); at >= 0; at = sdp.indexOf(MARK, at + MARK.length)) {
    const rest = at + MARK.length;
    const line = sdp.slice(rest, rest + 256);
    const end = line.search(/[\r\n]/);
    const ufrag = end < 0 ? line : line.slice(0, end);
    if (!found.includes(ufrag)) found.push(ufrag);
  }
  return found;
}

function holds(queue: CandidateQueue, entry: EpochCandidate): boolean {
  if (entry.epoch < queue.generation) return false;
  const ufrag = entry.candidate.usernameFragment;
  return ufrag === null || ufrag === "" || queue.ufrags.length === 0 || queue.ufrags.includes(ufrag);
}
