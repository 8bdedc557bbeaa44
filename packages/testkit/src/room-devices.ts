import { kindOf, type Source, type TrackKind } from "@lodeline/protocol";
import type { FakeDevices } from "./fake-devices.ts";

/** The devices that a page holds for its room, beside those that calls open for themselves. */
export class RoomDevices {
  readonly #devices: FakeDevices;
  readonly #refused: (source: Source) => void;
  /** Kinds that are opened or being opened. */
  readonly #asked = new Set<TrackKind>();
  /** The present page; undefined before it asked for anything. */
  #holder: string | undefined;

  /** @param refused - A device was refused: its source cannot be published. */
  constructor(devices: FakeDevices, refused: (source: Source) => void) {
    this.#devices = devices;
    this.#refused = refused;
  }

  /** Opens what is needed and releases what is not, in the name of a page. */
  tend(holder: string, needs: (source: Source) => boolean): void {
    for (const source of ["microphone", "camera"] as const) {
      const kind = kindOf(source);
      if (needs(source) === this.#asked.has(kind)) continue;
      if (needs(source)) this.#open(holder, kind, source);
      else this.#release(holder, kind);
    }
  }

  /** The page is gone: everything is let go at once. */
  drop(holder: string): void {
    this.#asked.clear();
    this.#devices.drop(holder);
    this.#holder = undefined;
  }

  #open(holder: string, kind: TrackKind, source: Source): void {
    this.#holder = holder;
    this.#asked.add(kind);
    this.#devices.open(kind, holder, (refused) => {
      if (holder !== this.#holder || !this.#asked.has(kind)) {
        // Not wanted any more, or the page is another: what was granted too late is given back.
        this.#devices.release(kind, holder, () => {});
      } else if (refused !== undefined) {
        this.#asked.delete(kind);
        this.#refused(source);
      }
    });
  }

  #release(holder: string, kind: TrackKind): void {
    this.#asked.delete(kind);
    this.#devices.release(kind, holder, () => {});
  }
}
