import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { lab, ofKind, until } from "./support/lab-driver.ts";
import { type MediaLab, openMediaLab } from "./support/media-lab.ts";
import type { LabReceived } from "./support/media-lab-page.ts";

/** The smallest of which Chromium makes three spatial layers: none of them is less than 240x135. */
const SIZE = { width: 960, height: 540 };

/** Three spatial layers come one by one as the sender's estimate grows. */
const ALL_LAYERS_MS = 20_000;

/** A key frame is asked for at most every 330 ms: this many in one test are a storm. */
const KEY_FRAMES_LIMIT = 25;

const CASES = [
  { codec: "vp9", scalabilityMode: "L3T3_KEY", described: false },
  { codec: "av1", scalabilityMode: "L3T3", described: true },
] as const;

describe("layers inside one stream, from Chromium to Chromium", { timeout: 150_000 }, () => {
  let browser: LaunchedBrowser;
  before(async () => {
    browser = await launch("chromium");
  });
  after(() => browser.close());

  const videoOf = async (page: Page): Promise<Partial<LabReceived>> =>
    ofKind(await lab(page, "received"), "video")[0] ?? {};

  /** Waits for a picture of this width, and for twenty more frames, so that it goes on. */
  const shows = async (page: Page, width: number) => {
    const { framesDecoded = 0 } = await until(
      `a picture ${width} wide`,
      () => videoOf(page),
      (now) => now.frameWidth === width,
      10_000,
    );
    return until(
      "more frames",
      () => videoOf(page),
      (now) => (now.framesDecoded ?? 0) >= framesDecoded + 20,
      10_000,
    );
  };

  async function open(media: MediaLab, options: (typeof CASES)[number]) {
    const [sender, receiver] = await Promise.all([browser.open(media.url), browser.open(media.url)]);
    await Promise.all([
      lab(sender.page, "connect", { name: "sender", publish: true, ...SIZE, ...options }),
      lab(receiver.page, "connect", { name: "receiver", slots: 1, codec: options.codec, described: options.described }),
    ]);
    const section = (name: string, direction: string) => {
      const connection = media.connections.get(name) ?? assert.fail(name);
      const found = connection.sections.find((one) => one.kind === "video" && one.direction === direction);
      return { transport: connection.transport, mid: found?.mid ?? assert.fail(`a section of ${name}`) };
    };
    const from = section("sender", "recvonly");
    const publication = media.engine.publish({ id: "camera", ...from, kind: "video" });
    const forwarder = media.engine.forward({ id: "to", publication, ...section("receiver", "sendonly") });
    return { sender, receiver, publication, forwarder };
  }

  for (const options of CASES) {
    const { codec, scalabilityMode, described } = options;
    it(`${codec} ${scalabilityMode}${described ? ", described," : ""} goes out by the size that is shown`, async (t) => {
      await using media = await openMediaLab(() => {});
      const { sender, receiver, publication, forwarder } = await open(media, options);
      const view = (width: number, height: number) => forwarder.setView({ width, height, visible: true, priority: 1 });
      view(240, 135);
      const small = await shows(receiver.page, 240);
      await until(
        "all layers",
        () => publication.layers(media.now()),
        (all) => all.filter(({ active, frames }) => active && frames === 1).length === 3,
        ALL_LAYERS_MS,
      );
      const least = forwarder.stats();
      assert.match(`${least.layer}: ${least.why}`, /^S0T2: 240x135 fills 240x135$/);
      const switched = media.now();
      view(960, 540);
      await until(
        "the largest layer",
        () => forwarder.stats(),
        ({ layer }) => layer === "S2T2",
        10_000,
      );
      const upMs = media.now() - switched;
      const large = await shows(receiver.page, 960);
      const most = forwarder.stats();
      assert.match(most.why, /^960x540 fills 960x540$/);
      view(480, 270);
      const middle = await shows(receiver.page, 480);
      const end = forwarder.stats();
      assert.match(`${end.layer}: ${end.why}`, /^S1T2: 480x270 fills 480x270$/);
      assert.ok(
        end.pli + publication.stats().keyFrames < KEY_FRAMES_LIMIT,
        `${end.pli} PLI, ${publication.stats().keyFrames} key frames`,
      );
      assert.ok(least.bitrateBps < most.bitrateBps, `${least.bitrateBps} and ${most.bitrateBps}`);
      t.diagnostic(
        `up after ${upMs.toFixed(0)} ms; ${[least, most, end].map(({ layer, bitrateBps }) => `${layer} ${Math.round(bitrateBps / 1000)} kbit/s`).join(", ")}; ` +
          `frames ${small.framesDecoded}, ${large.framesDecoded}, ${middle.framesDecoded}; freezes ${middle.freezeCount}, PLI ${end.pli}, ` +
          `key frames ${publication.stats().keyFrames}, NACK ${end.nacked}, lost ${middle.packetsLost}, ${middle.decoder}`,
      );
      await Promise.all([sender, receiver].map(({ page }) => lab(page, "hangUp")));
    });
  }
});
