import { createSecret, type MonoMs, type Random, unit } from "@lodeline/base";
import {
  ICE_TIMINGS,
  type IceAgentEvents,
  type IceCredentials,
  type IcePath,
  type IceState,
  type IceTimings,
} from "./ice-types.ts";
import {
  encodeErrorCode,
  encodeStun,
  encodeXorMappedAddress,
  integrityFits,
  localFragmentOf,
  STUN_ATTRIBUTE,
  STUN_TYPE,
  type StunMessage,
} from "./stun-message.ts";

/** One ICE generation: our credentials, theirs, and the path nominated with them. */
interface Generation {
  readonly local: IceCredentials;
  remote: IceCredentials | undefined;
  path: IcePath | undefined;
  /** The browser's choice, which counts once that path has answered a check of ours. */
  nominated: IcePath | undefined;
  /** Paths that authentic checks came from, and whether they answered ours. */
  readonly paths: Map<IcePath, boolean>;
}

/** Media that comes from elsewhere means that the other side has moved, unless its known address was heard just now. */
const MOVED_AFTER_MS = 100;
/** A new address that does not answer is asked again this often, while media comes from it. */
const ASK_MOVED_MS = 100;

/** At most this many addresses in one generation: a peer that invents source ports cannot make us keep more. */
const PATH_LIMIT = 256;

/**
 * A controlled ICE agent for a server with known addresses. RFC 8445, RFC 7675.
 *
 * The browser is the offerer and controls; it checks our host candidates, and we answer, check back the address it
 * came from, and follow its nomination. We never send to an address that has not proven to know our password, so
 * candidates from signaling cannot aim us at anybody. A restart keeps the old path until the new one is nominated.
 */
export class IceAgent {
  readonly #random: Random;
  readonly #timings: IceTimings;
  readonly #events: IceAgentEvents;
  readonly #tieBreaker = Buffer.alloc(8);
  readonly #pending = new Map<
    string,
    { readonly generation: Generation; readonly path: IcePath; readonly sentAtMs: MonoMs }
  >();
  #current: Generation;
  #previous: Generation | undefined;
  #path: IcePath | undefined;
  #state: IceState = "new";
  #startedAtMs: MonoMs | undefined;
  #heardAtMs: MonoMs = 0;
  /** When media was last heard on the path that is in use. */
  #pathHeardAtMs: MonoMs = -Infinity;
  /** Where media comes from, when that is not where it goes: followed as soon as it answers. */
  #moved: IcePath | undefined;
  #askMovedAtMs: MonoMs = -Infinity;
  #nextConsentAtMs: MonoMs | undefined;
  #roundTripMs: number | undefined;

  constructor(options: {
    readonly random: Random;
    readonly events: IceAgentEvents;
    readonly timings?: Partial<IceTimings> | undefined;
  }) {
    this.#random = options.random;
    this.#events = options.events;
    this.#timings = { ...ICE_TIMINGS, ...options.timings };
    this.#tieBreaker.writeUInt32BE(this.#random.u32(), 0);
    this.#tieBreaker.writeUInt32BE(this.#random.u32(), 4);
    this.#current = this.#newGeneration();
  }

  get state(): IceState {
    return this.#state;
  }

  /** Our credentials of the newest generation, for the answer. */
  get local(): IceCredentials {
    return this.#current.local;
  }

  /** Their credentials of the newest generation, once an offer brought them. */
  get remote(): IceCredentials | undefined {
    return this.#current.remote;
  }

  /** Where packets go, once there is such a place. */
  get path(): IcePath | undefined {
    return this.#path;
  }

  /** Smoothed round-trip time of consent checks, in ms. */
  get roundTripMs(): number | undefined {
    return this.#roundTripMs;
  }

