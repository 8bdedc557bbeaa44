import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { cryptoRandom } from "@lodeline/base";
import {
  type ClientTransport,
  createLoopbackPeer,
  createMediaEngine,
  hostAddresses,
  type WantedSection,
} from "@lodeline/media";
import { RTCPeerConnection as WeriftConnection } from "werift";
import { Janus } from "../bench/src/janus.ts";
import { AnsweringPage } from "./support/answering-page.ts";
import { type LaunchedBrowser, launch } from "./support/browsers.ts";
import { until } from "./support/lab-driver.ts";
import { realClock } from "./support/media-lab.ts";

const EVERYTHING: readonly WantedSection[] = [{ kind: "audio" }, { kind: "video" }, { kind: "application" }];

/** Janus does not use the loopback. */
const noJanus =
  spawnSync("janus", ["--version"]).error !== undefined
    ? "no janus command here"
    : hostAddresses().length < 2 && "no address but the loopback's here";

function openEngine(addresses: readonly string[] = ["127.0.0.1"]) {
  const random = cryptoRandom((into) => webcrypto.getRandomValues(into));
  return createMediaEngine({ clock: realClock(), random, addresses });
}

/** A port of TCP that nobody uses now. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Offers everything, and takes the answer. */
async function negotiate(transport: ClientTransport, answer: (offer: string) => Promise<string>, iceRestart = false) {
  const pending = await transport.offer(EVERYTHING, { iceRestart });
  const sections = await transport.accept(pending, await answer(pending.sdp));
  await transport.connected();
  return sections;
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
  let browser: LaunchedBrowser;
  before(async () => {
    browser = await launch("chromium");
  });
  after(() => browser?.close());

  it("media, both ways, and messages with Chromium, before and after an ICE restart", async (t) => {
    const { page, errors } = await browser.open("about:blank");
    const answering = new AnsweringPage(page);
    await using engine = openEngine();
    const transport = engine.createClientTransport({ id: "chromium" });
    const began = performance.now();
    const sections = await negotiate(transport, (offer) => answering.answer(offer));
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

    await negotiate(transport, (offer) => answering.answer(offer), true);
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

  for (const lite of [false, true]) {
    const kind = lite ? "lite" : "full";
    it(`a browser's media by way of Janus, whose ICE is ${kind}, and back`, { skip: noJanus }, async () => {
      await using janus = await Janus.start({ port: await freePort(), plugin: "echotest", lite });
      const { page } = await browser.open("about:blank");
      const answering = new AnsweringPage(page);
      await using engine = openEngine(hostAddresses());
      const near = engine.createClientTransport({ id: "chromium" });
      const far = engine.createClientTransport({ id: "janus" });
      await negotiate(near, (offer) => answering.answer(offer));
      await negotiate(far, (offer) => janus.echo(offer));
      for (const [mid, media] of [
        ["0", "audio"],
        ["1", "video"],
      ] as const) {
        for (const [from, to] of [
          [near, far],
          [far, near],
        ] as const) {
          const publication = engine.publish({ id: `${from.id}/${mid}`, transport: from, mid, kind: media });
          engine.forward({ id: `${from.id}/${mid}/on`, publication, transport: to, mid });
        }
      }
      const comesBack = async (more: number) => {
        const { framesDecoded, soundPackets } = await answering.received();
        await until(
          "sound and pictures that came back",
          () => answering.received(),
          (now) => now.framesDecoded >= framesDecoded + more && now.soundPackets >= soundPackets + more,
        );
      };
      await comesBack(10);
      await negotiate(far, (offer) => janus.echo(offer), true);
      await comesBack(10);
      assert.equal(far.state.connection, "connected");
      await page.close();
    });
  }

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
