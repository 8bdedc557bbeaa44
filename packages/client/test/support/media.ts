/** As much of `MediaStreamTrack` as the code under test reads. Stopping fires no event, as in the standard. */
export class FakeTrack {
  readonly id: string;
  readonly kind: "audio" | "video";
  readyState: MediaStreamTrackState = "live";
  enabled = true;
  muted = false;
  contentHint = "";
  onended: (() => void) | null = null;

  constructor(kind: "audio" | "video", id: string) {
    this.kind = kind;
    this.id = id;
  }

  stop(): void {
    this.readyState = "ended";
  }

  clone(): FakeTrack {
    return new FakeTrack(this.kind, `${this.id}'`);
  }

  getSettings(): MediaTrackSettings {
    return { deviceId: this.id };
  }

  /** The device is gone: what a browser does when it is unplugged. */
  end(): void {
    this.readyState = "ended";
    this.onended?.();
  }
}

/** A track for code that wants the platform's. */
export function track(kind: "audio" | "video", id: string): MediaStreamTrack & FakeTrack {
  return new FakeTrack(kind, id) as unknown as MediaStreamTrack & FakeTrack;
}

class FakeStream {
  readonly #tracks: FakeTrack[] = [];
  addTrack(one: FakeTrack): void {
    if (!this.#tracks.includes(one)) this.#tracks.push(one);
  }
  removeTrack(one: FakeTrack): void {
    const at = this.#tracks.indexOf(one);
    if (at >= 0) this.#tracks.splice(at, 1);
  }
  getTracks(): FakeTrack[] {
    return [...this.#tracks];
  }
  getAudioTracks(): FakeTrack[] {
    return this.#tracks.filter(({ kind }) => kind === "audio");
  }
  getVideoTracks(): FakeTrack[] {
    return this.#tracks.filter(({ kind }) => kind === "video");
  }
}

/** What `getUserMedia` does next; the default gives what is asked for. */
export type Capture = (constraints: MediaStreamConstraints) => Promise<readonly FakeTrack[]>;

let serial = 0;
const giveAll: Capture = async ({ audio, video }) => [
  ...(audio ? [new FakeTrack("audio", `audio-${++serial}`)] : []),
  ...(video ? [new FakeTrack("video", `video-${++serial}`)] : []),
];

const originals = new Map<string, PropertyDescriptor | undefined>();

/** Puts something where the code under test looks for a platform's global, until {@link restoreGlobals}. */
export function installGlobal(name: string, value: unknown): void {
  if (!originals.has(name)) originals.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
  Object.defineProperty(globalThis, name, { value, configurable: true });
}

/** Puts back what was there: the unit tests of every package run in one process. */
export function restoreGlobals(): void {
  for (const [name, original] of originals) {
    if (original) Object.defineProperty(globalThis, name, original);
    else Reflect.deleteProperty(globalThis, name);
  }
  originals.clear();
}

/**
 * Puts the DOM's media classes and `navigator.mediaDevices` where the code under test looks for them.
 *
 * @returns Sets what the next captures do.
 */
export function installMedia(): { capture: Capture } {
  const world = { capture: giveAll };
  const mediaDevices = {
    getUserMedia: async (constraints: MediaStreamConstraints) => {
      const stream = new FakeStream();
      for (const one of await world.capture(constraints)) stream.addTrack(one);
      return stream;
    },
  };
  installGlobal("MediaStream", FakeStream);
  installGlobal("MediaStreamTrack", FakeTrack);
  installGlobal("navigator", { mediaDevices });
  return world;
}

/** Lets every promise that is ready run. `MessageChannel` messages of stopped tracks included. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
