import assert from "node:assert/strict";
import { webcrypto } from "node:crypto";
import { describe, it } from "node:test";
import { cryptoRandom } from "@lodeline/base";
import { type ClientTransport, createLoopbackPeer, createMediaEngine } from "@lodeline/media";
import { RTCPeerConnection as WeriftConnection } from "werift";
import { AnsweringPage } from "./support/answering-page.ts";
import { launch } from "./support/browsers.ts";
import { until } from "./support/lab-driver.ts";
import { realClock } from "./support/media-lab.ts";

function openEngine() {
  const random = cryptoRandom((into) => webcrypto.getRandomValues(into));
  return createMediaEngine({ clock: realClock(), random, addresses: ["127.0.0.1"] });
}

/** Says something on a channel of its own, and waits until it came back. */
async function echoes(transport: ClientTransport, text: string): Promise<void> {
  const heard: string[] = [];
  const channel = transport.openDataChannel(text);
  channel.on("message", (message) => heard.push(String(message)));
  channel.on("open", () => channel.send(text));
  await until(
    `${text} echoed`,
    () => heard,
    (all) => all.includes(`${text}, too`),
  );
  channel.close();
}

describe("the engine as the client: it offers, connects and controls ICE", { timeout: 60_000 }, () => {
  it("media, both ways, and messages with Chromium, before and after an ICE restart", async (t) => {
    await using browser = await launch("chromium");
    const { page, errors } = await browser.open("about:blank");
    const answering = new AnsweringPage(page);
    await using engine = openEngine();
    const transport = engine.createClientTransport({ id: "chromium" });
    const negotiate = async (iceRestart: boolean) => {
      const pending = await transport.offer([{ kind: "audio" }, { kind: "video" }, { kind: "application" }], {
        iceRestart,
      });
      return transport.accept(pending, await answering.answer(pending.sdp));
    };

    const began = performance.now();
    const sections = await negotiate(false);
    await transport.connected();
    const tookMs = performance.now() - began;
    assert.deepEqual(
      sections.map(({ kind, direction }) => `${kind} ${direction}`),
      ["audio sendrecv", "video sendrecv", "application sendrecv"],
    );
    // The browser gets its own picture and sound back.
    using _echo = createLoopbackPeer(engine, transport, sections);
    await echoes(transport, "first");
    const before = await until(
      "sound and pictures that came back",
      () => answering.received(),
      ({ framesDecoded, soundPackets }) => framesDecoded >= 10 && soundPackets >= 10,
    );

    await negotiate(true);
    await echoes(transport, "after the restart");
    const after = await until(
      "more of them",
      () => answering.received(),
      (now) => now.framesDecoded >= before.framesDecoded + 10 && now.soundPackets >= before.soundPackets + 10,
    );
    assert.equal(after.iceConnectionState, "connected");
    assert.equal(transport.state.connection, "connected");
    assert.deepEqual(errors, []);
    t.diagnostic(`connected ${tookMs.toFixed(0)} ms after the offer; ${after.framesDecoded} pictures came back`);
  });

  it("messages with werift", async () => {
    await using engine = openEngine();
    const transport = engine.createClientTransport({ id: "werift" });
    const peer = new WeriftConnection({ iceServers: [], iceAdditionalHostAddresses: ["127.0.0.1"], iceUseIpv6: false });
    peer.onDataChannel.subscribe((channel) => {
      channel.onMessage.subscribe((message) => channel.send(`${message}, too`));
    });
    try {
      const pending = await transport.offer([{ kind: "application" }]);
      await peer.setRemoteDescription({ type: "offer", sdp: pending.sdp });
      const answer = await peer.createAnswer();
      // werift asks a public STUN server where none is configured; nothing here leaves the machine.
      for (const each of peer.iceTransports) Object.assign(each.connection, { stunServer: undefined });
      await peer.setLocalDescription(answer);
      await transport.accept(pending, peer.localDescription?.sdp ?? "");
      await transport.connected();
      await echoes(transport, "hello");
    } finally {
      await peer.close();
    }
  });
});
