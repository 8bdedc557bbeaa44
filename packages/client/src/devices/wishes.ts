import { type Clock, LodelineError } from "@lodeline/base";
import type { DeviceChoice, DeviceWish } from "../api/media-api.ts";
import type { OwnMedia } from "./own-media.ts";

/**
 * Opens what is wished for: with one question to the person where both are. What comes after the wait is used all the
 * same when it comes.
 *
 * @param waitMs - The longest this waits; a person may read a permission prompt for minutes.
 * @throws LodelineError of the first device, when something was wished for and nothing can be had.
 */
export async function openWishes(
  media: OwnMedia,
  microphone: DeviceWish,
  camera: DeviceWish,
  clock: Clock,
  waitMs: number,
): Promise<void> {
  const wishes = [
    ["microphone", microphone],
    ["camera", camera],
  ] as const;
  for (const [source, wish] of wishes) wishFor(media, source, wish);
  const toOpen = wishes.filter(([source, wish]) => wish && !media.sources[source].track).map(([source]) => source);
  await within(clock, waitMs, open(media, toOpen));
  const wished = wishes.filter(([, wish]) => wish).map(([source]) => media.sources[source]);
  const problem = wished.find((own) => own.problem)?.problem;
  if (problem && wished.every((own) => own.problem)) throw new LodelineError(problem.code, { detail: problem.title });
}

function wishFor(media: OwnMedia, source: "microphone" | "camera", wish: DeviceWish): void {
  const own = media.sources[source];
  if (wish === false) return;
  if (own.intent === "unpublished") own.want("live");
  if (wish instanceof MediaStreamTrack) own.adopt(wish);
  else if (wish !== true && !own.track) own.choice = choiceOf(wish);
}

async function open(media: OwnMedia, sources: readonly ("microphone" | "camera")[]): Promise<void> {
  const { microphone, camera } = media.sources;
  if (sources.length === 2) return media.openTogether(microphone.choice, camera.choice);
  for (const source of sources) await media.sources[source].open().catch(() => {});
}

function choiceOf(wish: DeviceChoice): DeviceChoice {
  return { deviceId: wish.deviceId };
}

function within(clock: Clock, waitMs: number, work: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.at(clock.now() + waitMs, resolve);
    void work.finally(() => {
      timer.cancel();
      resolve();
    });
  });
}
