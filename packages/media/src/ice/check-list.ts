import type { MonoMs } from "@lodeline/base";
import {
  type CandidatePair,
  comparePairs,
  type IceBase,
  newPair,
  type RemoteCandidate,
  sameFamily,
} from "./candidate-pair.ts";

/** Between two new checks. RFC 8445 section 14.2. */
const PACE_MS = 50;

/**
 * A check is sent again after this long, then after twice as long, up to the longest: RFC 8445 section 14.3 would go on
 * doubling, and a few losses in a row would then cost half a minute.
 */
const WAIT_MS = { first: 500, longest: 1600 } as const;

/** So often at the most; the pair has failed after the last wait. RFC 8489 section 6.2.1. */
const TRIES = 7;

/** RFC 8445 section 6.1.2.5: beyond, the pairs of least priority are let go. */
const PAIR_LIMIT = 100;

/** Addresses that nobody announced: a peer that invents ports cannot make us keep more. */
const DISCOVERED_LIMIT = 32;

/** Sends one check of a pair. */
export type SendCheck = (pair: CandidatePair, now: MonoMs) => void;

/**
 * The pairs of one generation and the order in which they are tried: triggered checks first, then by priority, one every
 * 50 ms; each foundation has one pair tried before the others of it. RFC 8445 sections 6.1.2 and 6.1.4.
 */
export class CheckList {
  readonly #bases: readonly IceBase[];
  readonly #send: SendCheck;
  #pairs: CandidatePair[] = [];
  #triggered: CandidatePair[] = [];
  #nextAtMs: MonoMs = -Infinity;
  #concluded = false;
  #discovered = 0;
  /** Whose priorities come first in the order of pairs. */
  weControl: boolean;

  constructor(bases: readonly IceBase[], weControl: boolean, send: SendCheck) {
    this.#bases = bases;
    this.weControl = weControl;
    this.#send = send;
  }

  /** The best pair that works in both directions. */
  get valid(): CandidatePair | undefined {
    return this.#pairs.find(({ state }) => state === "succeeded");
  }

  /** Pairs a candidate with each of our sockets of its family. One that is known, by its address, changes nothing. */
  add(remote: RemoteCandidate): void {
    for (const [rank, base] of this.#bases.entries()) {
      if (!sameFamily(base.address, remote.address) || this.find(base, remote.address, remote.port)) continue;
      this.#insert(newPair(base, rank, remote));
    }
  }

  /** The pair of a socket and an address. */
  find(base: IceBase, address: string, port: number): CandidatePair | undefined {
    return this.#pairs.find((one) => one.base === base && one.remote.address === address && one.remote.port === port);
  }

  /**
   * A pair with an address that nobody announced and that has just proven to know our password: a peer-reflexive
   * candidate. RFC 8445 section 7.3.1.3.
   *
   * @param priority - As its check says, 4 bytes.
   */
  discovered(base: IceBase, address: string, port: number, priority: Buffer | undefined): CandidatePair | undefined {
    if (priority?.length !== 4 || ++this.#discovered > DISCOVERED_LIMIT) return undefined;
    const foundation = `prflx${this.#discovered}`;
    const remote = { foundation, priority: priority.readUInt32BE(), address, port, type: "prflx" } as const;
    const pair = newPair(base, this.#bases.indexOf(base), remote);
    this.#insert(pair);
    return this.#pairs.includes(pair) ? pair : undefined;
  }

  #insert(pair: CandidatePair): void {
    const first = !this.#pairs.some(({ foundation, state }) => foundation === pair.foundation && state !== "failed");
    if (first) pair.state = "waiting";
    this.#pairs.push(pair);
    this.sort();
    for (const gone of this.#pairs.splice(PAIR_LIMIT)) this.#triggered = this.#triggered.filter((one) => one !== gone);
  }

  /** Puts the pairs into their order, which depends on who controls. */
  sort(): void {
    this.#pairs.sort((one, other) => comparePairs(one, other, this.weControl));
  }

  /** The pair is tried next, whatever its state was. RFC 8445 section 7.3.1.4. */
  trigger(pair: CandidatePair): void {
    if (this.#triggered.includes(pair)) return;
    pair.state = "waiting";
    pair.againAtMs = Infinity;
    this.#triggered.push(pair);
  }

  /** A check was answered. Others of its foundation are worth a try now. RFC 8445 section 7.2.5.3.3. */
  succeeded(pair: CandidatePair): void {
    pair.state = "succeeded";
    pair.againAtMs = Infinity;
    this.#triggered = this.#triggered.filter((one) => one !== pair);
    for (const other of this.#pairs) {
      if (other.foundation === pair.foundation && other.state === "frozen") other.state = "waiting";
    }
  }

  /** A pair was chosen: nothing is tried any more but what is asked for. RFC 8445 section 8.1.2. */
  conclude(): void {
    this.#concluded = true;
    for (const pair of this.#pairs) if (pair.state === "in-progress") pair.againAtMs = Infinity;
  }

  /** Whether no better pair than {@link valid} is to be waited for. */
  get isSettled(): boolean {
    const over = this.#pairs.every(({ state }) => state === "succeeded" || state === "failed");
    return over || this.#pairs[0]?.state === "succeeded";
  }

  /** When {@link tick} has something to do; `Infinity` when nothing waits. */
  get deadlineMs(): MonoMs {
    const again = Math.min(Infinity, ...this.#pairs.map(({ againAtMs }) => againAtMs));
    return this.#next() === undefined ? again : Math.min(again, this.#nextAtMs);
  }

  /** Sends what is due. Call at {@link deadlineMs}. */
  tick(now: MonoMs): void {
    for (const pair of this.#pairs) if (pair.againAtMs <= now) this.#again(pair, now);
    if (now < this.#nextAtMs) return;
    const pair = this.#next();
    if (pair === undefined) return;
    this.#triggered = this.#triggered.filter((one) => one !== pair);
    this.#nextAtMs = now + PACE_MS;
    pair.state = "in-progress";
    pair.tries = 0;
    this.#again(pair, now);
  }

  #again(pair: CandidatePair, now: MonoMs): void {
    if (pair.tries >= TRIES) {
      pair.state = "failed";
      pair.againAtMs = Infinity;
      return;
    }
    pair.againAtMs = now + Math.min(WAIT_MS.longest, WAIT_MS.first * 2 ** pair.tries);
    pair.tries++;
    this.#send(pair, now);
  }

  /** Section 6.1.4.2: triggered, else the best that waits, else the best of a foundation of which nothing is under way. */
  #next(): CandidatePair | undefined {
    const [triggered] = this.#triggered;
    if (triggered || this.#concluded) return triggered;
    const waiting = this.#pairs.find(({ state }) => state === "waiting");
    if (waiting) return waiting;
    const busy = new Set(
      this.#pairs.filter(({ state }) => state === "in-progress").map(({ foundation }) => foundation),
    );
    return this.#pairs.find(({ state, foundation }) => state === "frozen" && !busy.has(foundation));
  }
}
