import type { Random } from "@lodeline/base";
import { STUN_ATTRIBUTE, type StunMessage } from "./stun-message.ts";

/** As `RTCIceRole`. */
export type IceRole = "controlling" | "controlled";

/** Who of two full agents controls, and how they come to agree on it. RFC 8445 sections 7.2.5.1 and 7.3.1.1. */
export class RoleTie {
  readonly #random: Random;
  #role: IceRole;
  #tieBreaker: Buffer;

  constructor(role: IceRole, random: Random) {
    this.#role = role;
    this.#random = random;
    this.#tieBreaker = newTieBreaker(random);
  }

  get role(): IceRole {
    return this.#role;
  }

  /** 8 bytes, as a check has them. */
  get tieBreaker(): Buffer {
    return this.#tieBreaker;
  }

  /**
   * What a check of theirs means for our role: `theirs` where they have to switch and are told so, `ours` where we do,
   * which is for the caller to do by {@link become}; the greater tie-breaker controls.
   */
  conflictOf({ attributes }: StunMessage): "none" | "ours" | "theirs" {
    const controls = this.#role === "controlling";
    const same = attributes.get(controls ? STUN_ATTRIBUTE.iceControlling : STUN_ATTRIBUTE.iceControlled);
    if (same === undefined) return "none";
    const weAreGreater = Buffer.compare(this.#tieBreaker, same) >= 0;
    return weAreGreater === controls ? "theirs" : "ours";
  }

  become(role: IceRole): void {
    this.#role = role;
  }

  /** After a conflict that they settled: the next one shall not be settled by the same numbers. */
  breakAnew(): void {
    this.#tieBreaker = newTieBreaker(this.#random);
  }
}

function newTieBreaker(random: Random): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32BE(random.u32(), 0);
  bytes.writeUInt32BE(random.u32(), 4);
  return bytes;
}
