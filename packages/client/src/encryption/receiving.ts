import { type Decryption, DecryptionState, type EncryptedCodec, type Opened, type SenderKeys } from "@lodeline/sframe";
import type { EncodedFrame, ScriptTransformer } from "./encoded-frame.ts";

/** Frames that are kept while their key or their owner is not known yet: a second of video, and not much memory. */
const HELD_FRAMES = 60;

/** What is to be played. */
export interface Assignment {
  readonly keys: SenderKeys;
  readonly participant: string;
  readonly label: string;
  /** It is not encrypted: played as it comes. */
  readonly clear: boolean;
}

/** What a {@link Receiving} needs. */
export interface ReceivingOptions {
  readonly kind: "audio" | "video";
  now(): number;
  state(assignment: Assignment, state: Decryption): void;
  missingKey(keyId: number): void;
  /** A frame was lost to an error that says nothing of its key; told once for each thing that is played. */
  trouble(error: unknown): void;
}

/**
 * Decrypts what comes on one receiver. What cannot be read is dropped, never played; but frames travel faster than the word
 * of whose they are, and sometimes faster than a key, so the last ones are kept for a moment and tried again.
 */
export class Receiving {
  readonly #options: ReceivingOptions;
  readonly #codec: EncryptedCodec;
  readonly #judge = new DecryptionState();
  #assignment: Assignment | undefined;
  #held: EncodedFrame[] = [];
  #out: TransformStreamDefaultController<EncodedFrame> | undefined;
  #askKeyFrame: (() => void) | undefined;
  /** Told of what is played now. */
  #troubled = false;
  /** Frames, and what is tried again, one after the other. */
  #work: Promise<void> = Promise.resolve();

  constructor(options: ReceivingOptions) {
    this.#options = options;
    this.#codec = options.kind === "audio" ? "opus" : "vp8";
  }

  /** Decrypts until the receiver ends. */
  async run(transformer: ScriptTransformer): Promise<void> {
    // Refused where the receiver has ended meanwhile.
    this.#askKeyFrame = () => void transformer.sendKeyFrameRequest?.().catch(() => {});
    const stream = new TransformStream<EncodedFrame, EncodedFrame>({
      start: (out) => {
        this.#out = out;
      },
      transform: (frame) => this.#queue(() => this.#take(frame)),
    });
    await transformer.readable.pipeThrough(stream).pipeTo(transformer.writable);
  }

  /** Something else is to be played from now on. */
  assign(assignment: Assignment | undefined): void {
    this.#assignment = assignment;
    this.#troubled = false;
    void this.again();
  }

  /** A key came, or the page wants to know again: what is held is tried, and the verdict told anew. */
  again(): Promise<void> {
    this.#judge.reset();
    return this.#queue(async () => {
      const held = this.#held;
      this.#held = [];
      for (const frame of held) await this.#take(frame);
    });
  }

  async #take(frame: EncodedFrame): Promise<void> {
    const assignment = this.#assignment;
    if (assignment?.clear) return this.#out?.enqueue(frame);
    const opened = await this.#open(assignment, frame);
    if (opened?.kind === "ok") {
      // What is still held is older, and was not readable: it would only come too late.
      if (this.#held.length > 0 && this.#options.kind === "video") this.#askKeyFrame?.();
      this.#held = [];
      frame.data = opened.frame.buffer;
      this.#out?.enqueue(frame);
    } else if (opened?.kind !== "replayed" && opened?.kind !== "malformed") {
      this.#held.push(frame);
      if (this.#held.length > HELD_FRAMES) this.#held.shift();
    }
    if (opened?.kind === "missing-key") this.#options.missingKey(opened.keyId);
    if (!assignment || !opened || assignment !== this.#assignment) return;
    const state = this.#judge.note(opened.kind, this.#options.now());
    if (state) this.#options.state(assignment, state);
  }

  async #open(assignment: Assignment | undefined, frame: EncodedFrame): Promise<Opened | undefined> {
    try {
      return await assignment?.keys.open(this.#codec, ascii(assignment.label), new Uint8Array(frame.data));
    } catch (error) {
      // A frame that breaks something is not worth the stream.
      if (!this.#troubled) this.#options.trouble(error);
      this.#troubled = true;
      return { kind: "malformed" };
    }
  }

  #queue(work: () => Promise<void>): Promise<void> {
    // What still fails here is a stream that has ended: nothing can be put into it any more.
    this.#work = this.#work.then(work).catch(() => {});
    return this.#work;
  }
}

/** The name of a source as bytes. */
export function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
