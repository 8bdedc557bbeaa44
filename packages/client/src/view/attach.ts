import type { RemoteParticipant, Room } from "../api/room-api.ts";
import { play } from "./play.ts";
import { type PictureSource, ShownPicture } from "./shown-picture.ts";

/** How a participant's media is attached to an element. */
export interface AttachOptions {
  /** Aborting it detaches. */
  readonly signal?: AbortSignal | undefined;
  /** 0 .. 9, higher comes first when bandwidth is short. Default 0; 5 for a screen. */
  readonly priority?: number | undefined;
}

/** A changed size is told after it has been still for this long: a window being dragged tells once. */
const SETTLE_MS = 150;

/**
 * Shows a participant's camera or screen in a video element and keeps the server told how large it is shown, so that it
 * sends the layer that fits and nothing for what is scrolled away. The element is muted: sound is {@link attachAudio}'s. Its
 * `srcObject` is a stream of its own, since a track is replaced in it only when the next one has a picture.
 *
 * @returns Detaches; the caller owns it. Leaving the room does not detach by itself.
 */
export function attachVideo(
  element: HTMLVideoElement,
  room: Room,
  participant: RemoteParticipant,
  source: PictureSource = "camera",
  options: AttachOptions = {},
): Disposable {
  element.muted = true;
  element.playsInline = true;
  element.autoplay = true;
  const picture = new ShownPicture(element, room, participant, source);
  const report = reportSize(element, (width, height, visible) =>
    room.show(participant.id, source, {
      width,
      height,
      visible,
      priority: options.priority ?? (source === "screen" ? 5 : 0),
    }),
  );
  return detachable([() => picture[Symbol.dispose](), report], options.signal);
}

/**
 * Plays a participant's microphone, or the sound of their screen, in an audio element.
 *
 * @returns Detaches; the caller owns it.
 */
export function attachAudio(
  element: HTMLAudioElement,
  _room: Room,
  participant: RemoteParticipant,
  source: "microphone" | "screen-audio" = "microphone",
  options: AttachOptions = {},
): Disposable {
  element.autoplay = true;
  const stream = source === "screen-audio" ? participant.screenStream : participant.stream;
  return detachable([present(element, stream)], options.signal);
}

function present(element: HTMLMediaElement, stream: MediaStream): () => void {
  element.srcObject = stream;
  const more = () => play(element);
  stream.addEventListener("addtrack", more);
  more();
  return () => {
    stream.removeEventListener("addtrack", more);
    if (element.srcObject === stream) element.srcObject = null;
  };
}

function reportSize(
  element: HTMLVideoElement,
  tell: (width: number, height: number, visible: boolean) => void,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let visible = true;
  let told = "";
  const report = () => {
    timer = undefined;
    const scale = globalThis.devicePixelRatio || 1;
    const width = Math.round(element.clientWidth * scale);
    const height = Math.round(element.clientHeight * scale);
    const shown = visible && width > 0 && height > 0;
    const next = `${width}x${height}:${shown}`;
    if (next === told) return;
    told = next;
    tell(width, height, shown);
  };
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(report, SETTLE_MS);
  };
  const sizes = new ResizeObserver(later);
  const seen = new IntersectionObserver((entries) => {
    visible = entries.at(-1)?.isIntersecting ?? true;
    later();
  });
  sizes.observe(element);
  seen.observe(element);
  return () => {
    clearTimeout(timer);
    sizes.disconnect();
    seen.disconnect();
  };
}

function detachable(undo: readonly (() => void)[], signal: AbortSignal | undefined): Disposable {
  let done = false;
  const detach = () => {
    if (done) return;
    done = true;
    signal?.removeEventListener("abort", detach);
    for (const fn of undo) fn();
  };
  if (signal?.aborted) detach();
  else signal?.addEventListener("abort", detach, { once: true });
  return { [Symbol.dispose]: detach };
}
