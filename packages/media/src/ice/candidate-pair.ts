import type { MonoMs } from "@lodeline/base";

/** One of our sockets. Candidates of ours are its address; where a check's answer says another, that is a NAT's. */
export interface IceBase {
  readonly address: string;
  readonly port: number;
  /** Sends one datagram from this socket. */
  send(bytes: Uint8Array, address: string, port: number): void;
}

/** As `candidate-type`. RFC 8839 section 5.1. */
export type CandidateType = "host" | "srflx" | "prflx" | "relay";

/** An address of the other side's. RFC 8445 section 5.1. */
export interface RemoteCandidate {
  readonly foundation: string;
  /** 1 .. 2^31-1. */
  readonly priority: number;
  readonly address: string;
  readonly port: number;
  readonly type: CandidateType;
}

/** RFC 8445 section 6.1.2.6. */
export type PairState = "frozen" | "waiting" | "in-progress" | "succeeded" | "failed";

/** One of our sockets and one of their addresses. Compared by identity. */
export interface CandidatePair {
  readonly base: IceBase;
  readonly localPriority: number;
  readonly remote: RemoteCandidate;
  /** Pairs with the same one are likely to fare alike. RFC 8445 section 6.1.2.6. */
  readonly foundation: string;
  state: PairState;
  /** Whether the controlling side has chosen it, once it has succeeded. */
  nominated: boolean;
  /** Transmissions of the check under way. */
  tries: number;
  /** When that check is sent again, or given up. */
  againAtMs: MonoMs;
}

/** RFC 8445 section 5.1.2.2. */
const TYPE_PREFERENCE: Readonly<Record<CandidateType, number>> = { host: 126, prflx: 110, srflx: 100, relay: 0 };

/**
 * The priority of a candidate of component 1. RFC 8445 section 5.1.2.1.
 *
 * @param rank - Of its address among those of the side, 0 the best.
 * @returns 1 .. 2^31-1.
 */
export function candidatePriority(type: CandidateType, rank: number): number {
  return TYPE_PREFERENCE[type] * 2 ** 24 + (65_535 - Math.min(rank, 65_535)) * 2 ** 8 + 255;
}

/** Whether two literals are of one address family: only such can be paired. */
export function sameFamily(one: string, other: string): boolean {
  return one.includes(":") === other.includes(":");
}

/**
 * Which of two pairs goes first: both sides come to the same order. RFC 8445 section 6.1.2.3.
 *
 * @param weControl - Whose priority is G in the formula.
 * @returns Negative when `one` goes before `other`.
 */
export function comparePairs(one: CandidatePair, other: CandidatePair, weControl: boolean): number {
  const difference = pairPriority(other, weControl) - pairPriority(one, weControl);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The priority of a pair, 63 bits. RFC 8445 section 6.1.2.3. */
export function pairPriority({ localPriority, remote }: CandidatePair, weControl: boolean): bigint {
  const controlling = BigInt(weControl ? localPriority : remote.priority);
  const controlled = BigInt(weControl ? remote.priority : localPriority);
  const [least, most] = controlling < controlled ? [controlling, controlled] : [controlled, controlling];
  return (least << 32n) + 2n * most + (controlling > controlled ? 1n : 0n);
}

/** A pair that nothing was tried with yet. */
export function newPair(base: IceBase, rank: number, remote: RemoteCandidate): CandidatePair {
  return {
    base,
    localPriority: candidatePriority("host", rank),
    remote,
    foundation: `${rank}:${remote.foundation}`,
    state: "frozen",
    nominated: false,
    tries: 0,
    againAtMs: Infinity,
  };
}
