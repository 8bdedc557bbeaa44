import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { connectedPair, inState, Mirror, negotiate, openEngine, openRelay, when } from "./client-rig.ts";
import { PACKET_PATHS } from "./plane-rig.ts";

/** Silence is noticed sooner than in earnest. */
const HASTY = { consentIntervalMs: 100, suspectIntervalMs: 50, disconnectedAfterMs: 250, failedAfterMs: 500 };

for (const path of PACKET_PATHS) {
  describe(`a transport that is the client, packets by ${path}`, { timeout: 280_000 }, () => {
    for (const dtlsRole of ["client", "server"] as const) {
      it(`[CLI1] connects to a server that is the ${dtlsRole} in DTLS; media and messages go both ways`, async (t) => {
        await using pair = await connectedPair(path, { server: { dtlsRole } });
        const { client, here, server } = pair;
        assert.deepEqual(
          client.sections.map(({ kind, direction }) => `${kind} ${direction}`),
          ["audio sendrecv", "video sendrecv", "application sendrecv"],
        );
        assert.equal(here.packetPath, path);
        using mirror = new Mirror(here, client);
        await mirror.comeBack(5);
        const { mock } = t.mock.method(client.media, "handle");
        await mirror.comeBack(5);
        // What the kernel moves does not come by here.
        assert.equal(mock.callCount() > 0, path === "typescript");
        const heard: string[] = [];
        const channel = client.openDataChannel("words");
        await when(
          "a word that comes back",
          (ask) => {
            channel.on("message", (message) => heard.push(String(message)) && ask());
            channel.on("open", () => channel.send("hello"));
          },
          () => heard.includes("hello"),
        );
        assert.ok((client.roundTripMs ?? Infinity) < 1000);
        assert.equal(server.state.connection, "connected");
      });
    }

    it("[CLI2] several connect to one server, each by sockets of its own, of which nothing is left", async () => {
      await using there = openEngine(path);
      await using here = openEngine(path);
      const clients = ["a", "b", "c"].map((id) => here.createClientTransport({ id }));
      for (const client of clients) {
        const server = there.createTransport({ id: client.id });
        await negotiate(client, server);
        await client.connected();
      }
      assert.equal(here.resources().sockets, 3);
      await Promise.all(clients.map((client) => client.close()));
      for (const { held } of clients) assert.deepEqual(held, { sockets: 0, paths: 0 });
      assert.deepEqual(here.resources(), { transports: 0, sockets: 0, paths: 0, timers: 0 });
    });

    it("[CLI3] tells that consent was lost, and an ICE restart brings back what flowed", async () => {
      using relay = await openRelay();
      await using pair = await connectedPair(path, {
        server: { announce: relay.announce, iceTimings: HASTY },
        client: { iceTimings: HASTY },
      });
      const { client, here, server } = pair;
      using mirror = new Mirror(here, client);
      await mirror.comeBack(5);
      relay.state.shut = true;
      await Promise.all([inState(client, "failed"), inState(server, "failed")]);
      assert.equal(client.failure?.reason, "consent-lost");
      await mirror.produces(2);
      const { heard } = relay.state;
      await mirror.produces(10);
      assert.equal(relay.state.heard, heard, "something was sent without consent");
      await assert.rejects(client.connected(), { code: "session/connection-failed", field: "consent-lost" });
      relay.state.shut = false;
      await negotiate(client, server);
      await client.connected();
      assert.equal(client.failure, undefined);
      await mirror.comeBack(5);
    });

    it("[CLI4] a restart of what works goes on without a pause", async () => {
      await using pair = await connectedPair(path);
      const { client, here, server } = pair;
      using mirror = new Mirror(here, client);
      await mirror.comeBack(5);
      const states: string[] = [];
      client.on("state", ({ connection }) => states.push(connection));
      const fragment = (sdp: string) => /a=ice-ufrag:(.*)/.exec(sdp)?.[1];
      const first = await negotiate(client, server);
      const second = await negotiate(client, server, { iceRestart: true });
      assert.notEqual(fragment(first.pending.sdp), fragment(second.pending.sdp));
      assert.notEqual(fragment(first.answer), fragment(second.answer));
      await mirror.comeBack(5);
      assert.deepEqual(states, []);
    });
  });
}

