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
  const look = (video: HTMLVideoElement) => {
    const bright = lab.brightnessOf(video);
    // The first picture is announced a moment before the element gives it to be drawn.
    if (bright === undefined) return void requestAnimationFrame(() => look(video));
    brightness.push(bright);
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
