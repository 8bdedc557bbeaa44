import type { MonoMs, Random } from "@lodeline/base";
import type { CandidatePair, IceBase, RemoteCandidate } from "./candidate-pair.ts";
import { CheckList } from "./check-list.ts";
import { newCredentials } from "./ice-generation.ts";
import { type IceRole, RoleTie } from "./ice-role.ts";
import { ICE_TIMINGS, type IceCredentials, type IceState, type IceTimings } from "./ice-types.ts";
import { type OutgoingCheck, OutgoingChecks } from "./outgoing-checks.ts";
import { PairConsent } from "./pair-consent.ts";
import {
  encodeErrorCode,
  encodeStun,
  encodeXorMappedAddress,
  errorCodeOf,
  integrityFits,
  localFragmentOf,
  STUN_ATTRIBUTE,
  STUN_TYPE,
  type StunMessage,
} from "./stun-message.ts";

/** What a {@link FullIceAgent} tells its owner. */
export interface FullIceEvents {
  readonly onState: (state: IceState) => void;
  /** While no pair is in use this is the first that works: data may go by it before one is chosen. RFC 8445 section 12.1.1. */
  readonly onValid?: ((pair: CandidatePair) => void) | undefined;
  /** Packets leave by this pair from now on. */
  readonly onPair: (pair: CandidatePair) => void;
}

/** A better pair than the first that works is waited for this long before it is nominated. */
const NOMINATE_AFTER_MS = 200;

/** RFC 8445 section 7.3.1.1. */
const ROLE_CONFLICT = 487;

/**
 * A full ICE agent in either role, for where this side connects rather than is connected to. RFC 8445, RFC 7675.
 *
 * It pairs candidates, checks them in order and when it is checked, and nominates by a second check (regular nomination)
 * where it controls; a conflict of roles is settled by tie-breaker. Every address is checked before anything else goes there.
 * A restart keeps the pair in use until there is a new one. Candidates are gathered by whoever owns the sockets.
 */
export class FullIceAgent {
  readonly #random: Random;
  readonly #timings: IceTimings;
  readonly #events: FullIceEvents;
  readonly #bases: readonly IceBase[];
  readonly #checks: OutgoingChecks;
  readonly #tie: RoleTie;
  #local: IceCredentials;
  #remote: IceCredentials | undefined;
  #list: CheckList;
  #state: IceState = "new";
  #startedAtMs: MonoMs | undefined;
  /** Since when there is a pair that could be nominated. */
  #validSinceMs: MonoMs | undefined;
  #nominating: CandidatePair | undefined;
  /** The pair in use, and what it is asked with: both outlive a restart. */
  #inUse: Omit<OutgoingCheck, "role" | "nominates"> | undefined;
  #consent: PairConsent | undefined;

  /** @param options.bases - Our sockets, best first. They are the caller's. */
  constructor(options: {
    readonly role: IceRole;
    readonly bases: readonly IceBase[];
    readonly random: Random;
    readonly events: FullIceEvents;
    readonly timings?: Partial<IceTimings> | undefined;
  }) {
    this.#bases = options.bases;
    this.#random = options.random;
    this.#events = options.events;
    this.#timings = { ...ICE_TIMINGS, ...options.timings };
    this.#checks = new OutgoingChecks(this.#random);
    this.#tie = new RoleTie(options.role, this.#random);
    this.#local = newCredentials(this.#random);
    this.#list = this.#newList();
  }

  get state(): IceState {
    return this.#state;
  }

  get role(): IceRole {
    return this.#tie.role;
  }

  /** Our credentials of the newest generation, for a description. */
  get local(): IceCredentials {
    return this.#local;
  }

  /** The pair in use. */
  get selected(): CandidatePair | undefined {
    return this.#inUse?.pair;
  }

  /** Smoothed round-trip time of checks, in ms. */
  get roundTripMs(): number | undefined {
    return this.#checks.roundTripMs;
  }

