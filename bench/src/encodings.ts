import { loadavg } from "node:os";
import { type BrowserName, type LaunchedBrowser, launch } from "../../e2e/support/browsers.ts";
import { BUSY_PICTURE } from "../../e2e/support/busy-picture.ts";
import {
  framesBetween,
  type PictureGaps,
  pictureGaps,
  ratesBetween,
  sentVideo,
  watchPictures,
} from "../../e2e/support/picture-gaps.ts";
import { type SdkPage, serveSdkPage } from "../../e2e/support/sdk-page.ts";
import { Person } from "../../e2e/support/sdk-person.ts";
import { type EncoderGaps, encoderGaps, watchEncoders } from "./encoder-gaps.ts";
import { type LayerSwitch, switchLayer } from "./layer-switch.ts";
import { type Bench, type Row, row } from "./result.ts";
import { startMeasured } from "./worker-process.ts";

/**
 * Camera of every sender: a picture that takes all the bitrate it is allowed, as a face in a room nearly does. The smallest
 * of which Chromium sends three layers, since all three browsers encode and decode on one machine.
 */
const CAMERA = { width: 960, height: 540 } as const;

/** Shown sizes, one after the other: each layer from each other. */
const SIZES: readonly (readonly [number, number])[] = [
  [240, 135],
  [960, 540],
  [480, 270],
  [240, 135],
  [480, 270],
  [960, 540],
  [240, 135],
];

/** Encodings are added one by one, and a rate needs a while to settle. */
const SETTLE_MS = 6_000;
const MEASURED_MS = 5_000;

/** The first picture of the largest layer may take as long. */
const FIRST_MS = 20_000;

/** Another one of a layer that was seen before does not come if it has not come until then. */
const GIVE_UP_MS = 8_000;

/** Each change is made so often, and the worst is what counts. */
const CHANGES = 3;

const FREEZE_MS = 200;
const SAVED = 0.3;

interface Scene {
  readonly url: string;
  readonly page: SdkPage;
  /** Each page is in front of a browser of its own: one that is not draws and shows nothing. */
  readonly browsers: Readonly<Record<BrowserName | "viewer", LaunchedBrowser>>;
  progress(text: string): void;
}

/** What changes of layers and of encodings cost whoever looks on, and what a pair saves. */
export const encodings: Bench = {
  name: "encodings",
  about: "three layers of a camera, changes between them, and one encoding in a room of two, in both browsers",
  async run(progress) {
    await using server = await startMeasured<{ readonly url: string }>("./lodeline-process.ts");
    await using page = await serveSdkPage();
    await using chromium = await launch("chromium");
    await using firefox = await launch("firefox");
    await using viewer = await launch("chromium");
    const scene: Scene = { url: server.ready.url, page, browsers: { chromium, firefox, viewer }, progress };
    const rows: Row[] = [];
    for (const sender of ["chromium", "firefox"] as const) {
      rows.push(...(await layersOf(scene, sender)));
      rows.push(...(await twoThreeTwo(scene, sender)));
    }
    return rows;
  },
};

async function arrive({ url, page, browsers }: Scene, browser: keyof Scene["browsers"]): Promise<Person> {
  const person = await Person.arrive(browsers[browser], { server: url, page: page.url });
  await person.page.evaluate(`${BUSY_PICTURE}
    const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = (wish) =>
      wish.video ? Promise.resolve(busyPicture(${CAMERA.width}, ${CAMERA.height})) : real(wish)`);
  return person;
}

/** Changes of the layer that one of three receives. */
async function layersOf(scene: Scene, sender: BrowserName): Promise<Row[]> {
  const { progress } = scene;
  const room = `layers-${sender}`;
  const from = await arrive(scene, sender);
  const third = await arrive(scene, sender === "chromium" ? "firefox" : "chromium");
  const viewer = await arrive(scene, "viewer");
  await from.join({ room, name: "sender" });
  await third.join({ room, name: "third", camera: false });
  await viewer.join({ room, name: "viewer", camera: false });
  await viewer.says("sender", { camera: "live" });
  await pause(SETTLE_MS);
  const before = await sentVideo(from);
  await pause(MEASURED_MS);
  const rates = ratesBetween(before, await sentVideo(from));
  progress(`${sender} sends ${JSON.stringify(rates)} kbit/s, load ${loadavg()[0]?.toFixed(1)}`);
  // Until the largest is seen: the receiver's path is estimated by what it is sent, and probed for more.
  const first = await switchLayer(viewer, "sender", CAMERA.width, CAMERA.height, FIRST_MS);
  progress(`${sender}: ${first.from} to ${first.to}, the first time after ${first.switchMs?.toFixed(0) ?? "never"} ms`);
  const switches: LayerSwitch[] = [];
  for (const [width, height] of SIZES) switches.push(await switchLayer(viewer, "sender", width, height, GIVE_UP_MS));
  for (const { from: was, to, switchMs, longestMs, usualMs } of switches) {
    progress(
      `${sender}: ${was} to ${to} after ${switchMs?.toFixed(0) ?? "never"} ms, ` +
        `longest still ${longestMs.toFixed(0)} ms, usual ${usualMs.toFixed(0)} ms`,
    );
  }
  for (const person of [viewer, third, from]) await person.leaveCleanly();
  for (const person of [viewer, third, from]) await person.page.goto("about:blank");
  const longest = Math.max(...switches.map(({ longestMs }) => longestMs));
  const slowest = Math.max(...switches.map(({ switchMs = Number.POSITIVE_INFINITY }) => switchMs));
  const firstMs = first.switchMs ?? Number.POSITIVE_INFINITY;
  return [
    row(`encodings.first-largest.${sender}`, firstMs, "ms", "a few probes of the path", 2_000),
    row(`encodings.layers.${sender}`, Object.keys(rates).length, "layers", "all that are offered", 3),
    row(`encodings.switch.${sender}.slowest`, slowest, "ms", "a view, a quarter of a second, and a key frame", 500),
    row(`encodings.switch.${sender}.freeze`, longest, "ms", "a freeze that is seen", FREEZE_MS),
  ];
}

