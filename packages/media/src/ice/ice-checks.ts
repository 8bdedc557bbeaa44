import type { MonoMs, Random } from "@lodeline/base";
import { type IceGeneration, type KnownPath, notePath } from "./ice-generation.ts";
import type { IcePath } from "./ice-types.ts";
import { encodeStun, integrityFits, STUN_ATTRIBUTE, STUN_TYPE, type StunMessage } from "./stun-message.ts";

/** A check of ours: where it went, with which credentials, and when. */
export interface IceCheck {
  readonly generation: IceGeneration;
  readonly known: KnownPath;
  readonly path: IcePath;
  readonly sentAtMs: MonoMs;
}

/** A check that was not answered for this long never will be. */
const CHECK_FORGOTTEN_MS = 5000;

/** The connectivity checks that a controlled agent sends, and which of them wait for their answer. RFC 8445 section 7.2. */
export class IceChecks {
  readonly #random: Random;
  readonly #tieBreaker = Buffer.alloc(8);
  /** By transaction id. */
  readonly #pending = new Map<string, IceCheck>();

  constructor(random: Random) {
    this.#random = random;
    this.#tieBreaker.writeUInt32BE(random.u32(), 0);
    this.#tieBreaker.writeUInt32BE(random.u32(), 4);
  }

  /** Asks whether a path knows their password. Nothing is sent before that is known. */
  send(generation: IceGeneration, path: IcePath, now: MonoMs): void {
    const known = notePath(generation, path);
    const { remote } = known;
    if (remote === undefined) return;
    for (const [key, { sentAtMs }] of this.#pending) {
      if (now - sentAtMs > CHECK_FORGOTTEN_MS) this.#pending.delete(key);
    }
    const transactionId = Buffer.alloc(12);
    for (let at = 0; at < 12; at += 4) transactionId.writeUInt32BE(this.#random.u32(), at);
    this.#pending.set(transactionId.toString("latin1"), { generation, known, path, sentAtMs: now });
    const username = Buffer.from(`${remote.usernameFragment}:${generation.local.usernameFragment}`, "utf8");
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

  /** The check that an authentic success answers, once; `undefined` when it answers none of ours. */
  answered(message: StunMessage, path: IcePath): IceCheck | undefined {
    const key = message.transactionId.toString("latin1");
    const check = this.#pending.get(key);
    const password = check?.known.remote?.password;
    if (check === undefined || password === undefined || !integrityFits(message, password)) return undefined;
    // The answer must come from where the check went. RFC 8445 section 7.2.5.2.1.
    if (check.path !== path) return undefined;
    this.#pending.delete(key);
    return check;
  }

  /** Forgets every check that waits. */
  clear(): void {
    this.#pending.clear();
  }
}
