import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RTCPeerConnection as WeriftConnection } from "werift";
import { launch } from "./support/browsers.ts";
import { until } from "./support/lab-driver.ts";
import { OfferingEnd } from "./support/offering-end.ts";

/** Says something as soon as the channel takes it, and waits until it came back. */
async function echoes(end: OfferingEnd, say: (text: string) => void, text: string): Promise<void> {
  await until("a channel that is open", () => attempt(() => say(text)), Boolean);
  await until(`${text} echoed`, () => end.received.includes(`${text}, too`), Boolean);
}

describe("full ICE, this side offers and controls", { timeout: 60_000 }, () => {
  it("connects to Chromium, restarts, and data flows before and after", async (t) => {
    await using browser = await launch("chromium");
    const { page } = await browser.open("about:blank");
    await using end = await OfferingEnd.open(["127.0.0.1"]);
    const answerOf = (offer: string) =>
      page.evaluate(async (sdp) => {
        const held = globalThis as unknown as { peer?: RTCPeerConnection };
        if (held.peer === undefined) {
          const made = new RTCPeerConnection();
          made.ondatachannel = ({ channel }) => {
            channel.onmessage = ({ data }) => channel.send(`${data}, too`);
          };
          held.peer = made;
        }
        const { peer } = held;
        await peer.setRemoteDescription({ type: "offer", sdp });
        await peer.setLocalDescription(await peer.createAnswer());
        return peer.localDescription?.sdp ?? "";
      }, offer);

    const began = performance.now();
    end.accept(await answerOf(end.offer()));
    const say = end.channel("full ice");
    await until(
      "connected",
      () => end.agent.state,
      (state) => state === "connected",
    );
    const tookMs = performance.now() - began;
    await echoes(end, say, "first");
    assert.equal(end.agent.role, "controlling");

    const before = end.agent.local.usernameFragment;
    end.agent.restart();
    assert.notEqual(end.agent.local.usernameFragment, before);
    end.accept(await answerOf(end.offer()));
    await until(
      "another pair",
      () => end.pairs.length,
      (count) => count === 2,
    );
    await echoes(end, say, "after the restart");
    assert.equal(
      await page.evaluate(() => (globalThis as unknown as { peer: RTCPeerConnection }).peer.iceConnectionState),
      "connected",
    );
    t.diagnostic(`connected ${tookMs.toFixed(0)} ms after the offer; pairs ${end.pairs.join(", ")}`);
    await page.evaluate(() => (globalThis as unknown as { peer: RTCPeerConnection }).peer.close());
  });

  it("connects to werift", async () => {
    await using end = await OfferingEnd.open(["127.0.0.1"]);
    const peer = new WeriftConnection({ iceServers: [], iceAdditionalHostAddresses: ["127.0.0.1"], iceUseIpv6: false });
    peer.onDataChannel.subscribe((channel) => {
      channel.onMessage.subscribe((message) => channel.send(`${message}, too`));
    });
    try {
      await peer.setRemoteDescription({ type: "offer", sdp: end.offer() });
      const answer = await peer.createAnswer();
      // werift asks a public STUN server where none is configured; nothing here leaves the machine.
      for (const transport of peer.iceTransports) Object.assign(transport.connection, { stunServer: undefined });
      await peer.setLocalDescription(answer);
      end.accept(peer.localDescription?.sdp ?? "");
      const say = end.channel("full ice");
      await echoes(end, say, "hello");
    } finally {
      await peer.close();
    }
  });
});

/** Whether it could be done: a channel that is not open refuses. */
function attempt(act: () => void): boolean {
  try {
    act();
    return true;
  } catch {
    return false;
  }
}
