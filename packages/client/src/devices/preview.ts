import type { DeviceChoice, DeviceProblem } from "../api/media-api.ts";
import { openBoth, openDevice } from "./capture.ts";
import { explainDevice } from "./problems.ts";

/** What to look at before joining. */
export interface PreviewOptions {
  readonly camera?: boolean | DeviceChoice | undefined;
  readonly microphone?: boolean | DeviceChoice | undefined;
}

/** One's own camera and microphone before joining. Owned by whoever opened it; closing it releases what was not taken. */
export interface Preview extends Disposable {
  /** What is captured, for a video element and a level meter. */
  readonly stream: MediaStream;
  /** What could not be opened, and what to do about it. */
  readonly problems: readonly DeviceProblem[];
  /** Hands a track over, to be given to `join`; the preview no longer stops it. `undefined` when there is none. */
  take(source: "camera" | "microphone"): MediaStreamTrack | undefined;
  close(): void;
}

/** Opens camera and microphone for a look before joining, with one question to the person. Never rejects. */
export async function openPreview(options: PreviewOptions): Promise<Preview> {
  const microphone = choiceOf(options.microphone);
  const camera = choiceOf(options.camera);
  const got = microphone && camera ? await openBoth(microphone, camera) : await openOne(microphone, camera);
  const stream = new MediaStream();
  const problems: DeviceProblem[] = [];
  for (const source of ["microphone", "camera"] as const) {
    const result = got[source];
    if (result instanceof MediaStreamTrack) stream.addTrack(result);
    else if (result) problems.push(explainDevice(source, result));
  }
  const close = () => {
    for (const track of stream.getTracks()) {
      track.stop();
      stream.removeTrack(track);
    }
  };
  const take = (source: "camera" | "microphone") => {
    const [track] = source === "camera" ? stream.getVideoTracks() : stream.getAudioTracks();
    if (track) stream.removeTrack(track);
    return track;
  };
  return { stream, problems, take, close, [Symbol.dispose]: close };
}

async function openOne(microphone: DeviceChoice | undefined, camera: DeviceChoice | undefined) {
  const open = (source: "microphone" | "camera", choice: DeviceChoice) =>
    openDevice(source, choice).catch((error: unknown) => error as Error);
  return {
    microphone: microphone && (await open("microphone", microphone)),
    camera: camera && (await open("camera", camera)),
  };
}

function choiceOf(wish: boolean | DeviceChoice | undefined): DeviceChoice | undefined {
  if (wish === true) return {};
  return wish === false ? undefined : wish;
}
