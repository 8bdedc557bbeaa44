import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createLoopbackPeer } from "@lodeline/media";
import type { Page } from "puppeteer-core";
import { type BrowserName, type LaunchedBrowser, launch } from "./support/browsers.ts";
import { openMediaLab } from "./support/media-lab.ts";
import type { LabPageApi, LabReceived } from "./support/media-lab-page.ts";

/** Runs one method of the page's `lab`. */
function lab<Name extends keyof LabPageApi>(
  page: Page,
  method: Name,
  ...args: Parameters<LabPageApi[Name]>
): Promise<Awaited<ReturnType<LabPageApi[Name]>>> {
  return page.evaluate(
    (name, list) => (window as unknown as { lab: Record<string, (...all: unknown[]) => unknown> }).lab[name]?.(...list),
    method as string,
    args as unknown[],
  ) as Promise<Awaited<ReturnType<LabPageApi[Name]>>>;
}

/** Asks until `ready` says so. Real browsers give no event for a counter; the deadline is the test's own. */
async function until<T>(what: string, ask: () => Promise<T>, ready: (value: T) => boolean, timeoutMs = 10_000): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await ask();
    if (ready(value)) return value;
    if (performance.now() > deadline) assert.fail(`${what}: not within ${timeoutMs} ms; last ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const bySection = (received: Record<string, LabReceived>, kind: string) =>
  Object.values(received).filter((one) => one.kind === kind);

for (const name of ["chromium", "firefox"] as BrowserName[]) {
  describe(`media engine with ${name}`, { timeout: 120_000 }, () => {
    let browser: LaunchedBrowser;
    before(async () => {
      browser = await launch(name);
    });
    after(async () => {
      await browser?.close();
    });

    it("echoes sound, picture and messages", async (t) => {
      await using media = await openMediaLab((_name, { transport, sections }, engine) => {
        for (const { slot, setView } of createLoopbackPeer(engine, transport, sections).forwarders.map((forwarder) => ({
          slot: forwarder.slot,
          setView: forwarder.setView.bind(forwarder),
        }))) {
          assert.ok(slot);
          setView({ width: 640, height: 360, visible: true, priority: 1 });
        }
      });
      const { page, errors } = await browser.open(media.url);
      const { connectMs } = await lab(page, "connect", { name: "echo", echo: true, data: true, width: 640, height: 360 });
      t.diagnostic(`${name}: connected in ${connectMs.toFixed(0)} ms, ${await lab(page, "srtpCipher")}`);
      const received = await until(
        "echo",
        () => lab(page, "received"),
        (now) =>
          bySection(now, "video").some((one) => one.framesDecoded > 20) &&
          bySection(now, "audio").some((one) => one.packetsReceived > 50 && one.totalAudioEnergy > 0),
      );
      t.diagnostic(JSON.stringify(received));
      assert.equal(await lab(page, "ping", "are you there? äöü"), "are you there? äöü");
      assert.deepEqual(errors, []);
      await lab(page, "hangUp");
    });
  });
}
