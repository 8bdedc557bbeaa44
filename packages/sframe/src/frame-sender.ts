import { LodelineError, type Random } from "@lodeline/base";
import type { CipherSuite } from "./cipher-suite.ts";
import { FrameKey, ratchet } from "./frame-key.ts";
import { drawFrom, type KeyName, kidOf, MAX_KEY_ID, MAX_STEP } from "./kid.ts";
import { clearBytesOf, type EncryptedCodec, metadataOf } from "./media-frame.ts";
import { senderBaseKey } from "./shared-key.ts";
import { type Bytes, join, type Subtle } from "./subtle.ts";

/** Frames that are encrypted under one key. Far below what AES-GCM allows (RFC 9605 section 9.6 names 2^48 blocks), and four bytes of counter. */
export const MAX_FRAMES = 2 ** 32;

/** What a {@link FrameSender} needs. */
export interface FrameSenderOptions {
  readonly subtle: Subtle;
  readonly suite: CipherSuite;
  /** A cryptographic one. */
  readonly random: Random;
}

/** The key in use, and what it came from. */
interface Current {
  readonly name: KeyName;
  readonly base: Bytes;
  readonly key: FrameKey;
  frames: number;
}

/**
 * Encrypts every frame that one participant sends, of all its sources and layers: they share one counter, so no number
 * comes twice.
 */
export class FrameSender {
  readonly #options: FrameSenderOptions;
  #current: Current | undefined;
  /** Changes of the key, one after the other. */
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: FrameSenderOptions) {
    this.#options = options;
  }

  /** The KID of the key in use; `undefined` before the first. */
  get kid(): bigint | undefined {
    return this.#current?.key.kid;
  }

  /**
   * Encrypts with a shared key from now on; also with the same one again, which begins anew with another KID.
   *
   * @param participant - Whose frames they are.
   * @throws TypeError for a key number beyond {@link MAX_KEY_ID}.
   */
  use(keyId: number, sharedKey: Bytes, participant: string): Promise<void> {
    if (!Number.isInteger(keyId) || keyId < 0 || keyId > MAX_KEY_ID) throw new TypeError("keyId is 0 .. 255");
    return this.#next(async () => {
      const { subtle, random } = this.#options;
      const name = { keyId, draw: drawFrom(random), step: 0 };
      return this.#make(name, await senderBaseKey(subtle, sharedKey, participant));
    });
  }

  /**
   * Moves to the next key of the chain; receivers follow by themselves.
   *
   * @throws LodelineError `encryption/missing-key` without a key, `encryption/exhausted` after {@link MAX_STEP} steps.
   */
  ratchet(): Promise<void> {
    return this.#next(async () => {
      const before = this.#current;
      if (!before) throw new LodelineError("encryption/missing-key");
      if (before.name.step === MAX_STEP) throw new LodelineError("encryption/exhausted");
      const { subtle, suite } = this.#options;
      const name = { ...before.name, step: before.name.step + 1 };
      return this.#make(name, await ratchet(subtle, suite, before.base));
    });
  }

  /**
   * Encrypts a frame.
   *
   * @param label - What it is a frame of; the receiver names the same.
   * @returns The readable bytes, then header and ciphertext.
   * @throws LodelineError `encryption/missing-key` without a key, `encryption/exhausted` when this one is used up,
   * `encryption/malformed` for what is no frame of this codec.
   */
  async protect(codec: EncryptedCodec, label: Uint8Array, frame: Bytes): Promise<Bytes> {
    const current = this.#current;
    if (!current) throw new LodelineError("encryption/missing-key");
    if (current.frames >= MAX_FRAMES) throw new LodelineError("encryption/exhausted");
    const clearBytes = clearBytesOf(codec, frame);
    if (frame.length < clearBytes) throw new LodelineError("encryption/malformed");
    const ctr = BigInt(current.frames++);
    const clear = frame.subarray(0, clearBytes);
    return join(clear, await current.key.encrypt(ctr, metadataOf(label, clear), frame.slice(clearBytes)));
  }

  async #make(name: KeyName, base: Bytes): Promise<Current> {
    const { subtle, suite } = this.#options;
    return { name, base, key: await FrameKey.derive(subtle, suite, kidOf(name), base), frames: 0 };
  }

  #next(make: () => Promise<Current>): Promise<void> {
    const done = this.#work.then(make).then((made) => {
      this.#current = made;
    });
    this.#work = done.catch(() => {});
    return done;
  }
}
