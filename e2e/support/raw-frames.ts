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

/**
 * What a browser's decoder makes of a VP8 key frame.
 *
 * @returns The picture's brightness in 32 columns and 18 rows; nothing where the decoder gives none.
 */
export function pictureOf(person: Person, frame: Uint8Array): Promise<number[] | undefined> {
  return person.page.evaluate(async (bytes) => {
    let brightness: number[] | undefined;
    const decoder = new VideoDecoder({
      output: (picture) => {
        const [columns, rows] = [32, 18];
        const context = new OffscreenCanvas(columns, rows).getContext("2d");
        context?.drawImage(picture, 0, 0, columns, rows);
        const { data } = context?.getImageData(0, 0, columns, rows) ?? { data: [] };
        brightness = Array.from({ length: data.length / 4 }, (_, at) =>
          [0, 1, 2].reduce((sum, part) => sum + (data[4 * at + part] ?? 0), 0),
        );
        picture.close();
      },
      error: () => {},
    });
    decoder.configure({ codec: "vp8" });
    decoder.decode(new EncodedVideoChunk({ type: "key", timestamp: 0, data: Uint8Array.from(bytes) }));
    await decoder.flush().catch(() => {});
    return brightness;
  }, Array.from(frame));
}

/** How alike two pictures are: Pearson's correlation of their brightness, 1 for the same one. */
export function likeness(one: readonly number[], other: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [oneMean, otherMean] = [mean(one), mean(other)];
  const product = (a: readonly number[], aMean: number, b: readonly number[], bMean: number) =>
    a.reduce((sum, value, at) => sum + (value - aMean) * ((b[at] ?? 0) - bMean), 0);
  const spread = Math.sqrt(product(one, oneMean, one, oneMean) * product(other, otherMean, other, otherMean));
  return spread === 0 ? 0 : product(one, oneMean, other, otherMean) / spread;
}
