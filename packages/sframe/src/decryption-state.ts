import type { MonoMs } from "@lodeline/base";
import type { Opened } from "./sender-keys.ts";

/** Whether what comes of a track can be read: `ok`, the key is not known here, or it is not the right one. */
export type Decryption = "ok" | "missing-key" | "failed";

/** Frames in a row that could not be read before it is told. */
const PATIENCE_FRAMES = 3;
/** How long they have to go on: frames of another key may be under way while keys or slots change. */
const PATIENCE_MS = 300;

/**
 * Judges a track by its frames: readable with the first one that is, unreadable only when that goes on. Replayed and
 * malformed frames say nothing of the key, except that a track of nothing else has failed.
 */
export class DecryptionState {
  #state: Decryption | undefined;
  #bad = 0;
  #badSince: MonoMs = 0;

  /** `undefined` before the first verdict. */
  get state(): Decryption | undefined {
    return this.#state;
  }

  /** Takes what became of a frame. @returns The state when it is another one now. */
  note(kind: Opened["kind"], now: MonoMs): Decryption | undefined {
    if (kind === "ok") {
      this.#bad = 0;
      return this.#become("ok");
    }
    if (kind === "replayed" && this.#state === "ok") return undefined;
    if (this.#bad === 0) this.#badSince = now;
    this.#bad += 1;
    if (this.#bad < PATIENCE_FRAMES || now - this.#badSince < PATIENCE_MS) return undefined;
    return this.#become(kind === "missing-key" ? "missing-key" : "failed");
  }

  /** Another track, or another key: nothing is known. */
  reset(): void {
    this.#state = undefined;
    this.#bad = 0;
  }

  #become(state: Decryption): Decryption | undefined {
    if (this.#state === state) return undefined;
    this.#state = state;
    return state;
  }
}
