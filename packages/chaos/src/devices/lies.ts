import type { DeviceKind } from "./device-faults.ts";

/** What the page is told about one kind of device. */
export interface Lie {
  readonly kind: DeviceKind;
  readonly how: "missing" | "busy" | "denied" | "silent";
  /** How often the page asked for it. */
  asked: number;
}

/** By W3C mediacapture-main section 10.2, step by step of `getUserMedia`. */
const REFUSALS = {
  missing: ["NotFoundError", "Requested device not found"],
  busy: ["NotReadableError", "Could not start the source"],
  denied: ["NotAllowedError", "Permission denied"],
} as const;

const DEVICE_KINDS: Readonly<Record<DeviceKind, MediaDeviceKind | undefined>> = {
  camera: "videoinput",
  microphone: "audioinput",
  screen: undefined,
};

/** Stands in for the parts of `navigator` that know about devices, and lies where it was told to. */
export class Lies implements Disposable {
  readonly #lies = new Set<Lie>();
  readonly #captured: { readonly kind: DeviceKind; readonly track: WeakRef<MediaStreamTrack> }[] = [];
  readonly #media: MediaDevices;
  readonly #permissions: Permissions | undefined;

  constructor(navigator: Navigator) {
    this.#media = navigator.mediaDevices;
    this.#permissions = navigator.permissions;
    this.#standIn();
  }

  /** From now on this is told, until it is withdrawn. */
  tell(lie: Lie): void {
    this.#lies.add(lie);
    this.#changed();
  }

  withdraw(lie: Lie): void {
    this.#lies.delete(lie);
    this.#changed();
  }

  /** Tracks of a kind that were captured since. */
  tracks(kind: DeviceKind): readonly MediaStreamTrack[] {
    return this.#captured.flatMap((one) => (one.kind === kind ? (one.track.deref() ?? []) : []));
  }

  /** Everything is the browser's own again. */
  [Symbol.dispose](): void {
    this.#lies.clear();
    // The stand-ins are own properties that hide those of the prototype.
    for (const name of ["getUserMedia", "getDisplayMedia", "enumerateDevices"])
      Reflect.deleteProperty(this.#media, name);
    if (this.#permissions) Reflect.deleteProperty(this.#permissions, "query");
  }

  #standIn(): void {
    const media = this.#media;
    const getUserMedia = media.getUserMedia.bind(media);
    const getDisplayMedia = media.getDisplayMedia?.bind(media);
    const enumerateDevices = media.enumerateDevices.bind(media);
    media.getUserMedia = (constraints) => {
      const wanted: DeviceKind[] = [];
      if (constraints?.audio) wanted.push("microphone");
      if (constraints?.video) wanted.push("camera");
      return this.#answer(wanted, () => getUserMedia(constraints));
    };
    if (getDisplayMedia) {
      media.getDisplayMedia = (options) => this.#answer(["screen"], () => getDisplayMedia(options));
    }
    media.enumerateDevices = async () => {
      const hidden = new Set([...this.#lies].map(({ kind, how }) => how === "missing" && DEVICE_KINDS[kind]));
      return (await enumerateDevices()).filter(({ kind }) => !hidden.has(kind));
    };
    const permissions = this.#permissions;
    const query = permissions?.query.bind(permissions);
    if (permissions && query) {
      permissions.query = async (descriptor) => {
        const status = await query(descriptor);
        const name: string = descriptor.name;
        if (![...this.#lies].some(({ kind, how }) => how === "denied" && kind === name)) return status;
        return new Proxy(status, { get: (of, key) => (key === "state" ? "denied" : bound(of, key)) });
      };
    }
  }

  async #answer(wanted: readonly DeviceKind[], ask: () => Promise<MediaStream>): Promise<MediaStream> {
    const lies = [...this.#lies].filter(({ kind }) => wanted.includes(kind));
    for (const lie of lies) lie.asked++;
    if (lies.some(({ how }) => how === "silent")) return new Promise(() => {});
    // The standard's order: what is not there is not asked for, and what is refused is not opened.
    for (const how of ["missing", "denied", "busy"] as const) {
      if (!lies.some((lie) => lie.how === how)) continue;
      const [name, message] = REFUSALS[how];
      throw new DOMException(message, name);
    }
    const stream = await ask();
    for (const track of stream.getTracks()) this.#remember(wanted.includes("screen") ? "screen" : undefined, track);
    return stream;
  }

  /** A track and every copy of it end with their device. */
  #remember(shared: DeviceKind | undefined, track: MediaStreamTrack): void {
    const kind = shared ?? (track.kind === "video" ? "camera" : "microphone");
    this.#captured.push({ kind, track: new WeakRef(track) });
    const clone = track.clone.bind(track);
    track.clone = () => {
      const copy = clone();
      this.#remember(shared, copy);
      return copy;
    };
  }

  #changed(): void {
    this.#media.dispatchEvent(new Event("devicechange"));
  }
}

/** A property as the object itself would have given it: its methods refuse to be called on a proxy. */
function bound(of: object, key: string | symbol): unknown {
  const value: unknown = Reflect.get(of, key, of);
  return typeof value === "function" ? value.bind(of) : value;
}
