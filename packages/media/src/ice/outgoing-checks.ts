import type { MonoMs, Random } from "@lodeline/base";
import { type CandidatePair, candidatePriority, type IceBase } from "./candidate-pair.ts";
import type { CheckList } from "./check-list.ts";
import type { IceRole } from "./ice-role.ts";
import type { IceCredentials } from "./ice-types.ts";
import { encodeStun, integrityFits, STUN_ATTRIBUTE, STUN_TYPE, type StunMessage } from "./stun-message.ts";

/** A check of ours: what it is for, and with which credentials. */
export interface OutgoingCheck {
  readonly list: CheckList;
  readonly pair: CandidatePair;
  /** Ours when it was sent. */
  readonly role: IceRole;
  /** Whether it says that the pair is chosen. */
  readonly nominates: boolean;
  readonly remote: IceCredentials;
  readonly local: IceCredentials;
}

/** A check that was not answered for this long never will be. */
const FORGOTTEN_MS = 16_000;

/** The checks of a full agent that wait for their answer. RFC 8445 section 7.2. */
export class OutgoingChecks {
  readonly #random: Random;
  readonly #waiting = new Map<string, OutgoingCheck & { readonly sentAtMs: MonoMs }>();

  /** Smoothed round-trip time of checks, in ms. */
  roundTripMs: number | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  /**
   * Sends one.
   *
   * @param tieBreaker - 8 bytes.
   * @param rank - Of the pair's socket among ours.
   */
  send(check: OutgoingCheck, tieBreaker: Buffer, rank: number, now: MonoMs): void {
    const { pair, role, nominates, remote, local } = check;
    for (const [key, { sentAtMs }] of this.#waiting) if (now - sentAtMs > FORGOTTEN_MS) this.#waiting.delete(key);
    const transactionId = Buffer.alloc(12);
    for (let at = 0; at < 12; at += 4) transactionId.writeUInt32BE(this.#random.u32(), at);
    this.#waiting.set(transactionId.toString("latin1"), { ...check, sentAtMs: now });
    const priority = Buffer.alloc(4);
    // What a peer-reflexive candidate found by this check would have. RFC 8445 section 7.1.1.
    priority.writeUInt32BE(candidatePriority("prflx", rank));
    const controls = role === "controlling";
    const attributes: (readonly [number, Buffer])[] = [
      [STUN_ATTRIBUTE.username, Buffer.from(`${remote.usernameFragment}:${local.usernameFragment}`)],
      [controls ? STUN_ATTRIBUTE.iceControlling : STUN_ATTRIBUTE.iceControlled, tieBreaker],
      [STUN_ATTRIBUTE.priority, priority],
    ];
    if (controls && nominates) attributes.push([STUN_ATTRIBUTE.useCandidate, Buffer.alloc(0)]);
    const { address, port } = pair.remote;
    pair.base.send(encodeStun(STUN_TYPE.request, transactionId, attributes, remote.password), address, port);
  }

  /**
   * The check that an authentic answer is to, once; `undefined` when it is to none of ours, or comes from elsewhere than
   * the check went. RFC 8445 section 7.2.5.2.1.
   */
  answered(message: StunMessage, base: IceBase, address: string, port: number, now: MonoMs): OutgoingCheck | undefined {
    const key = message.transactionId.toString("latin1");
    const check = this.#waiting.get(key);
    if (check === undefined || !integrityFits(message, check.remote.password)) return undefined;
    const { pair } = check;
    if (pair.base !== base || pair.remote.address !== address || pair.remote.port !== port) return undefined;
    this.#waiting.delete(key);
    const tookMs = now - check.sentAtMs;
    this.roundTripMs = 0.75 * (this.roundTripMs ?? tookMs) + 0.25 * tookMs;
    return check;
  }

  /** Forgets every check that waits. */
  clear(): void {
    this.#waiting.clear();
  }
}
