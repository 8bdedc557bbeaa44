import type { Person } from "../../e2e/support/sdk-person.ts";

/** How one change of layer went, as the receiving page saw it. */
export interface LayerSwitch {
  /** Pixels, before and after. */
  readonly from: string;
  readonly to: string;
  /** From the wish to the first picture of the other size; `undefined` where it never came. */
  readonly switchMs: number | undefined;
  /** The longest time between two pictures, from the wish until a while after. */
  readonly longestMs: number;
  /** The usual time between two. */
  readonly usualMs: number;
}

/** Pictures go on being watched for so long after the other layer came. */
const AFTER_MS = 1_000;

/**
 * Has a page show somebody's camera in another size, so that another layer comes. The page must be in front.
 *
 * @param giveUpAfterMs - A layer that did not come until then does not come.
 */
export function switchLayer(
  person: Person,
  name: string,
  width: number,
  height: number,
  giveUpAfterMs: number,
): Promise<LayerSwitch> {
  return person.page.evaluate(
    (who, wide, high, afterMs, giveUpMs) =>
      new Promise<LayerSwitch>((resolve, reject) => {
        const participant = [...(lab.room?.participants.values() ?? [])].find((one) => one.name === who);
        const [camera] = participant?.stream.getVideoTracks() ?? [];
        const shows = (stream: MediaProvider | null) =>
          stream instanceof MediaStream && stream.getVideoTracks()[0] === camera;
        const video = camera && [...document.querySelectorAll("video")].find(({ srcObject }) => shows(srcObject));
        if (!participant || !video) return reject(new Error(`no picture of ${who}`));
        const from = `${video.videoWidth}x${video.videoHeight}`;
        const began = performance.now();
        const gaps: number[] = [];
        let last = began;
        let switchMs: number | undefined;
        const pictured = (_: number, { width: frameWidth }: VideoFrameCallbackMetadata) => {
          const now = performance.now();
          gaps.push(now - last);
          last = now;
          if (frameWidth === wide) switchMs ??= now - began;
          const since = now - began;
          if (since < (switchMs === undefined ? giveUpMs : switchMs + afterMs))
            return void video.requestVideoFrameCallback(pictured);
          const sorted = gaps.toSorted((a, b) => a - b);
          const to = `${video.videoWidth}x${video.videoHeight}`;
          resolve({ from, to, switchMs, longestMs: sorted.at(-1) ?? 0, usualMs: sorted[sorted.length >> 1] ?? 0 });
        };
        video.requestVideoFrameCallback(pictured);
        lab.room?.show(participant.id, "camera", { width: wide, height: high, visible: true, priority: 0 });
      }),
    name,
    width,
    height,
    AFTER_MS,
    giveUpAfterMs,
  );
}
