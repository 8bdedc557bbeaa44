import type { SdkLab } from "./sdk-page-script.ts";

/** A lab whose page looks at every picture. */
export interface Looking extends SdkLab {
  /** The mean brightness of each picture shown so far, 0 .. 255, of anybody. */
  brightness?: number[];
}

/** Runs on the page, before anybody comes: looks at every picture that a video element shows. */
export function lookAtPictures(lab: Looking): void {
  const brightness: number[] = [];
  lab.brightness = brightness;
  const context = new OffscreenCanvas(32, 18).getContext("2d", { willReadFrequently: true });
  const look = (video: HTMLVideoElement) => {
    if (!context) return;
    context.clearRect(0, 0, 32, 18);
    context.drawImage(video, 0, 0, 32, 18);
    const { data } = context.getImageData(0, 0, 32, 18);
    // The first picture is announced a moment before the element gives it to be drawn: nothing is painted, not even black.
    if (data[3] === 0) return void setTimeout(() => look(video), 1);
    let sum = 0;
    for (let at = 0; at < data.length; at += 4) sum += (data[at] ?? 0) + (data[at + 1] ?? 0) + (data[at + 2] ?? 0);
    brightness.push(Math.round(sum / (32 * 18 * 3)));
    video.requestVideoFrameCallback(() => look(video));
  };
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        if (node instanceof HTMLVideoElement) node.requestVideoFrameCallback(() => look(node));
      }
    }
  }).observe(document.body, { childList: true });
}
