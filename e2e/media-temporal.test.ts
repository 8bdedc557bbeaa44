import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { lab, ofKind, until } from "./support/lab-driver.ts";
import { type MediaLab, openMediaLab } from "./support/media-lab.ts";
import type { LabReceived } from "./support/media-lab-page.ts";

/** What sound is counted with. */
const AUDIO_BPS = 45_000;

const UNLIMITED_BPS = 20_000_000;

describe("temporal layers of VP8 simulcast", { timeout: 90_000 }, () => {
  const browsers: LaunchedBrowser[] = [];
  before(async () => {
    browsers.push(...(await Promise.all([launch("chromium"), launch("firefox")])));
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
  });

  const videoOf = async (page: Page): Promise<Partial<LabReceived>> =>
    ofKind(await lab(page, "received"), "video")[0] ?? {};

  const moreFrames = async (page: Page, count: number) => {
    const { framesDecoded = 0 } = await videoOf(page);
    return until(
      `${count} more frames`,
      () => videoOf(page),
      (now) => (now.framesDecoded ?? 0) >= framesDecoded + count,
    );
  };

  function section(media: MediaLab, name: string, direction: string) {
    const connection = media.connections.get(name) ?? assert.fail(name);
    const found = connection.sections.find((one) => one.kind === "video" && one.direction === direction);
    return { transport: connection.transport, mid: found?.mid ?? assert.fail(`a section of ${name}`) };
  }

  for (const [from, to] of [
    [0, 1],
    [1, 0],
  ] as const) {
    it(`are left out and taken up again without a freeze, ${from === 0 ? "Chromium to Firefox" : "Firefox to Chromium"}`, async (t) => {
      await using media = await openMediaLab(() => {});
      const [sender, receiver] = await Promise.all([browsers[from]?.open(media.url), browsers[to]?.open(media.url)]);
      assert.ok(sender && receiver);
      await Promise.all([
        lab(sender.page, "connect", { name: "sender", publish: true, simulcast: true }),
        lab(receiver.page, "connect", { name: "receiver", slots: 1 }),
      ]);
      const publication = media.engine.publish({
        id: "camera",
        ...section(media, "sender", "recvonly"),
        kind: "video",
      });
      const slot = section(media, "receiver", "sendonly");
      const forwarder = media.engine.forward({ id: "to", publication, ...slot });
      forwarder.setView({ width: 1280, height: 720, visible: true, priority: 1 });
      const layers = () => publication.layers(media.now());
      await until(
        "the largest layer",
        () => forwarder.stats(),
        ({ layer }) => layer === "f",
        15_000,
      );
      await until(
        "its half",
        layers,
        (all) => all.some(({ rid, bitrateBps }) => rid.startsWith("f:S0T") && bitrateBps > 100_000),
        15_000,
      );
      const before = await moreFrames(receiver.page, 30);
      const { pli } = forwarder.stats();
      const { keyFrames } = publication.stats();
      // As the receiver's own estimate would say it.
      const rates = layers().filter(({ rid }) => rid === "f" || rid.startsWith("f:"));
      const [half = 0, whole = 0] = rates.slice(-2).map(({ bitrateBps }) => bitrateBps);
      slot.transport.media.downlink.handleRemb(AUDIO_BPS + 0.3 * half + 0.7 * whole, media.now());
      await until(
        "half of the frames",
        () => forwarder.stats(),
        ({ layer, waiting }) => /^f:S0T[01]$/.test(layer ?? "") && !waiting,
      );
      const { why } = forwarder.stats();
      const began = media.now();
      const less = await moreFrames(receiver.page, 30);
      const perSecond = 30_000 / (media.now() - began);
      assert.ok(perSecond < 22, `${perSecond} frames a second`);
      slot.transport.media.downlink.handleRemb(UNLIMITED_BPS, media.now());
      await until(
        "all frames",
        () => forwarder.stats(),
        ({ layer, waiting }) => layer === "f" && !waiting,
      );
      const end = await moreFrames(receiver.page, 60);
      t.diagnostic(
        `${rates.map(({ rid, bitrateBps }) => `${rid} ${Math.round(bitrateBps / 1000)}`).join(", ")} kbit/s; ${why}; ` +
          `${perSecond.toFixed(1)} frames/s; freezes ${before.freezeCount}, ${less.freezeCount}, ${end.freezeCount}; ` +
          `PLI ${pli}, ${forwarder.stats().pli}; key frames ${keyFrames}, ${publication.stats().keyFrames}`,
      );
      assert.equal(end.freezeCount, before.freezeCount);
      assert.equal(forwarder.stats().pli, pli);
      await Promise.all([sender, receiver].map(({ page }) => lab(page, "hangUp")));
    });
  }
});