  /** When {@link tick} has something to do. */
  get deadlineMs(): MonoMs | undefined {
    if (this.#state === "new" || this.#state === "closed" || this.#state === "failed") return undefined;
    const at = Math.min(
      this.#remote ? this.#list.deadlineMs : Infinity,
      this.#nominateAtMs,
      this.#consent?.deadlineMs(this.#state === "disconnected") ?? this.#giveUpAtMs,
    );
    return at === Infinity ? undefined : at;
  }

  get #giveUpAtMs(): MonoMs {
    return (this.#startedAtMs ?? 0) + this.#timings.checkingTimeoutMs;
  }

  /** The other side's description came: checks may begin. */
  start(remote: IceCredentials, candidates: readonly RemoteCandidate[], now: MonoMs): void {
    if (this.#state === "closed") return;
    this.#remote = remote;
    this.#startedAtMs = now;
    for (const candidate of candidates) this.#list.add(candidate);
    if (this.#inUse === undefined) this.#setState("checking");
  }

  /** One more candidate of theirs, trickled. RFC 8838. */
  add(candidate: RemoteCandidate): void {
    this.#list.add(candidate);
  }

  /**
   * Begins a new generation with new credentials, for a new offer; {@link start} has to follow. What flows goes on by the
   * pair in use. RFC 8445 section 9.
   */
  restart(): void {
    this.#local = newCredentials(this.#random);
    this.#remote = undefined;
    this.#list = this.#newList();
    this.#validSinceMs = undefined;
    this.#nominating = undefined;
  }

  /** Authenticated bytes of another protocol came by the pair in use. */
  heard(now: MonoMs): void {
    this.#consent?.heard(now);
    if (this.#state === "disconnected" && this.#consent) this.#setState("connected");
  }

  /**
   * A STUN message arrived. What is not authenticated with our or their password is ignored.
   *
   * @returns Whether it was authentic.
   */
  handle(message: StunMessage, base: IceBase, address: string, port: number, now: MonoMs): boolean {
    if (this.#state === "closed") return false;
    if (message.type === STUN_TYPE.request) return this.#handleRequest(message, base, address, port, now);
    if (message.type !== STUN_TYPE.success && message.type !== STUN_TYPE.error) return false;
    return this.#handleAnswer(message, base, address, port, now);
  }

  /** Sends what is due: checks, the nomination, consent. Call at {@link deadlineMs}. */
  tick(now: MonoMs): void {
    if (this.#state === "new" || this.#state === "closed" || this.#state === "failed") return;
    if (this.#remote) this.#list.tick(now);
    if (now >= this.#nominateAtMs) this.#nominate();
    const consent = this.#consent;
    if (consent === undefined) {
      if (now >= this.#giveUpAtMs) this.#setState("failed");
      return;
    }
    const judged = consent.judge(now);
    // What was heard again says so itself.
    if (judged !== "connected") this.#setState(judged);
    if (judged === "failed") this.#letGo();
    else if (this.#inUse && consent.takeAsk(now)) this.#ask({ ...this.#inUse, nominates: false }, now);
  }

  #letGo(): void {
    this.#inUse = undefined;
    this.#consent = undefined;
  }

  close(): void {
    this.#checks.clear();
    this.#letGo();
    this.#setState("closed");
  }

  #newList(): CheckList {
    const list: CheckList = new CheckList(this.#bases, this.role === "controlling", (pair, now) => {
      const remote = this.#remote;
      const nominates = pair === this.#nominating;
      if (remote) this.#ask({ list, pair, nominates, remote, local: this.#local }, now);
    });
    return list;
  }

  /** When the best valid pair is chosen: at once when nothing better is left to try, else a little later. */
  get #nominateAtMs(): MonoMs {
    if (this.role !== "controlling" || this.#validSinceMs === undefined) return Infinity;
    // One that was chosen and did not answer to that is none.
    if (this.#nominating && this.#nominating.state !== "failed") return Infinity;
    const { valid, isSettled } = this.#list;
    if (valid === undefined) return Infinity;
    return isSettled ? this.#validSinceMs : this.#validSinceMs + NOMINATE_AFTER_MS;
  }

  /** Regular nomination: the pair is checked once more, with the word. RFC 8445 section 8.1.1. */
  #nominate(): void {
    const { valid: pair } = this.#list;
    if (pair === undefined) return;
    this.#nominating = pair;
    this.#list.trigger(pair);
  }

  #ask(check: Omit<OutgoingCheck, "role">, now: MonoMs): void {
    this.#checks.send({ ...check, role: this.role }, this.#tie.tieBreaker, this.#bases.indexOf(check.pair.base), now);
  }

  #handleRequest(message: StunMessage, base: IceBase, address: string, port: number, now: MonoMs): boolean {
    const named = localFragmentOf(message);
    const local = [this.#local, this.#inUse?.local].find((one) => one?.usernameFragment === named);
    if (local === undefined || !integrityFits(message, local.password)) return false;
    const reply = (type: number, attribute: number, value: Buffer) =>
      base.send(encodeStun(type, message.transactionId, [[attribute, value]], local.password), address, port);
    const conflict = this.#tie.conflictOf(message);
    if (conflict === "theirs") {
      reply(STUN_TYPE.error, STUN_ATTRIBUTE.errorCode, encodeErrorCode(ROLE_CONFLICT, "Role Conflict"));
      return true;
    }
    if (conflict === "ours") this.#switchRole();
    const mapped = encodeXorMappedAddress(address, port, message.transactionId);
    reply(STUN_TYPE.success, STUN_ATTRIBUTE.xorMappedAddress, mapped);
    const { selected } = this;
    if (selected?.base === base && selected.remote.address === address && selected.remote.port === port)
      this.heard(now);
    // One of the generation before a restart keeps the old pair alive, and begins nothing.
    if (local !== this.#local) return true;
    const priority = message.attributes.get(STUN_ATTRIBUTE.priority);
    const pair = this.#list.find(base, address, port) ?? this.#list.discovered(base, address, port, priority);
    if (pair) this.#wasChecked(pair, message.attributes.has(STUN_ATTRIBUTE.useCandidate), now);
    return true;
  }

  #switchRole(): void {
    this.#tie.become(this.role === "controlling" ? "controlled" : "controlling");
    this.#nominating = undefined;
    this.#list.weControl = this.role === "controlling";
    this.#list.sort();
  }

  /** They checked a pair: it is checked back, and chosen when they chose it and it works. RFC 8445 sections 7.3.1.4, 7.3.1.5. */
  #wasChecked(pair: CandidatePair, chosen: boolean, now: MonoMs): void {
    if (chosen && this.role === "controlled") pair.nominated = true;
    if (pair.state !== "succeeded") this.#list.trigger(pair);
    else if (pair.nominated && pair !== this.selected) this.#select(pair, now);
  }

  #handleAnswer(message: StunMessage, base: IceBase, address: string, port: number, now: MonoMs): boolean {
    const check = this.#checks.answered(message, base, address, port, now);
    if (check === undefined) return false;
    if (message.type === STUN_TYPE.error) this.#refused(check, errorCodeOf(message));
    else this.#answered(check, now);
    return true;
  }

  #refused({ pair, list, role }: OutgoingCheck, code: number | undefined): void {
    if (list !== this.#list) return;
    if (code !== ROLE_CONFLICT) {
      pair.state = "failed";
      pair.againAtMs = Infinity;
      return;
    }
    // Section 7.2.5.1: switch, unless that has happened since, and try again with another tie-breaker.
    if (role === this.role) {
      this.#switchRole();
      this.#tie.breakAnew();
    }
    list.trigger(pair);
  }

  #answered({ pair, list, nominates }: OutgoingCheck, now: MonoMs): void {
    if (pair === this.selected) this.heard(now);
    if (list !== this.#list) return;
    // An earlier check of the pair that is being nominated says nothing new, and must not pass for the nomination.
    if (pair === this.#nominating && !nominates && pair.state !== "failed") return;
    list.succeeded(pair);
    if (this.#validSinceMs === undefined && this.#inUse === undefined) this.#events.onValid?.(pair);
    this.#validSinceMs ??= now;
    const chosen = this.role === "controlling" ? nominates && pair === this.#nominating : pair.nominated;
    if (chosen && pair !== this.selected) this.#select(pair, now);
  }

  #select(pair: CandidatePair, now: MonoMs): void {
    const [list, remote, local] = [this.#list, this.#remote, this.#local];
    if (remote === undefined) return;
    pair.nominated = true;
    this.#inUse = { list, pair, remote, local };
    this.#consent = new PairConsent(this.#timings, this.#random, now);
    list.conclude();
    this.#events.onPair(pair);
    this.#setState("connected");
  }

  #setState(state: IceState): void {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    this.#events.onState(state);
  }
}
