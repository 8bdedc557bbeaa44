import { LodelineError } from "@lodeline/base";
import { type EncryptedCodec, type FrameSender, isVp8KeyFrame } from "@lodeline/sframe";
import type { EncodedFrame, ScriptTransformer } from "./encoded-frame.ts";

/** What a {@link sendEncrypted} needs. */
export interface SendingOptions {
  readonly sender: FrameSender;
  readonly kind: "audio" | "video";
  /** The source: the receivers name the same. */
  readonly label: Uint8Array;
  /** Nothing is sent, because the codec is not one that can be encrypted. Told once. */
  unsupported(): void;
}

/** Encrypts every frame of a transform; what cannot be encrypted is dropped, and never sent as it is. */
export async function sendEncrypted(transformer: ScriptTransformer, options: SendingOptions): Promise<void> {
  const encrypt = encryptor(options);
  const stream = new TransformStream<EncodedFrame, EncodedFrame>({
    transform: async (frame, out) => {
      const hidden = await encrypt(new Uint8Array(frame.data));
      if (!hidden) return;
      frame.data = hidden.buffer;
      out.enqueue(frame);
    },
  });
  await transformer.readable.pipeThrough(stream).pipeTo(transformer.writable);
}

function encryptor({ sender, kind, label, unsupported }: SendingOptions) {
  const codec: EncryptedCodec = kind === "audio" ? "opus" : "vp8";
  let isKnown = kind === "audio";
  let told = false;
  return async (frame: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer> | undefined> => {
    // Not every browser names the codec with the frame: a stream of VP8 is known by its first key frame.
    isKnown ||= isVp8KeyFrame(frame);
    if (!isKnown) {
      if (!told) unsupported();
      told = true;
      return undefined;
    }
    try {
      return await sender.protect(codec, label, frame);
    } catch (error) {
      // Without a key yet, or with one that is used up: nothing leaves.
      if (error instanceof LodelineError) return undefined;
      throw error;
    }
  };
}
