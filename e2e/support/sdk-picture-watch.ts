import type { SdkLab } from "./sdk-page-script.ts";

/** What a video element showed while it was watched. */
export interface PictureReport {
  readonly samples: number;
  /** Samples in which the element showed nothing, or black. */
  readonly dark: number;
  /** Those of them in which the element's track was not live: the last picture should have been there. */
  readonly lost: number;
  /** The longest time without a new picture, ms. */
  readonly stillMs: number;
  readonly pictures: number;
  /** What the element was like, each time that changed: brightness, `readyState`, and states of its video tracks. */
  readonly changes: readonly string[];
}

/** A lab whose page is watched. */
export interface Watched extends SdkLab {
  /** Ends it. */
  watched?: () => PictureReport;
  /** How many pictures there were so far. */
  pictures?: () => number;
}

/** Runs on the page: draws the first video element that shows somebody to a canvas, again and again. */
export function watchPicture(lab: Watched): void {
  const video = [...document.querySelectorAll("video")].find((one) => one.videoWidth > 0);
  if (!video) throw new Error("no video shows anything");
  const report = { samples: 0, dark: 0, lost: 0, stillMs: 0, pictures: 0, changes: [] as string[] };
  const beganAtMs = performance.now();
  let was = "";
  let lastAtMs = performance.now();
  const pictured = () => {
    report.pictures++;
    report.stillMs = Math.max(report.stillMs, performance.now() - lastAtMs);
    lastAtMs = performance.now();
    video.requestVideoFrameCallback(pictured);
  };
  video.requestVideoFrameCallback(pictured);
  const timer = setInterval(() => {
    report.samples++;
    const dark = (lab.brightnessOf(video) ?? 0) < 12;
    if (dark) report.dark++;
    const tracks = video.srcObject instanceof MediaStream ? video.srcObject.getVideoTracks() : [];
    if (dark && !tracks.some(({ readyState }) => readyState === "live")) report.lost++;
    const states = tracks.map(({ readyState, muted }) => `${readyState}${muted ? " muted" : ""}`);
    const now = `${dark ? "dark" : "bright"} readyState ${video.readyState} [${states}]`;
    if (now !== was) report.changes.push(`${(performance.now() - beganAtMs).toFixed(0)} ms: ${now}`);
    was = now;
  }, 20);
  lab.pictures = () => report.pictures;
  lab.watched = () => {
    clearInterval(timer);
    return { ...report, stillMs: Math.max(report.stillMs, performance.now() - lastAtMs) };
  };
}

/** Runs on the page: ends what {@link watchPicture} began. */
export function watchedPicture(lab: Watched): PictureReport | undefined {
  return lab.watched?.();
}
