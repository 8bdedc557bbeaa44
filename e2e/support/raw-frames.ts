import type { Person } from "./sdk-person.ts";

/** A frame as it came, before anything decrypted it. */
export interface RawFrame {
  readonly kind: "audio" | "video";
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Has a page that joins encrypted next keep the first frames of each kind as they come from the server, in place of
 * decrypting them. They are what the server forwards, put together from its packets.
 *
 * @param count - Frames to keep of each kind.
 */
export async function keepRawFrames(person: Person, count: number): Promise<void> {
  await person.page.evaluate((most) => {
    const code = `
      const kept = { audio: 0, video: 0 };
      onrtctransform = ({ transformer }) => {
        const { kind } = transformer.options;
        const transform = (frame, out) => {
          if (frame.data.byteLength > 0 && kept[kind]++ < ${most}) postMessage({ kind, bytes: [...new Uint8Array(frame.data)] });
          out.enqueue(frame);
        };
        transformer.readable.pipeThrough(new TransformStream({ transform })).pipeTo(transformer.writable);
      };`;
    const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    const page = globalThis as unknown as { rawFrames: unknown[] };
    page.rawFrames = [];
    worker.onmessage = ({ data }) => page.rawFrames.push(data);
    const Real = RTCRtpScriptTransform;
    globalThis.RTCRtpScriptTransform = class extends Real {
      constructor(_sdk: Worker, options: unknown) {
        super(worker, options);
      }
    };
  }, count);
}

/** What was kept so far. */
export async function rawFrames(person: Person): Promise<RawFrame[]> {
  const kept = (await person.page.evaluate("globalThis.rawFrames")) as { kind: RawFrame["kind"]; bytes: number[] }[];
  return kept.map(({ kind, bytes }) => ({ kind, bytes: Uint8Array.from(bytes) }));
}

/** Whether a browser's decoder makes a picture of a VP8 key frame. */
export function decodes(person: Person, frame: Uint8Array): Promise<boolean> {
  return person.page.evaluate(async (bytes) => {
    let pictures = 0;
    const decoder = new VideoDecoder({
      output: (picture) => {
        pictures += 1;
        picture.close();
      },
      error: () => {},
    });
    decoder.configure({ codec: "vp8" });
    decoder.decode(new EncodedVideoChunk({ type: "key", timestamp: 0, data: Uint8Array.from(bytes) }));
    await decoder.flush().catch(() => {});
    return pictures > 0;
  }, Array.from(frame));
}
