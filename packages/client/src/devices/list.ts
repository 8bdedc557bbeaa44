/** A device that a person can choose. */
export interface DeviceInfo {
  readonly deviceId: string;
  /** As the system names it; a numbered stand-in until the person has once allowed a device of its kind. */
  readonly label: string;
}

/** The devices at hand, by use. Empty lists where the browser offers none. */
export interface Devices {
  readonly cameras: readonly DeviceInfo[];
  readonly microphones: readonly DeviceInfo[];
  /** Where sound can be played; empty in browsers that do not let a page choose. */
  readonly speakers: readonly DeviceInfo[];
}

/** Asks the browser for the devices at hand. Never opens one and never prompts. */
export async function listDevices(): Promise<Devices> {
  const all = (await globalThis.navigator?.mediaDevices?.enumerateDevices()) ?? [];
  return {
    cameras: ofKind(all, "videoinput", "Camera"),
    microphones: ofKind(all, "audioinput", "Microphone"),
    speakers: ofKind(all, "audiooutput", "Speaker"),
  };
}

/**
 * Calls `fn` with the devices at hand now and whenever they change.
 *
 * @param options.signal - Aborting it stops.
 * @returns Stops as well.
 */
export function watchDevices(fn: (devices: Devices) => void, options: { signal?: AbortSignal } = {}): Disposable {
  const source = globalThis.navigator?.mediaDevices;
  let over = options.signal?.aborted ?? false;
  const tell = async () => {
    const devices = await listDevices();
    if (!over) fn(devices);
  };
  const changed = () => void tell();
  const stop = () => {
    over = true;
    source?.removeEventListener("devicechange", changed);
    options.signal?.removeEventListener("abort", stop);
  };
  if (!over) {
    source?.addEventListener("devicechange", changed);
    options.signal?.addEventListener("abort", stop, { once: true });
    changed();
  }
  return { [Symbol.dispose]: stop };
}

function ofKind(all: readonly MediaDeviceInfo[], kind: MediaDeviceKind, name: string): DeviceInfo[] {
  return (
    all
      .filter((device) => device.kind === kind)
      // Before the first permission browsers list one device of each kind with an empty id: nothing to choose from.
      .filter((device) => device.deviceId !== "")
      .map((device, index) => ({ deviceId: device.deviceId, label: device.label || `${name} ${index + 1}` }))
  );
}
