/**
 * A camera and a microphone whose content tells whose they are: a picture of one colour in which a square moves, and a
 * tone of one pitch. They stand in for `getUserMedia`, so that the SDK opens, mutes and releases them as real ones.
 */

/** The DOM's types do not know it yet (W3C mediacapture-transform; Chromium has it under its first name). */
declare class MediaStreamTrackGenerator extends MediaStreamTrack {
  constructor(init: { readonly kind: "video" });
  readonly writable: WritableStream<VideoFrame>;
}

/** How many people can be told apart. */
export const COLOURS = 8;

const SIZE = { width: 160, height: 120 } as const;
const FRAME_MS = 100;

/** Stops giving pictures or sound as a device does that was pulled out. */
type Pull = () => void;

/** One person's devices. */
export class OwnDevices {
  readonly #index: number;
  #sound: AudioContext | undefined;
  readonly #pulls = new Set<Pull>();

  constructor(index: number) {
    this.#index = index;
  }

  /** From now on `getUserMedia` of this page gives these devices. */
  install(): void {
    navigator.mediaDevices.getUserMedia = async ({ audio, video } = {}) => {
      const tracks = [...(audio ? [this.#microphone()] : []), ...(video ? [this.#camera()] : [])];
      return new MediaStream(tracks);
    };
  }

  /** Ends every open camera, as pulling its cable does. */
  pullCameras(): void {
    for (const pull of [...this.#pulls]) pull();
  }

  #camera(): MediaStreamTrack {
    const track = new MediaStreamTrackGenerator({ kind: "video" });
    const writer = track.writable.getWriter();
    const canvas = new OffscreenCanvas(SIZE.width, SIZE.height);
    const began = performance.now();
    const stop = () => {
      clearInterval(timer);
      this.#pulls.delete(pull);
    };
    const pull = () => {
      stop();
      void writer.close().catch(() => {});
    };
    const draw = () => {
      if (track.readyState === "ended") return stop();
      const atMs = performance.now() - began;
      paint(canvas, this.#index, atMs);
      const frame = new VideoFrame(canvas, { timestamp: Math.round(atMs * 1000) });
      writer.write(frame).catch(() => frame.close());
    };
    const timer = setInterval(draw, FRAME_MS);
    this.#pulls.add(pull);
    draw();
    return track;
  }

  #microphone(): MediaStreamTrack {
    this.#sound ??= new AudioContext();
    const sound = this.#sound;
    const out = sound.createMediaStreamDestination();
    const tone = sound.createOscillator();
    const loudness = sound.createGain();
    tone.frequency.value = 300 + 100 * this.#index;
    loudness.gain.value = 0.2;
    tone.connect(loudness).connect(out);
    tone.start();
    const track = out.stream.getAudioTracks()[0];
    if (!track) throw new Error("no sound");
    const timer = setInterval(() => {
      if (track.readyState !== "ended") return;
      clearInterval(timer);
      tone.stop();
    }, 1_000);
    return track;
  }
}

function paint(canvas: OffscreenCanvas, index: number, atMs: number): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  context.fillStyle = `hsl(${(index * 360) / COLOURS} 100% 50%)`;
  context.fillRect(0, 0, SIZE.width, SIZE.height);
  context.fillStyle = "black";
  context.fillRect((atMs / 20) % SIZE.width, SIZE.height * 0.75, 20, 20);
}

/** Whose picture an element shows: the index of the nearest colour; `undefined` for grey, black and nothing. */
export function whoseColour(element: HTMLVideoElement, scratch: CanvasRenderingContext2D): number | undefined {
  if (element.videoWidth === 0) return undefined;
  // The upper half: the square moves in the lower one.
  scratch.drawImage(element, 0, 0, element.videoWidth, element.videoHeight / 2, 0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0] = scratch.getImageData(0, 0, 1, 1).data;
  const most = Math.max(red, green, blue);
  const range = most - Math.min(red, green, blue);
  if (range < 60) return undefined;
  const sixth =
    most === red ? (green - blue) / range : most === green ? 2 + (blue - red) / range : 4 + (red - green) / range;
  return Math.round((((sixth * 60 + 360) % 360) * COLOURS) / 360) % COLOURS;
}