describe("a transport that is the client", { timeout: 280_000 }, () => {
  it("[CLI1] controls a lite server, which checks nothing itself", async () => {
    using relay = await openRelay(true);
    await using there = openEngine("typescript", { announce: relay.announce });
    await using here = openEngine("typescript");
    const client = here.createClientTransport({ id: "client" });
    await negotiate(client, there.createTransport({ id: "server" }), {
      change: (sdp) => sdp.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n"),
    });
    await client.connected();
    assert.equal(relay.state.controlled, 0);
  });

  it("[CLI5] takes candidates that follow the answer", async () => {
    await using there = openEngine("typescript");
    await using here = openEngine("typescript");
    const server = there.createTransport({ id: "server" });
    const client = here.createClientTransport({ id: "client" });
    const { answer } = await negotiate(client, server, {
      change: (sdp) => sdp.replace(/^a=(candidate|end-of-candidates).*\r\n/gm, ""),
    });
    assert.equal(client.state.ice, "checking");
    const candidate = /^a=(candidate:.*)\r$/m.exec(answer)?.[1];
    await client.addCandidate({ candidate: "candidate:9 1 udp 1 hidden.local 9 typ host", sdpMid: "0" });
    await client.addCandidate({ candidate, sdpMid: "0" });
    await client.addCandidate(null);
    await assert.rejects(client.addCandidate({ candidate, sdpMid: "7" }), { code: "candidate/refused" });
    await client.connected();
  });

  it("[CLI6] says that nobody answered", async () => {
    await using there = openEngine("typescript");
    await using here = openEngine("typescript", { iceTimings: { checkingTimeoutMs: 200 } });
    const client = here.createClientTransport({ id: "client" });
    await assert.rejects(client.connected(), { code: "protocol/out-of-turn" });
    await negotiate(client, there.createTransport({ id: "server" }), {
      change: (sdp) => sdp.replace(/^a=candidate.*\r\n/gm, ""),
    });
    await assert.rejects(client.connected(), { code: "session/connection-failed", field: "unreachable" });
  });

  it("[CLI6] says that the certificate is another's, and that the other side has ended it", async () => {
    await using there = openEngine("typescript");
    await using here = openEngine("typescript");
    const forged = here.createClientTransport({ id: "forged" });
    await negotiate(forged, there.createTransport({ id: "forged" }), {
      change: (sdp) => sdp.replace(/(a=fingerprint:sha-256 ).*/g, `$1${Array(32).fill("AB").join(":")}`),
    });
    await assert.rejects(forged.connected(), { field: "handshake-failed" });
    const client = here.createClientTransport({ id: "client" });
    const server = there.createTransport({ id: "server" });
    await negotiate(client, server);
    await client.connected();
    await server.close();
    await inState(client, "failed");
    assert.equal(client.failure?.reason, "ended");
  });

  it("[CLI7] takes one answer to its newest offer, of the same connection, and keeps what stood", async () => {
    await using pair = await connectedPair("typescript");
    const { client, server, there } = pair;
    const before = client.sections;
    const old = await client.offer([{ kind: "audio" }, { kind: "video" }, { kind: "application" }]);
    const pending = await client.offer([
      { kind: "audio" },
      { kind: "video", direction: "recvonly" },
      { kind: "application" },
      { kind: "video", direction: "sendonly" },
    ]);
    const { sdp } = await server.answer(pending.sdp);
    await assert.rejects(client.accept(old, sdp), { code: "protocol/out-of-turn" });
    const stranger = await there.createTransport({ id: "stranger" }).answer(pending.sdp);
    for (const wrong of [
      stranger.sdp,
      sdp.replace(/a=ice-pwd:.*/g, "a=ice-pwd:another-password-of-theirs"),
      sdp.replaceAll("a=setup:active", "a=setup:passive"),
      sdp.replaceAll("a=setup:active", "a=setup:actpass"),
      sdp.replace("a=mid:3", "a=mid:4"),
      sdp.slice(0, sdp.lastIndexOf("m=")),
      "v=0\r\n",
    ]) {
      await assert.rejects(client.accept(pending, wrong), { code: "sdp/unusable" });
    }
    assert.equal(client.sections, before);
    const sections = await client.accept(pending, sdp);
    assert.deepEqual(
      sections.map(({ direction }) => direction),
      ["sendrecv", "recvonly", "sendrecv", "sendonly"],
    );
    await assert.rejects(client.accept(pending, sdp), { code: "protocol/out-of-turn" });
    await assert.rejects(client.offer([{ kind: "audio" }, { kind: "application" }]), { code: "media/unknown-section" });
    assert.equal(client.state.connection, "connected");
  });

  it("[CLI2] closed while it opens, it leaves nothing", async () => {
    await using here = openEngine("typescript");
    const client = here.createClientTransport({ id: "client" });
    const offered = assert.rejects(client.offer([{ kind: "audio" }]), { code: "media/closed" });
    await client.close();
    await offered;
    assert.deepEqual(here.resources(), { transports: 0, sockets: 0, paths: 0, timers: 0 });
    await using far = openEngine("typescript", { addresses: ["127.0.0.1", "192.0.2.1"] });
    const lost = far.createClientTransport({ id: "lost" });
    await assert.rejects(lost.offer([{ kind: "audio" }]), { code: "media/bind-failed" });
    assert.equal(far.resources().sockets, 0);
  });
});
