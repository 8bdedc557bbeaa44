import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createLoopbackPeer } from "@lodeline/media";
import { type BrowserName, type LaunchedBrowser, launch } from "./support/browsers.ts";
import { lab, ofKind, until } from "./support/lab-driver.ts";
import { openMediaLab } from "./support/media-lab.ts";

const CODECS = { chromium: ["VP8", "VP9", "H264", "AV1"], firefox: ["VP8", "VP9"] } as const;

for (const name of ["chromium", "firefox"] as BrowserName[]) {
  describe(`a loopback peer and ${name}`, { timeout: 120_000 }, () => {
    let browser: LaunchedBrowser;
    before(async () => {
      browser = await launch(name);
    });
    after(async () => {
      await browser?.close();
    });

    it("echoes sound, picture and messages", async (t) => {
      await using media = await openMediaLab((_name, { transport, sections }, engine) => {
        createLoopbackPeer(engine, transport, sections);
      });
      const { page, errors } = await browser.open(media.url);
      const { connectMs } = await lab(page, "connect", {
        name: "echo",
        echo: true,
        data: true,
        width: 640,
        height: 360,
      });
      t.diagnostic(`${name}: connected in ${connectMs.toFixed(0)} ms, ${await lab(page, "srtpCipher")}`);
      await until(
        "echo",
        () => lab(page, "received"),
        (now) =>
          ofKind(now, "video").some((one) => one.framesDecoded > 20 && one.framesShown > 20) &&
          ofKind(now, "audio").some((one) => one.packetsReceived > 50 && one.totalAudioEnergy > 0),
      );
      assert.equal(await lab(page, "ping", "are you there? äöü"), "are you there? äöü");
      assert.deepEqual(errors, []);
      assert.deepEqual(await lab(page, "hangUp"), ["ended", "ended"]);
    });

    for (const codec of CODECS[name]) {
      it(`echoes ${codec}`, async (t) => {
        await using media = await openMediaLab((_name, { transport, sections }, engine) => {
          createLoopbackPeer(engine, transport, sections);
        });
        const { page } = await browser.open(media.url);
        await lab(page, "connect", { name: codec, echo: true, codec: codec.toLowerCase(), width: 640, height: 360 });
        const received = await until(
          codec,
          () => lab(page, "received"),
          (now) => ofKind(now, "video").some((one) => one.framesDecoded > 20),
        );
        t.diagnostic(JSON.stringify(ofKind(received, "video")));
        assert.equal(ofKind(received, "video")[0]?.codec.toLowerCase(), `video/${codec.toLowerCase()}`);
        await lab(page, "hangUp");
      });
    }

    it("keeps its state through an ICE restart and added sections", async () => {
      await using media = await openMediaLab((_name, { transport, sections }, engine) => {
        createLoopbackPeer(engine, transport, sections);
      });
      const { page } = await browser.open(media.url);
      await lab(page, "connect", { name: "restart", echo: true, width: 640, height: 360 });
      const frames = async () => ofKind(await lab(page, "received"), "video")[0]?.framesDecoded ?? 0;
      await until("first frames", frames, (count) => count > 10);
      const states: string[] = [];
      media.connections.get("restart")?.transport.on("state", ({ connection }) => states.push(connection));
      await lab(page, "restartIce");
      const before = await frames();
      await until("frames after the restart", frames, (count) => count > before + 20);
      const added = await lab(page, "addSlots", 2);
      assert.equal(added.length, 2);
      const between = await frames();
      await until("frames after the new sections", frames, (count) => count > between + 20);
      assert.deepEqual(states, [], "the connection never left `connected`");
      assert.equal(await lab(page, "state"), "connected");
      await lab(page, "hangUp");
    });

    it("says goodbye to a browser, as the DTLS server too", async (t) => {
      await using media = await openMediaLab(
        (_name, { transport, sections }, engine) => {
          createLoopbackPeer(engine, transport, sections);
        },
        { dtlsRole: "server" },
      );
      const { page } = await browser.open(media.url);
      await lab(page, "connect", { name: "kept", echo: true, data: true, width: 640, height: 360 });
      await lab(page, "ping", "still there?");
      await media.connections.get("kept")?.transport.close();
      const state = await until(
        "the browser knows",
        () => lab(page, "transportState"),
        ({ dtls, channel }) => dtls === "closed" && channel === "closed",
        2500,
      );
      t.diagnostic(`${name}: ${JSON.stringify(state)}`);
      await lab(page, "hangUp");
    });

    it("notices a browser that goes away", async () => {
      await using media = await openMediaLab((_name, { transport, sections }, engine) => {
        createLoopbackPeer(engine, transport, sections);
      });
      const { page } = await browser.open(media.url);
      await lab(page, "connect", { name: "gone", echo: true, width: 640, height: 360 });
      const transport = media.connections.get("gone")?.transport;
      await until(
        "connected",
        () => transport?.state.connection,
        (state) => state === "connected",
      );
      await lab(page, "hangUp");
      await until(
        "goodbye",
        () => transport?.state.connection,
        (state) => state === "failed" || state === "disconnected",
        7000,
      );
      await transport?.close();
      assert.deepEqual(media.engine.resources(), {
        transports: 0,
        sockets: media.engine.resources().sockets,
        paths: 0,
        timers: 0,
      });
    });
  });
}