  /** When {@link tick} has something to do. */
  get deadlineMs(): MonoMs | undefined {
    if (this.#state === "closed" || this.#state === "failed") return undefined;
    if (this.#path === undefined) {
      return this.#startedAtMs === undefined ? undefined : this.#startedAtMs + this.#timings.checkingTimeoutMs;
    }
    const silence = this.#state === "connected" ? this.#timings.disconnectedAfterMs : this.#timings.failedAfterMs;
    return Math.min(this.#nextConsentAtMs ?? Infinity, this.#heardAtMs + silence);
  }

  /**
   * Takes the credentials of an offer. The first sets them; different ones are an ICE restart, which begins a new
   * generation with new credentials of our own while media keeps flowing on the old path.
   *
   * @returns Whether it was a restart.
   */
  accept(remote: IceCredentials, now: MonoMs): boolean {
    const known = this.#current.remote;
    if (known === undefined) {
      this.#current.remote = remote;
      this.#startedAtMs = now;
      this.#events.onCredentials(this.#current.local, undefined);
      this.#setState("checking");
      return false;
    }
    if (known.usernameFragment === remote.usernameFragment && known.password === remote.password) return false;
    if (this.#previous) this.#events.onCredentials(undefined, this.#previous.local);
    this.#previous = this.#current;
    this.#current = this.#newGeneration();
    this.#current.remote = remote;
    this.#startedAtMs = now;
    this.#events.onCredentials(this.#current.local, undefined);
    if (this.#state !== "connected") this.#setState("checking");
    return true;
  }

  /**
   * A STUN message that arrived on `path`. Anything not authenticated with our or their password is ignored.
   *
   * @returns Whether it was authentic, so that `path` belongs to this agent.
   */
  handle(message: StunMessage, path: IcePath, now: MonoMs): boolean {
    if (this.#state === "closed") return false;
    if (message.type === STUN_TYPE.request) return this.#handleRequest(message, path, now);
    return message.type === STUN_TYPE.success && this.#handleSuccess(message, path, now);
  }

  /** Authenticated bytes of another protocol (SRTP) arrived: as good a sign of life as a check. */
  heard(now: MonoMs): void {
    this.#heardAtMs = now;
    if (this.#state === "disconnected" && this.#path) this.#setState("connected");
  }

  /**
   * Authentic media came on `path`. When that is not the path in use and the one in use is silent, the other side has got
   * another address without knowing it (its NAT lost the mapping): the new one is checked, and followed when it answers,
   * so that a copy of a packet sent from a forged address cannot have media sent there.
   */
  mediaHeard(path: IcePath, now: MonoMs): void {
    this.heard(now);
    if (path === this.#path) {
      this.#pathHeardAtMs = now;
      this.#moved = undefined;
      return;
    }
    const generation = this.#current.path ? this.#current : this.#previous;
    if (!generation?.path || now - this.#pathHeardAtMs < MOVED_AFTER_MS) return;
    if (generation.paths.size >= PATH_LIMIT && !generation.paths.has(path)) return;
    if (!generation.paths.has(path)) generation.paths.set(path, false);
    this.#moved = path;
    if (now < this.#askMovedAtMs) return;
    this.#askMovedAtMs = now + ASK_MOVED_MS;
    this.#check(generation, path, now);
  }

  /** Sends consent checks and notices silence. Call at {@link deadlineMs}. */
  tick(now: MonoMs): void {
    if (this.#state === "closed" || this.#state === "failed") return;
    if (this.#path === undefined) {
      if (this.#startedAtMs !== undefined && now >= this.#startedAtMs + this.#timings.checkingTimeoutMs)
        this.#setState("failed");
      return;
    }
    const silentMs = now - this.#heardAtMs;
    if (silentMs >= this.#timings.failedAfterMs) {
      // Consent has ended: nothing may be sent there any more. RFC 7675 section 5.1.
      this.#path = undefined;
      return this.#setState("failed");
    }
    if (silentMs >= this.#timings.disconnectedAfterMs && this.#state === "connected") this.#setState("disconnected");
    if (this.#nextConsentAtMs !== undefined && now >= this.#nextConsentAtMs) this.#askConsent(silentMs, now);
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#events.onCredentials(undefined, this.#current.local);
    if (this.#previous) this.#events.onCredentials(undefined, this.#previous.local);
    this.#pending.clear();
    this.#setState("closed");
  }

  #newGeneration(): Generation {
    // RFC 8445 section 5.3: at least 24 bits of chance in the fragment and 128 in the password. 5 bits each sign.
    const local = { usernameFragment: createSecret(this.#random, 8), password: createSecret(this.#random, 28) };
    return { local, remote: undefined, path: undefined, nominated: undefined, paths: new Map() };
  }

  #handleRequest(message: StunMessage, path: IcePath, now: MonoMs): boolean {
    const generation = this.#generationOf(localFragmentOf(message));
    if (generation === undefined || !integrityFits(message, generation.local.password)) return false;
    if (generation.paths.size >= PATH_LIMIT && !generation.paths.has(path)) return false;
    this.#heardAtMs = now;
    if (message.attributes.has(STUN_ATTRIBUTE.iceControlled)) {
      this.#refuseRole(message, path, generation);
      return true;
    }
    const mapped = encodeXorMappedAddress(path.address, path.port, message.transactionId);
    path.send(
      encodeStun(
        STUN_TYPE.success,
        message.transactionId,
        [[STUN_ATTRIBUTE.xorMappedAddress, mapped]],
        generation.local.password,
      ),
    );
    if (!generation.paths.has(path)) generation.paths.set(path, false);
    if (generation.paths.get(path) === false) this.#check(generation, path, now);
    // DTLS need not wait for a nomination: it proves the path itself before any media flows.
    if (generation.path === undefined) this.#select(generation, path, now);
    if (message.attributes.has(STUN_ATTRIBUTE.useCandidate)) this.#nominate(generation, path, now);
    if (this.#state === "disconnected") this.#setState("connected");
    return true;
  }

  #generationOf(usernameFragment: string): Generation | undefined {
    if (usernameFragment === this.#current.local.usernameFragment) return this.#current;
    if (usernameFragment === this.#previous?.local.usernameFragment) return this.#previous;
    return undefined;
  }

  /** Both sides think they are controlled: the other one has to switch. RFC 8445 section 7.3.1.1. */
  #refuseRole(message: StunMessage, path: IcePath, generation: Generation): void {
    const error = encodeErrorCode(487, "Role Conflict");
    path.send(
      encodeStun(
        STUN_TYPE.error,
        message.transactionId,
        [[STUN_ATTRIBUTE.errorCode, error]],
        generation.local.password,
      ),
    );
  }

  /**
   * Moves to the path that the browser chose, once it answered: somebody who forges a source address must not have
   * media sent there. RFC 8445 section 7.3.1.5.
   */
  #nominate(generation: Generation, path: IcePath, now: MonoMs): void {
    generation.nominated = path;
    if (generation.paths.get(path) === true && (generation.path !== path || this.#path !== path))
      this.#select(generation, path, now);
  }

  /** The browser nominated the same pair as ever; only we see that its far end is elsewhere now. */
  #follow(generation: Generation, path: IcePath, now: MonoMs): void {
    this.#moved = undefined;
    generation.nominated = path;
    this.#select(generation, path, now);
  }

  #select(generation: Generation, path: IcePath, now: MonoMs): void {
    generation.path = path;
    if (generation === this.#previous) {
      // A late check of the old generation must not take the path back.
      if (this.#current.path !== undefined) return;
    } else if (this.#previous) {
      this.#events.onCredentials(undefined, this.#previous.local);
      this.#previous = undefined;
    }
    this.#nextConsentAtMs ??= now + this.#consentInMs(0);
    if (path !== this.#path) {
      this.#path = path;
      this.#events.onPath(path);
    }
    this.#setState("connected");
  }

  #handleSuccess(message: StunMessage, path: IcePath, now: MonoMs): boolean {
    const key = message.transactionId.toString("latin1");
    const pending = this.#pending.get(key);
    const password = pending?.generation.remote?.password;
    if (pending === undefined || password === undefined || !integrityFits(message, password)) return false;
    // The answer must come from where the check went. RFC 8445 section 7.2.5.2.1.
    if (pending.path !== path) return false;
    this.#pending.delete(key);
    pending.generation.paths.set(path, true);
    if (pending.generation.nominated === path) this.#nominate(pending.generation, path, now);
    else if (this.#moved === path) this.#follow(pending.generation, path, now);
    const roundTripMs = now - pending.sentAtMs;
    this.#roundTripMs = this.#roundTripMs === undefined ? roundTripMs : 0.75 * this.#roundTripMs + 0.25 * roundTripMs;
    this.heard(now);
    return true;
  }

  #askConsent(silentMs: number, now: MonoMs): void {
    const generation = this.#current.path ? this.#current : (this.#previous ?? this.#current);
    if (this.#path) this.#check(generation, this.#path, now);
    this.#nextConsentAtMs = now + this.#consentInMs(silentMs);
  }

  #consentInMs(silentMs: number): number {
    const { consentIntervalMs, suspectIntervalMs } = this.#timings;
    const suspect = silentMs > consentIntervalMs;
    // RFC 7675 section 5.1: 0.8 to 1.2 of the interval, so that many peers do not keep step.
    return (suspect ? suspectIntervalMs : consentIntervalMs) * (0.8 + 0.4 * unit(this.#random));
  }

  #check(generation: Generation, path: IcePath, now: MonoMs): void {
    const { remote, local } = generation;
    if (remote === undefined) return;
    for (const [key, { sentAtMs }] of this.#pending) if (now - sentAtMs > 5000) this.#pending.delete(key);
    const transactionId = Buffer.alloc(12);
    for (let at = 0; at < 12; at += 4) transactionId.writeUInt32BE(this.#random.u32(), at);
    this.#pending.set(transactionId.toString("latin1"), { generation, path, sentAtMs: now });
    const username = Buffer.from(`${remote.usernameFragment}:${local.usernameFragment}`, "utf8");
    const priority = Buffer.alloc(4);
    // Type preference of a peer-reflexive candidate: 110. RFC 8445 section 5.1.2.2.
    priority.writeUInt32BE(((110 << 24) | (65535 << 8) | 255) >>> 0);
    path.send(
      encodeStun(
        STUN_TYPE.request,
        transactionId,
        [
          [STUN_ATTRIBUTE.username, username],
          [STUN_ATTRIBUTE.iceControlled, this.#tieBreaker],
          [STUN_ATTRIBUTE.priority, priority],
        ],
        remote.password,
      ),
    );
  }

  #setState(state: IceState): void {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    this.#events.onState(state);
  }
}
