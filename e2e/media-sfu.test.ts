import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Forwarder, Publication } from "@lodeline/media";
import type { Page } from "puppeteer-core";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { lab, ofKind, until } from "./support/lab-driver.ts";
import { type LabConnection, type MediaLab, openMediaLab } from "./support/media-lab.ts";

/** The sections of a connection in which the browser sends, and its receive slots. */
function sectionsOf(connection: LabConnection) {
  const mids = (kind: string, direction: string) =>
    connection.sections.filter((one) => one.kind === kind && one.direction === direction).map(({ mid }) => mid);
  return {
    sends: { audio: mids("audio", "recvonly"), video: mids("video", "recvonly") },
    slots: { audio: mids("audio", "sendonly"), video: mids("video", "sendonly") },
  };
}

function connectionOf(media: MediaLab, name: string): LabConnection {
  const connection = media.connections.get(name);
  assert.ok(connection, `${name} is connected`);
  return connection;
}

function publishAll(media: MediaLab, name: string): { audio: Publication; video: Publication } {
  const connection = connectionOf(media, name);
  const { sends } = sectionsOf(connection);
  const { transport } = connection;
  const publish = (kind: "audio" | "video") =>
    media.engine.publish({ id: `${name}/${kind}`, transport, mid: sends[kind][0] ?? "", kind });
  return { audio: publish("audio"), video: publish("video") };
}

function forwardTo(media: MediaLab, name: string, slot: number, from: { audio: Publication; video: Publication }) {
  const connection = connectionOf(media, name);
  const { slots } = sectionsOf(connection);
  const forward = (kind: "audio" | "video"): Forwarder =>
    media.engine.forward({
      id: `${name}/${slot}/${kind}`,
      publication: from[kind],
      transport: connection.transport,
      mid: slots[kind][slot] ?? "",
    });
  return { audio: forward("audio"), video: forward("video") };
}

/** Waits until a second's worth of a publication's packets has come in, whatever becomes of them. */
async function moreArrives(publication: Publication): Promise<void> {
  const { packets } = publication.stats();
  await until(
    "packets of the publication",
    () => publication.stats(),
    (now) => now.packets >= packets + 60,
  );
}

