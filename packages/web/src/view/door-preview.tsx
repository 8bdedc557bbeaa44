import { type DeviceProblem, openPreview, type Preview } from "@lodeline/client";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Preferences } from "../state/preferences.ts";
import { Icon } from "./icon.tsx";
import { LevelMeter } from "./level-meter.tsx";

/** What you look and sound like, before anybody else sees it. Devices are released when the door closes behind you. */
export function DoorPreview(props: { wish: Preferences; change: (part: Partial<Preferences>) => void }): JSX.Element {
  const { wish, change } = props;
  const { stream, problems } = usePreview(wish);
  const video = useRef<HTMLVideoElement>(null);
  const shows = (stream?.getVideoTracks().length ?? 0) > 0;
  useEffect(() => {
    if (video.current) video.current.srcObject = stream ?? null;
  }, [stream]);
  return (
    <section aria-label="Your camera and microphone">
      <div class="preview">
        <video ref={video} autoplay muted playsInline hidden={!shows} />
        {!shows && <p class="empty">{wish.camera ? "Waiting for your camera …" : "Your camera is off"}</p>}
        <LevelMeter stream={stream} />
        <div class="switches">
          <Switch on={wish.microphone} name="microphone" flip={() => change({ microphone: !wish.microphone })} />
          <Switch on={wish.camera} name="camera" flip={() => change({ camera: !wish.camera })} />
        </div>
      </div>
      {problems.map((problem) => (
        <div class="trouble" role="alert" key={problem.source}>
          <strong>{problem.title}</strong>
          <span>{problem.advice} You can go in all the same and listen.</span>
        </div>
      ))}
    </section>
  );
}

function Switch(props: { on: boolean; name: "microphone" | "camera"; flip: () => void }): JSX.Element {
  return (
    <button
      type="button"
      class={`key ${props.on ? "" : "off"}`}
      aria-pressed={props.on}
      aria-label={`${props.name === "camera" ? "Camera" : "Microphone"} when going in`}
      onClick={props.flip}
    >
      <span class="face">
        <Icon name={props.name} struck={!props.on} />
      </span>
    </button>
  );
}

function usePreview(wish: Preferences): { stream: MediaStream | undefined; problems: readonly DeviceProblem[] } {
  const [preview, setPreview] = useState<Preview>();
  const { camera, microphone, cameraId, microphoneId } = wish;
  useEffect(() => {
    let over = false;
    let opened: Preview | undefined;
    void openPreview({
      camera: camera && { deviceId: cameraId },
      microphone: microphone && { deviceId: microphoneId },
    }).then((got) => {
      opened = got;
      if (over) got.close();
      else setPreview(got);
    });
    return () => {
      over = true;
      opened?.close();
    };
  }, [camera, microphone, cameraId, microphoneId]);
  return { stream: preview?.stream, problems: preview?.problems ?? [] };
}