/** A third one comes and goes, again and again: what a second one sees of a camera, and what that takes. */
async function twoThreeTwo(scene: Scene, sender: BrowserName): Promise<Row[]> {
  const { progress } = scene;
  const room = `two-three-two-${sender}`;
  const from = await arrive(scene, sender);
  const viewer = await arrive(scene, "viewer");
  const guest = await arrive(scene, sender === "chromium" ? "firefox" : "chromium");
  await from.join({ room, name: "sender" });
  await viewer.join({ room, name: "viewer", camera: false });
  await viewer.says("sender", { camera: "live" });
  await pause(SETTLE_MS);
  const width = await sentWidth(from);
  const gaps = { came: [] as number[], left: [] as number[] };
  const watched = async (what: keyof typeof gaps, change: () => Promise<unknown>) => {
    await Promise.all([watchPictures(viewer), watchEncoders(from)]);
    await change();
    await pause(SETTLE_MS);
    const [saw, encoded] = [await pictureGaps(viewer), await encoderGaps(from)];
    progress(`${sender}, a third ${what}: ${sawWords(saw)}; encoder: ${encodedWords(encoded)}`);
    gaps[what].push(saw.longestMs);
  };
  const sent = { two: 0, three: 0 };
  for (let turn = 0; turn < CHANGES; turn++) {
    await watched("came", () => guest.join({ room, name: "guest", camera: false }));
    if (turn === 0) sent.three = await uplink(scene, `${sender} to two`, from);
    await watched("left", () => guest.leaveCleanly());
    if (turn === 0) sent.two = await uplink(scene, `${sender} to one`, from);
  }
  for (const person of [viewer, from]) await person.leaveCleanly();
  for (const person of [viewer, guest, from]) await person.page.goto("about:blank");
  return [
    row(`encodings.2-to-3.${sender}.freeze`, Math.max(...gaps.came), "ms", "a freeze that is seen", FREEZE_MS),
    row(`encodings.3-to-2.${sender}.freeze`, Math.max(...gaps.left), "ms", "a freeze that is seen", FREEZE_MS),
    row(`encodings.pair.${sender}.saved`, 1 - sent.two / sent.three, "of simulcast", "the goal", SAVED),
    row(`encodings.pair.${sender}.width`, width, "px", "the camera's", CAMERA.width),
  ];
}

function sawWords({ longestMs, longestAtMs, medianMs, counted, sizes }: PictureGaps): string {
  const longest = `longest still ${longestMs.toFixed(0)} ms at ${longestAtMs.toFixed(0)} ms`;
  return `${longest}, usual ${medianMs.toFixed(0)} ms; ${counted}; ${sizes.join(", ")}`;
}

function encodedWords({ longestMs, longestAtMs, keyFrames }: EncoderGaps): string {
  return `longest without a frame ${longestMs.toFixed(0)} ms at ${longestAtMs.toFixed(0)} ms, ${keyFrames} key frames`;
}

/** @returns What somebody sends of video now, kbit/s. */
async function uplink({ progress }: Scene, what: string, from: Person): Promise<number> {
  const first = await sentVideo(from);
  await pause(MEASURED_MS);
  const last = await sentVideo(from);
  const rates = ratesBetween(first, last);
  const load = loadavg()[0]?.toFixed(1);
  progress(`${what}: ${JSON.stringify(rates)} kbit/s at ${framesBetween(first, last)} frames/s, load ${load}`);
  return Object.values(rates).reduce((sum, kbps) => sum + kbps, 0);
}

/** How wide the largest picture is that somebody sends. */
function sentWidth(person: Person): Promise<number> {
  return person.run(async (lab) => {
    let widest = 0;
    for (const connection of lab.connections) {
      if (connection.connectionState === "closed") continue;
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type === "outbound-rtp" && entry.kind === "video") widest = Math.max(widest, entry.frameWidth ?? 0);
      }
    }
    return widest;
  });
}

function pause(forMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, forMs));
}