describe("two browsers and the engine", { timeout: 180_000 }, () => {
  const browsers: LaunchedBrowser[] = [];
  before(async () => {
    browsers.push(...(await Promise.all([launch("chromium"), launch("firefox")])));
  });
  after(async () => {
    await Promise.all(browsers.map((browser) => browser.close()));
  });

  const pages = async (media: MediaLab): Promise<[Page, Page]> => {
    const [chromium, firefox] = await Promise.all(browsers.map((browser) => browser.open(media.url)));
    assert.ok(chromium && firefox);
    const options = { publish: true, simulcast: true, slots: 3, data: true };
    await Promise.all([
      lab(chromium.page, "connect", { name: "chromium", ...options }),
      lab(firefox.page, "connect", { name: "firefox", ...options }),
    ]);
    return [chromium.page, firefox.page];
  };

  it("see and hear each other, each in the layer it shows", async (t) => {
    await using media = await openMediaLab(() => {});
    const [chromium, firefox] = await pages(media);
    const published = { chromium: publishAll(media, "chromium"), firefox: publishAll(media, "firefox") };
    const toFirefox = forwardTo(media, "firefox", 0, published.chromium);
    const toChromium = forwardTo(media, "chromium", 0, published.firefox);
    toFirefox.video.setView({ width: 1280, height: 720, visible: true, priority: 1 });
    toChromium.video.setView({ width: 320, height: 180, visible: true, priority: 1 });
    for (const page of [chromium, firefox]) {
      await until(
        "both ways",
        () => lab(page, "received"),
        (now) =>
          ofKind(now, "video").some((one) => one.framesShown > 30) &&
          ofKind(now, "audio").some((one) => one.totalAudioEnergy > 0),
      );
    }
    await until(
      "the small layer",
      () => toChromium.video.stats(),
      ({ layer }) => layer === "q",
      15_000,
    );
    await until(
      "the large layer",
      () => toFirefox.video.stats(),
      ({ layer }) => layer === "f",
      15_000,
    );
    t.diagnostic(JSON.stringify([toChromium.video.stats(), toFirefox.video.stats()]));
    t.diagnostic(JSON.stringify(published.chromium.video.stats()));
    t.diagnostic(JSON.stringify(published.firefox.video.stats()));

    const before = ofKind(await lab(firefox, "received"), "video")[0];
    const switched = media.now();
    toFirefox.video.setView({ width: 320, height: 180, visible: true, priority: 1 });
    await until(
      "a smaller layer",
      () => toFirefox.video.stats(),
      ({ layer }) => layer === "q",
      3000,
    );
    t.diagnostic(`layer switched after ${(media.now() - switched).toFixed(0)} ms`);
    const smaller = await until(
      "the smaller picture",
      async () => ofKind(await lab(firefox, "received"), "video")[0],
      (now) => (now?.frameWidth ?? 0) < (before?.frameWidth ?? 0),
    );
    assert.equal(smaller?.ssrc, before?.ssrc, "the slot keeps its SSRC");

    toFirefox.video.setView({ width: 320, height: 180, visible: false, priority: 1 });
    const hidden = toFirefox.video.stats().packets;
    await moreArrives(published.chromium.video);
    assert.equal(toFirefox.video.stats().packets, hidden, "nothing is sent for a hidden view");
    assert.equal(toFirefox.video.stats().why, "not visible");
    toFirefox.video.setView({ width: 320, height: 180, visible: true, priority: 1 });
    const shown = smaller?.framesShown ?? 0;
    await until(
      "shown again",
      async () => ofKind(await lab(firefox, "received"), "video")[0]?.framesShown ?? 0,
      (count) => count > shown + 20,
    );
    await Promise.all([chromium, firefox].map((page) => lab(page, "hangUp")));
  });

  it("puts another publication into a slot in use, and nothing is reset", async (t) => {
    await using media = await openMediaLab(() => {});
    const [chromium, firefox] = await pages(media);
    const published = { chromium: publishAll(media, "chromium"), firefox: publishAll(media, "firefox") };
    for (const [name, page] of [
      ["chromium", chromium],
      ["firefox", firefox],
    ] as const) {
      const first = forwardTo(media, name, 1, published.chromium);
      const shown = async () => ofKind(await lab(page, "received"), "video")[0];
      const one = await until("the first source", shown, (now) => (now?.framesShown ?? 0) > 20);
      first.audio.close();
      first.video.close();
      const second = forwardTo(media, name, 1, published.firefox);
      const two = await until(
        "the second source",
        shown,
        (now) => (now?.framesShown ?? 0) > (one?.framesShown ?? 0) + 30,
      );
      t.diagnostic(`${name}: ${JSON.stringify(one)} -> ${JSON.stringify(two)}`);
      assert.equal(two?.ssrc, one?.ssrc);
      assert.ok((two?.framesDecoded ?? 0) > (one?.framesDecoded ?? 0), "counters go on");
      assert.ok((two?.pliCount ?? 0) <= (one?.pliCount ?? 0) + 1, "the receiver did not need to ask");
      second.audio.close();
      second.video.close();
    }
    await Promise.all([chromium, firefox].map((page) => lab(page, "hangUp")));
  });

  it("recovers from a silence", async (t) => {
    await using media = await openMediaLab(() => {});
    const [chromium, firefox] = await pages(media);
    const from = publishAll(media, "chromium");
    const to = forwardTo(media, "firefox", 0, from);
    const shown = async () => ofKind(await lab(firefox, "received"), "video")[0]?.framesShown ?? 0;
    const before = await until("pictures", shown, (count) => count > 20);
    to.video.silence(Number.POSITIVE_INFINITY);
    await moreArrives(from.video);
    const during = await shown();
    await moreArrives(from.video);
    assert.equal(await shown(), during, "nothing is shown of what is kept back");
    const ended = media.now();
    to.video.silence(ended);
    await until("pictures again", shown, (count) => count > during + 10, 3000);
    t.diagnostic(
      `shown ${before}, ${during}; pictures again after ${(media.now() - ended).toFixed(0)} ms; ${JSON.stringify(to.video.stats())}`,
    );
    await Promise.all([chromium, firefox].map((page) => lab(page, "hangUp")));
  });

  it("leaves nothing behind", async () => {
    const held = () =>
      process.getActiveResourcesInfo().filter((kind) => kind === "UDPWrap" || kind === "Timeout").length;
    await until("earlier tests let go", held, (count) => count === 0, 8000);
    {
      await using media = await openMediaLab(() => {});
      const [chromium, firefox] = await pages(media);
      forwardTo(media, "firefox", 0, publishAll(media, "chromium"));
      assert.ok(held() > 0, "sockets and the timer are counted");
      await Promise.all([chromium, firefox].map((page) => lab(page, "hangUp")));
    }
    // The DTLS library looks once more, up to half a second after connecting, whether it must repeat its last flight.
    await until("sockets and timers are let go", held, (count) => count === 0, 2000);
  });
});
