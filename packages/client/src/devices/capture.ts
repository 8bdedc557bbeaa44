import type { Source } from "@lodeline/protocol";
import type { DeviceChoice, ScreenOptions } from "../api/media-api.ts";
import { deviceError, deviceFailure } from "./problems.ts";

/**
 * What is asked of a camera: 720p at 30 frames, as wishes, so that any camera fits. Simulcast makes 320x180 and 640x360
 * of it; Chromium gives no third layer below 960x540.
 */
const CAMERA: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30, max: 30 },
};

const MICROPHONE: MediaTrackConstraints = {
  echoCancellation: true,
  noiseSuppression: true,
  autoGainControl: true,
  channelCount: { ideal: 1 },
};

/** A microphone and a camera opened together; each is there, or the reason why it is not. */
export interface Captured {
  readonly microphone?: MediaStreamTrack | Error | undefined;
  readonly camera?: MediaStreamTrack | Error | undefined;
}

/**
 * Opens one camera or microphone. The chosen device is a wish: when it is no longer there the default one is taken.
 *
 * @returns A live track, owned by the caller, who stops it.
 * @throws LodelineError `device/*`.
 */
export async function openDevice(
  source: "microphone" | "camera",
  choice: DeviceChoice = {},
): Promise<MediaStreamTrack> {
  const constraints = source === "camera" ? CAMERA : MICROPHONE;
  const wish = choice.deviceId === undefined ? constraints : { ...constraints, deviceId: { ideal: choice.deviceId } };
  const media = mediaDevices(source);
  try {
    const stream = await media.getUserMedia(source === "camera" ? { video: wish } : { audio: wish });
    return only(stream, source);
  } catch (thrown) {
    throw deviceError(source, thrown);
  }
}

/**
 * Opens a microphone and a camera with one question to the person. Where that fails each is tried alone, so that a
 * missing camera does not cost the microphone.
 *
 * @returns Each wished for device: its live track, owned by the caller, or its LodelineError. Never rejects.
 */
export async function openBoth(microphone: DeviceChoice, camera: DeviceChoice): Promise<Required<Captured>> {
  try {
    const media = mediaDevices("camera");
    const stream = await media.getUserMedia({
      audio: microphone.deviceId ? { ...MICROPHONE, deviceId: { ideal: microphone.deviceId } } : MICROPHONE,
      video: camera.deviceId ? { ...CAMERA, deviceId: { ideal: camera.deviceId } } : CAMERA,
    });
    return { microphone: only(stream, "microphone"), camera: only(stream, "camera") };
  } catch {
    // One at a time: a second prompt would replace the first in some browsers.
    return {
      microphone: await openDevice("microphone", microphone).catch(toError),
      camera: await openDevice("camera", camera).catch(toError),
    };
  }
}

/** What a person chose to share. */
export interface SharedScreen {
  readonly video: MediaStreamTrack;
  readonly audio: MediaStreamTrack | undefined;
}

/**
 * Asks the person what to share.
 *
 * @returns Live tracks, owned by the caller, who stops them.
 * @throws LodelineError `device/denied` when the dialog was closed, `device/unsupported` where there is none.
 */
export async function openScreen(options: ScreenOptions = {}): Promise<SharedScreen> {
  const media = mediaDevices("screen");
  if (typeof media.getDisplayMedia !== "function") throw deviceFailure("screen", "device/unsupported");
  try {
    const stream = await media.getDisplayMedia({
      video: { frameRate: { ideal: options.content === "motion" ? 30 : 15 } },
      audio: options.audio ?? true,
    });
    const video = only(stream, "screen");
    video.contentHint = options.content === "motion" ? "motion" : "text";
    return { video, audio: stream.getAudioTracks()[0] };
  } catch (thrown) {
    throw deviceError("screen", thrown);
  }
}

/**
 * Tells when the permission for a camera or microphone is denied: now, or later. A track may end before its permission
 * is seen to have changed. Never, where the browser does not tell.
 *
 * @param denied - Called whenever it is; whoever is no longer concerned ignores it.
 */
export async function onDenied(source: Source, denied: () => void): Promise<void> {
  const status = await navigator.permissions?.query({ name: source as PermissionName }).catch(() => undefined);
  const tell = () => status?.state === "denied" && denied();
  tell();
  if (status) status.onchange = tell;
}

/** Ends capture of a track. Settles when it has `ended`; `stop()` does so at once, and fires no event (W3C mediacapture-main 4.3.3). */
export async function stopTrack(track: MediaStreamTrack): Promise<void> {
  track.enabled = false;
  track.stop();
  // One turn, so that the browser's own work on the device is queued before whoever waits opens it again.
  await new Promise<void>((resolve) => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(null);
  });
}

function mediaDevices(source: Source): MediaDevices {
  // Absent on pages that are neither https nor localhost.
  const media = globalThis.navigator?.mediaDevices as MediaDevices | undefined;
  if (!media) throw deviceFailure(source, "device/unsupported");
  return media;
}

function only(stream: MediaStream, source: Source): MediaStreamTrack {
  const [track] = source === "microphone" ? stream.getAudioTracks() : stream.getVideoTracks();
  if (!track) throw deviceFailure(source, "device/missing");
  return track;
}

function toError(thrown: unknown): Error {
  return thrown as Error;
}
