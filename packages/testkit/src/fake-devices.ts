import type { Clock, ErrorCode } from "@lodeline/base";
import type { TrackKind } from "@lodeline/protocol";
import type { Chance } from "./chance.ts";

/** How a device behaves when it is asked for. */
export type DeviceMood =
  /** Opens within some tens of ms. */
  | "ready"
  /** The person or the driver takes 0.5 to 3 s. */
  | "slow"
  /** Refused. */
  | "denied"
  | "missing"
  | "busy";

/** What {@link FakeDevices} needs. */
export interface FakeDevicesOptions {
  readonly clock: Clock;
  readonly chance: Chance;
  readonly camera: DeviceMood;
  readonly microphone: DeviceMood;
  /** Told how long somebody takes to answer, ms. */
  readonly asking?: ((waitMs: number) => void) | undefined;
}

/** One kind of device and who holds it. */
interface Device {
  mood: DeviceMood;
  readonly holders: Set<string>;
}

const REFUSALS: Partial<Record<DeviceMood, ErrorCode>> = {
  denied: "device/denied",
  missing: "device/missing",
  busy: "device/busy",
};

/**
 * The camera and the microphone of one person: opened once however many sessions use them, and off only when the last
 * holder has let go. A device that is still held when all sessions are over is the camera light that stays on.
 */
export class FakeDevices {
  readonly #options: FakeDevicesOptions;
  readonly #devices: Record<TrackKind, Device>;

  constructor(options: FakeDevicesOptions) {
    this.#options = options;
    this.#devices = {
      video: { mood: options.camera, holders: new Set() },
      audio: { mood: options.microphone, holders: new Set() },
    };
  }

  /** How a device answers from now on. */
  setMood(kind: TrackKind, mood: DeviceMood): void {
    this.#devices[kind].mood = mood;
  }

  /** Asks for a device in the name of `holder`. @param done - Told once, later: nothing, or why not. */
  open(kind: TrackKind, holder: string, done: (refused: ErrorCode | undefined) => void): void {
    const device = this.#devices[kind];
    const { clock, chance } = this.#options;
    const waitMs = device.mood === "slow" ? chance.between(500, 3000) : chance.between(2, 40);
    if (device.mood === "slow") this.#options.asking?.(waitMs);
    clock.at(clock.now() + waitMs, () => {
      const refused = REFUSALS[device.mood];
      if (refused === undefined) device.holders.add(holder);
      done(refused);
    });
  }

  /** Lets go of a device. @param done - Told once, later: capture by this holder has stopped. */
  release(kind: TrackKind, holder: string, done: () => void): void {
    const { clock, chance } = this.#options;
    this.#devices[kind].holders.delete(holder);
    clock.at(clock.now() + chance.between(1, 30), done);
  }

  /** Lets go of everything `holder` has, at once: its page or its driver is gone. */
  drop(holder: string): void {
    this.#devices.audio.holders.delete(holder);
    this.#devices.video.holders.delete(holder);
  }

  /** Whether any session captures from the device. */
  live(kind: TrackKind): boolean {
    return this.#devices[kind].holders.size > 0;
  }

  /** Whether this holder captures from the device. */
  heldBy(kind: TrackKind, holder: string): boolean {
    return this.#devices[kind].holders.has(holder);
  }
}
