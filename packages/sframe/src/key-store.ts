import { MAX_KEY_ID } from "./kid.ts";
import { SHARED_KEY_BYTES } from "./shared-key.ts";
import type { Bytes } from "./subtle.ts";

/** Shared keys that are kept; the one that was set longest ago goes first. */
const MAX_KEYS = 16;

/** The keys that a group shares, by number. Bounded. */
export class KeyStore {
  readonly #keys = new Map<number, Bytes>();
  readonly #changed = new Set<(keyId: number) => void>();

  /**
   * Keeps a key, in place of the one of the same number.
   *
   * @throws TypeError for a number beyond 0 .. 255, or a key that is not 16 .. 64 bytes.
   */
  set(keyId: number, key: Bytes): void {
    if (!Number.isInteger(keyId) || keyId < 0 || keyId > MAX_KEY_ID) throw new TypeError("keyId is 0 .. 255");
    if (key.length < SHARED_KEY_BYTES / 2 || key.length > 64) throw new TypeError("a shared key has 16 .. 64 bytes");
    const known = this.#keys.get(keyId);
    this.#keys.delete(keyId);
    this.#keys.set(keyId, key.slice());
    // The same one again: what came under it stays known.
    if (known?.length !== key.length || known.some((byte, at) => byte !== key[at])) this.#tell(keyId);
    for (const oldest of this.#keys.keys()) {
      if (this.#keys.size <= MAX_KEYS) break;
      this.delete(oldest);
    }
  }

  /** Forgets a key: what comes under it is `missing-key` from now on. */
  delete(keyId: number): void {
    if (this.#keys.delete(keyId)) this.#tell(keyId);
  }

  get(keyId: number): Bytes | undefined {
    return this.#keys.get(keyId);
  }

  /** Calls `listener` with the number of every key that is another from now on, or gone. */
  watch(listener: (keyId: number) => void): Disposable {
    this.#changed.add(listener);
    return { [Symbol.dispose]: () => void this.#changed.delete(listener) };
  }

  #tell(keyId: number): void {
    for (const listener of this.#changed) listener(keyId);
  }
}
