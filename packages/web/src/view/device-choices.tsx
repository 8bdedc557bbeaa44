import { type Devices, watchDevices } from "@lodeline/client";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Preferences } from "../state/preferences.ts";

/** Which camera and microphone to use. Kept up to date while devices come and go. */
export function DeviceChoices(props: {
  wish: Pick<Preferences, "cameraId" | "microphoneId">;
  change: (part: Partial<Preferences>) => void;
}): JSX.Element {
  const { wish, change } = props;
  const [devices, setDevices] = useState<Devices>({ cameras: [], microphones: [], speakers: [] });
  useEffect(() => {
    const watch = watchDevices(setDevices);
    return () => watch[Symbol.dispose]();
  }, []);
  return (
    <>
      <label class="field">
        Microphone
        <select
          value={wish.microphoneId ?? ""}
          onChange={(event) => change({ microphoneId: event.currentTarget.value || undefined })}
        >
          <option value="">Default microphone</option>
          {devices.microphones.map((device) => (
            <option key={device.deviceId} value={device.deviceId}>
              {device.label}
            </option>
          ))}
        </select>
      </label>
      <label class="field">
        Camera
        <select
          value={wish.cameraId ?? ""}
          onChange={(event) => change({ cameraId: event.currentTarget.value || undefined })}
        >
          <option value="">Default camera</option>
          {devices.cameras.map((device) => (
            <option key={device.deviceId} value={device.deviceId}>
              {device.label}
            </option>
          ))}
        </select>
      </label>
    </>
  );
}
