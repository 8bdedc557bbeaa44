import { type MonoMs, type Random, unit } from "@lodeline/base";
import { IceChecks } from "./ice-checks.ts";
import { hasRoomFor, type IceGeneration, newGeneration, notePath } from "./ice-generation.ts";
import { replyRoleConflict, replySuccess } from "./ice-replies.ts";
import {
  ICE_TIMINGS,
  type IceAgentEvents,
  type IceCredentials,
  type IcePath,
  type IceState,
  type IceTimings,
} from "./ice-types.ts";
import {
  integrityFits,
  localFragmentOf,
  remoteFragmentOf,
  STUN_ATTRIBUTE,
  STUN_TYPE,
  type StunMessage,
} from "./stun-message.ts";

/** Media that comes from elsewhere means that the other side has moved, unless its known address was heard just now. */
const MOVED_AFTER_MS = 100;
/** A new address that does not answer is asked again this often, while media comes from it. */
const ASK_MOVED_MS = 100;

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
  readonly #checks: IceChecks;
  #current: IceGeneration;
  #previous: IceGeneration | undefined;
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
    this.#checks = new IceChecks(this.#random);
    this.#current = newGeneration(this.#random);
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
    this.#current = newGeneration(this.#random);
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
    if (!hasRoomFor(generation, path)) return;
    this.#moved = path;
    if (now < this.#askMovedAtMs) return;
    this.#askMovedAtMs = now + ASK_MOVED_MS;
    this.#checks.send(generation, path, now);
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
    this.#checks.clear();
    this.#setState("closed");
  }

  #handleRequest(message: StunMessage, path: IcePath, now: MonoMs): boolean {
    const generation = this.#generationOf(localFragmentOf(message));
    if (generation === undefined || !integrityFits(message, generation.local.password)) return false;
    if (!hasRoomFor(generation, path)) return false;
    this.#heardAtMs = now;
    if (message.attributes.has(STUN_ATTRIBUTE.iceControlled)) {
      replyRoleConflict(message, path, generation);
      return true;
    }
    replySuccess(message, path, generation);
    const known = notePath(generation, path);
    known.remote = this.#remoteNamed(remoteFragmentOf(message));
    if (!known.answered) this.#checks.send(generation, path, now);
    // DTLS need not wait for a nomination: it proves the path itself before any media flows.
    if (generation.path === undefined) this.#select(generation, path, now);
    if (message.attributes.has(STUN_ATTRIBUTE.useCandidate)) this.#nominate(generation, path, now);
    if (this.#state === "disconnected") this.#setState("connected");
    return true;
  }

  #generationOf(usernameFragment: string): IceGeneration | undefined {
    if (usernameFragment === this.#current.local.usernameFragment) return this.#current;
    if (usernameFragment === this.#previous?.local.usernameFragment) return this.#previous;
    return undefined;
  }

  /**
   * Whose check it is. A browser that restarts ICE checks from its new socket as soon as it has one, often before our
   * answer is there: with our old credentials and its own new ones. There it answers to those alone, so a path has the
   * credentials of whoever is on it, not those of its generation.
   */
  #remoteNamed(usernameFragment: string): IceCredentials | undefined {
    const all = [this.#current.remote, this.#previous?.remote];
    return all.find((remote) => remote?.usernameFragment === usernameFragment);
  }

  /**
   * Moves to the path that the browser chose, once it answered: somebody who forges a source address must not have
   * media sent there. RFC 8445 section 7.3.1.5.
   */
  #nominate(generation: IceGeneration, path: IcePath, now: MonoMs): void {
    generation.nominated = path;
    if (generation.paths.get(path)?.answered && (generation.path !== path || this.#path !== path))
      this.#select(generation, path, now);
  }

  /** The browser nominated the same pair as ever; only we see that its far end is elsewhere now. */
  #follow(generation: IceGeneration, path: IcePath, now: MonoMs): void {
    this.#moved = undefined;
    generation.nominated = path;
    this.#select(generation, path, now);
  }

  #select(generation: IceGeneration, path: IcePath, now: MonoMs): void {
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
    const check = this.#checks.answered(message, path);
    if (check === undefined) return false;
    const { generation, known, sentAtMs } = check;
    known.answered = true;
    if (generation.nominated === path) this.#nominate(generation, path, now);
    else if (this.#moved === path) this.#follow(generation, path, now);
    const roundTripMs = now - sentAtMs;
    this.#roundTripMs = this.#roundTripMs === undefined ? roundTripMs : 0.75 * this.#roundTripMs + 0.25 * roundTripMs;
    this.heard(now);
    return true;
  }

  #askConsent(silentMs: number, now: MonoMs): void {
    const generation = this.#current.path ? this.#current : (this.#previous ?? this.#current);
    if (this.#path) this.#checks.send(generation, this.#path, now);
    this.#nextConsentAtMs = now + this.#consentInMs(silentMs);
  }

  #consentInMs(silentMs: number): number {
    const { consentIntervalMs, suspectIntervalMs } = this.#timings;
    const suspect = silentMs > consentIntervalMs;
    // RFC 7675 section 5.1: 0.8 to 1.2 of the interval, so that many peers do not keep step.
    return (suspect ? suspectIntervalMs : consentIntervalMs) * (0.8 + 0.4 * unit(this.#random));
  }

  #setState(state: IceState): void {
    if (state === this.#state || this.#state === "closed") return;
    this.#state = state;
    this.#events.onState(state);
  }
}
