import type { CipherSuiteName } from "@lodeline/sframe";

/** How everything is encrypted between the participants of a room. Exactly one of `passphrase` and `keys` is given. */
export interface EncryptionOptions {
  /** What everybody in the room knows and the server does not. The key that it gives has the number 0. */
  readonly passphrase?: string | undefined;
  /** Keys of the application's own, agreed on by whatever it trusts. */
  readonly keys?: KeyProvider | undefined;
  /** The same for everybody. Default `AES_128_GCM_SHA256_128`. */
  readonly cipherSuite?: CipherSuiteName | undefined;
  /**
   * Where the page serves the worker itself (`@lodeline/client/encryption-worker.js`), because its content security policy
   * has no `worker-src blob:`. Default: the SDK brings it.
   */
  readonly workerUrl?: string | URL | undefined;
}

/** Brings the keys that a room shares. Each has a number, 0 .. 255, that travels with every frame. */
export interface KeyProvider {
  /** The key to encrypt with at first. Default 0. */
  readonly keyId?: number | undefined;
  /**
   * The key of a number: asked for when joining, and when a frame comes under one that is not known, some seconds apart.
   *
   * @returns 16 to 64 bytes nobody can guess; `undefined` when there is none (yet): what comes under it is `missing-key`.
   */
  getKey(keyId: number): Uint8Array | undefined | Promise<Uint8Array | undefined>;
}

/**
 * Whether what comes of a publication can be read here: `ok`, `missing-key` (no key of its number), or `failed` (another
 * key or passphrase, or a frame that was changed on its way).
 */
export type Decryption = "ok" | "missing-key" | "failed";

/** The encryption of a room one is in. */
export interface RoomEncryption {
  /** The number of the key that is encrypted with. */
  readonly keyId: number;
  /** Takes another passphrase, for what is sent and what comes. Settles when it is in use. */
  setPassphrase(passphrase: string): Promise<void>;
  /**
   * Takes a key for what comes, in place of the one of the same number, and encrypts with it from now on.
   *
   * @param options.use - False: only for what comes. A room changes its key without a gap when everybody has it before
   * anybody uses it.
   */
  setKey(keyId: number, key: Uint8Array, options?: { readonly use?: boolean | undefined }): Promise<void>;
  /** Encrypts with a key that was set. @throws LodelineError `encryption/missing-key`. */
  useKey(keyId: number): Promise<void>;
  /** Forgets a key. What comes under it is `missing-key`; what was encrypted with it is dropped until another is used. */
  removeKey(keyId: number): Promise<void>;
  /** Moves on to the next key of the own ratchet (RFC 9605 section 5.1); the others follow by themselves. */
  ratchet(): Promise<void>;
}
