import { toLodelineError } from "@lodeline/base";
import type { Room } from "@lodeline/client";
import type { JSX } from "preact";
import { notify } from "../state/notices.ts";
import { loadPreferences, type Preferences, savePreferences } from "../state/preferences.ts";
import { usePulse } from "../state/pulse.ts";
import { DeviceChoices } from "./device-choices.tsx";

/** Changes the camera or microphone while in the room: at once where it is on, else for the next time. */
export function DevicesPanel({ room }: { room: Room }): JSX.Element {
  usePulse();
  const use = (part: Partial<Preferences>) => {
    savePreferences({ ...loadPreferences(), ...part });
    const changed = "cameraId" in part ? "camera" : "microphone";
    room
      .setDevice(changed, { deviceId: part.cameraId ?? part.microphoneId })
      .catch((thrown: unknown) => notify(toLodelineError(thrown).detail));
  };
  return (
    <>
      <DeviceChoices wish={{ cameraId: room.camera.deviceId, microphoneId: room.microphone.deviceId }} change={use} />
      {[room.microphone.problem, room.camera.problem].map(
        (problem) =>
          problem && (
            <div class="trouble" key={problem.source}>
              <strong>{problem.title}</strong>
              <span>{problem.advice}</span>
            </div>
          ),
      )}
    </>
  );
}
