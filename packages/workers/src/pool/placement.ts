import type { EngineLoad } from "../engine/messages.ts";

/** What is known of a worker when something is to be placed. */
export interface Candidate {
  readonly index: number;
  /** As it said last; `undefined` before its first word. */
  readonly load: EngineLoad | undefined;
  /** Transports placed there by now. */
  readonly transports: number;
  /** Of these, the ones of the room in question. */
  readonly ofRoom: number;
}

/** Packets a second that are taken for a thread's whole time, where it has not said how busy it is. */
const FULL_PACKETS_PER_SECOND = 100_000;

/** Share of a thread that a transport is taken to need before its load has been measured. */
const EXPECTED_SHARE = 0.005;

/**
 * How busy a worker is taken to be, where 1 is all it can do: as it measured, or by its packets where that is more, and
 * what was placed there since.
 */
export function expectedShare({ load, transports }: Candidate): number {
  if (!load) return transports * EXPECTED_SHARE;
  const measured = Math.max(load.utilization, load.packetsPerSecond / FULL_PACKETS_PER_SECOND);
  return measured + Math.max(0, transports - load.transports) * EXPECTED_SHARE;
}

/**
 * Where a transport goes: to a worker that has its room already, as long as fewer than `roomLimit` of the room are there;
 * else to the least busy of the others.
 *
 * @param roomLimit - Transports of one room on one worker.
 * @returns `undefined` where there is no worker at all.
 */
export function chooseWorker(candidates: readonly Candidate[], roomLimit: number): Candidate | undefined {
  const withRoom = candidates.filter(({ ofRoom }) => ofRoom > 0);
  const withSpace = withRoom.filter(({ ofRoom }) => ofRoom < roomLimit);
  if (withSpace.length > 0) return withSpace.reduce((one, other) => (fuller(other, one) ? other : one));
  const fresh = candidates.filter(({ ofRoom }) => ofRoom === 0);
  // Every worker has its share of the room: it is spread evenly from here on.
  const open = fresh.length > 0 ? fresh : candidates;
  return open.reduce<Candidate | undefined>((best, one) => (!best || better(one, best) ? one : best), undefined);
}

/** A room fills one worker before it takes the next: each further one costs a relay for every publication. */
function fuller(one: Candidate, other: Candidate): boolean {
  return one.ofRoom > other.ofRoom;
}

function better(one: Candidate, other: Candidate): boolean {
  if (one.ofRoom !== other.ofRoom) return one.ofRoom < other.ofRoom;
  const difference = expectedShare(one) - expectedShare(other);
  return difference === 0 ? one.transports < other.transports : difference < 0;
}
