import { ReplayWindow } from "@lodeline/rtp";
import type { CipherSuite } from "./cipher-suite.ts";
import { FrameKey, ratchet } from "./frame-key.ts";
import { MAX_FRAMES } from "./frame-sender.ts";
import { parseHeader, type SFrameHeader } from "./header.ts";
import type { KeyStore } from "./key-store.ts";
import { chainOf, type KeyName, parseKid } from "./kid.ts";
import { clearBytesOf, type EncryptedCodec, metadataOf } from "./media-frame.ts";
import { senderBaseKey } from "./shared-key.ts";
import { type Bytes, join, type Subtle } from "./subtle.ts";

/** What became of a frame that was to be decrypted. */
export type Opened =
  | { readonly kind: "ok"; readonly frame: Bytes }
  /** The shared key of this number is not known here. */
  | { readonly kind: "missing-key"; readonly keyId: number }
  /** Not authentic: another key, another sender, another source, or a changed frame. */
  | { readonly kind: "wrong-key" }
  /** Decrypted before, older than the window, or of a key that was given up. */
  | { readonly kind: "replayed" }
  | { readonly kind: "malformed" };

/** Chains that are kept of one sender: the present one and the one before it, of which frames may still be under way. */
const MAX_CHAINS = 2;
/** Keys that are kept of one chain, for the same reason. */
const MAX_STEPS_KEPT = 2;
/** Chains that are remembered as given up, so that nothing of them is accepted again. */
const MAX_RETIRED = 64;
/** Keys that nothing authentic came under yet, kept so that a flood of frames does not derive each anew. */
const MAX_DOUBTFUL = 4;

/** A key under which authentic frames came, and which of them. */
interface Proven {
  readonly key: FrameKey;
  readonly window: ReplayWindow;
}

/** The keys of one sender since it last began with a shared key. */
interface Chain {
  readonly keyId: number;
  /** The newest step that was authentic, and its base key. */
  step: number;
  base: Bytes;
  /** By step, oldest first. */
  readonly keys: Map<number, Proven>;
}

/** A key derived for a KID, with what would be kept of it. */
interface Candidate {
  readonly key: FrameKey;
  readonly base: Bytes;
}

/**
 * Decrypts what one participant sends, and keeps its keys: few of them, each only after something authentic came under it,
 * and none of those that it has given up.
 */
export class SenderKeys implements Disposable {
  readonly participant: string;
  readonly #subtle: Subtle;
  readonly #suite: CipherSuite;
  readonly #shared: KeyStore;
  readonly #watching: Disposable;
  /** By {@link chainOf}, oldest first. */
  readonly #chains = new Map<bigint, Chain>();
  readonly #retired = new Set<bigint>();
  readonly #doubtful = new Map<bigint, Candidate>();

  constructor(subtle: Subtle, suite: CipherSuite, shared: KeyStore, participant: string) {
    this.#subtle = subtle;
    this.#suite = suite;
    this.#shared = shared;
    this.participant = participant;
    this.#watching = shared.watch((keyId) => this.#forget(keyId));
  }

  /**
   * Decrypts a frame that `FrameSender.protect` gave. A frame that is not authentic changes nothing here.
   *
   * @param label - What it should be a frame of.
   */
  async open(codec: EncryptedCodec, label: Uint8Array, protectedFrame: Bytes): Promise<Opened> {
    const clearBytes = clearBytesOf(codec, protectedFrame);
    const clear = protectedFrame.subarray(0, clearBytes);
    const frame = protectedFrame.slice(clearBytes);
    const header = headerOf(frame);
    const name = header && parseKid(header.kid);
    if (!header || !name || header.ctr >= MAX_FRAMES) return { kind: "malformed" };
    const chain = this.#chains.get(chainOf(header.kid));
    const proven = chain?.keys.get(name.step);
    if (this.#isGivenUp(header.kid, name, chain) || proven?.window.check(Number(header.ctr)) === false) {
      return { kind: "replayed" };
    }
    const candidate = proven ?? (await this.#derive(header.kid, name, chain));
    if (!candidate) return { kind: "missing-key", keyId: name.keyId };
    const plaintext = await candidate.key.decrypt(metadataOf(label, clear), frame, header);
    if (!plaintext) return { kind: "wrong-key" };
    const window = proven?.window ?? this.#accept(header.kid, name, candidate as Candidate);
    // Several frames are decrypted at once: another of them may have been this one.
    if (!window.check(Number(header.ctr))) return { kind: "replayed" };
    window.commit(Number(header.ctr));
    return { kind: "ok", frame: join(clear, plaintext) };
  }

  /** Forgets every key. */
  [Symbol.dispose](): void {
    this.#watching[Symbol.dispose]();
    this.#chains.clear();
    this.#doubtful.clear();
  }

  #isGivenUp(kid: bigint, { step }: KeyName, chain: Chain | undefined): boolean {
    return this.#retired.has(chainOf(kid)) || (chain !== undefined && step < chain.step && !chain.keys.has(step));
  }

  async #derive(kid: bigint, { keyId, step }: KeyName, chain: Chain | undefined): Promise<Candidate | undefined> {
    const known = this.#doubtful.get(kid);
    if (known) return known;
    const shared = this.#shared.get(keyId);
    if (!shared) return undefined;
    let base = chain?.base ?? (await senderBaseKey(this.#subtle, shared, this.participant));
    for (let at = chain?.step ?? 0; at < step; at++) base = await ratchet(this.#subtle, this.#suite, base);
    const candidate = { key: await FrameKey.derive(this.#subtle, this.#suite, kid, base), base };
    // The key may have been replaced while this one was derived from it.
    if (this.#shared.get(keyId) === shared) keepNewest(this.#doubtful.set(kid, candidate), MAX_DOUBTFUL);
    return candidate;
  }

  /** Something authentic came under a new key: it is kept, and older ones make room. */
  #accept(kid: bigint, { keyId, step }: KeyName, { key, base }: Candidate): ReplayWindow {
    this.#doubtful.delete(kid);
    const id = chainOf(kid);
    const chain = this.#chains.get(id) ?? { keyId, step, base, keys: new Map<number, Proven>() };
    this.#chains.set(id, chain);
    const known = chain.keys.get(step);
    if (known) return known.window;
    if (step > chain.step) Object.assign(chain, { step, base });
    const window = new ReplayWindow();
    keepNewest(chain.keys.set(step, { key, window }), MAX_STEPS_KEPT);
    for (const gone of keepNewest(this.#chains, MAX_CHAINS)) this.#retire(gone);
    return window;
  }

  #retire(chain: bigint): void {
    this.#retired.add(chain);
    for (const oldest of this.#retired) {
      if (this.#retired.size <= MAX_RETIRED) break;
      this.#retired.delete(oldest);
    }
  }

  /** A shared key is another one: nothing derived from the old one is of use. */
  #forget(keyId: number): void {
    for (const [id, chain] of this.#chains) if (chain.keyId === keyId) this.#chains.delete(id);
    for (const kid of this.#doubtful.keys()) if (parseKid(kid)?.keyId === keyId) this.#doubtful.delete(kid);
  }
}

function headerOf(frame: Bytes): SFrameHeader | undefined {
  try {
    return parseHeader(frame);
  } catch {
    return undefined;
  }
}

/** Drops the oldest entries beyond `count`. @returns The keys of those dropped. */
function keepNewest<K>(map: Map<K, unknown>, count: number): K[] {
  const gone = [...map.keys()].slice(0, Math.max(0, map.size - count));
  for (const key of gone) map.delete(key);
  return gone;
}
