import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { launch } from "./support/browsers.ts";
import { lab, until } from "./support/lab-driver.ts";
import { openMediaLab } from "./support/media-lab.ts";

/** A generous bound: alone on a quiet machine it is passed within two seconds, and 2 Mbit/s within ten. */
const UPLINK_BPS = 1_000_000;

describe("a browser's uplink on a clean path", { timeout: 60_000 }, () => {
  it("passes 1 Mbit/s: what it may send is not held back by our feedback", async (t) => {
    await using browser = await launch("chromium");
    await using media = await openMediaLab(() => {});
    const { page } = await browser.open(media.url);
    await lab(page, "connect", { name: "sender", publish: true, busy: true });
    const connection = media.connections.get("sender") ?? assert.fail("connected");
    const mid = connection.sections.find(({ kind }) => kind === "video")?.mid ?? "";
    const publication = media.engine.publish({ id: "v", transport: connection.transport, mid, kind: "video" });
    const started = media.now();
    const reached = await until(
      "the uplink",
      () => publication.stats().layers.reduce((sum, { bitrateBps }) => sum + bitrateBps, 0),
      (bitrateBps) => bitrateBps > UPLINK_BPS,
      15_000,
    );
    t.diagnostic(`${Math.round(reached / 1000)} kbit/s after ${Math.round(media.now() - started)} ms`);
  });
});
