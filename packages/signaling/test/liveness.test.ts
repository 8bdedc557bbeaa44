import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "@lodeline/base";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { backoffMs, ServerLink } from "@lodeline/signaling";
import { NO_FAULTS, Wire, type WireOptions } from "./wire.ts";

describe("liveness", () => {
  it("[LINK13] on an idle link the client pings every heartbeat and the server only answers", () => {
    const wire = opened();
    const from = wire.texts.length;
    wire.run(10 * wire.timers.heartbeatMs + 100);
    const idle = wire.texts.slice(from).map(({ to, text }) => `${to}:${JSON.parse(text).kind}`);
    assert.ok(idle.length >= 18 && idle.length <= 21, `${idle.length} frames in ten heartbeats`);
    assert.ok(idle.every((entry) => /ping|pong/.test(entry)));
    assert.ok((wire.client.rttMs ?? wire.server.rttMs ?? 0) >= 20);
  });

  it("[LINK13] the server pings a quarter later than the client, exactly, when the client does not", () => {
    const link = new ServerLink({ id: "l", identity: "i", timers: DEFAULT_TIMERS, random: seededRandom(1) }, 0);
    link.attach({ version: 1, received: 0 }, 1000);
    drain(link);
    link.tick(3499);
    assert.deepEqual(drain(link), []);
    assert.equal(link.deadline(), 3500);
    link.tick(3500);
    assert.deepEqual(drain(link), [{ kind: "text", text: '{"kind":"ping","at":3500,"ack":0}' }]);
  });

  it("[LINK14] the server gives a silent client up after linkLostMs, and not a millisecond earlier", () => {
    const link = new ServerLink({ id: "l", identity: "i", timers: DEFAULT_TIMERS, random: seededRandom(1) }, 0);
    link.attach({ version: 1, received: 0 }, 0);
    for (const now of [2000, 4000]) link.tick(now);
    drain(link);
    link.tick(DEFAULT_TIMERS.linkLostMs - 1);
    assert.equal(link.state, "open");
    link.tick(DEFAULT_TIMERS.linkLostMs);
    assert.equal(link.state, "interrupted");
    assert.ok(drain(link).some((output) => output.kind === "close-socket" && output.code === 4411));
  });

  it("[LINK14] the client drops a silent socket after the server's lostMs and resumes", () => {
    const wire = opened();
    wire.cut(undefined, undefined);
    wire.reachable = false;
    // The last thing heard was the pong or ping before; at most one heartbeat ago.
    wire.run(wire.timers.linkLostMs - wire.timers.heartbeatMs - 1);
    assert.equal(wire.client.state, "open");
    wire.run(wire.timers.heartbeatMs + 500);
    wire.reachable = true;
    wire.run(2_000);
    assert.deepEqual(wire.states().slice(0, 3), ["connecting", "open", "interrupted"]);
    assert.equal(wire.client.state, "open");
    const lost = wire.clientOutputs.find((o) => o.kind === "state" && o.state === "interrupted");
    assert.equal(lost?.kind === "state" && lost.reason, "link/lost");
    assert.equal(wire.links.size, 1);
  });

  it("[LINK15] drops a socket without a welcome after connectMs", () => {
    const wire = new Wire();
    wire.faults = { ...NO_FAULTS, drop: 1 };
    wire.open();
    wire.run(wire.timers.connectMs - 1);
    assert.equal(wire.client.state, "connecting");
    assert.equal(wire.clientOutputs.filter(({ kind }) => kind === "close-socket").length, 0);
    wire.run(1);
    assert.equal(wire.clientOutputs.filter(({ kind }) => kind === "close-socket").length, 1);
    wire.faults = NO_FAULTS;
    wire.run(1000);
    assert.equal(wire.client.state, "open");
  });

  it("[LINK16] waits double from the first to the longest, half of each by chance", () => {
    const random = seededRandom(5);
    for (let attempt = 0; attempt < 40; attempt++) {
      const whole = Math.min(3000, 100 * 2 ** attempt);
      for (let i = 0; i < 50; i++) {
        const waitMs = backoffMs(attempt, 100, 3000, random);
        assert.ok(waitMs >= whole / 2 && waitMs <= whole, `${attempt}: ${waitMs}`);
      }
    }
  });

  it("[LINK16] grows while the server drops at once, and starts over after a link that held", () => {
    const wire = opened();
    const waits = () => wire.clientOutputs.flatMap((o) => (o.kind === "state" && o.retryInMs ? [o.retryInMs] : []));
    for (let i = 0; i < 5; i++) {
      wire.cut(0, 0);
      wire.run(waits().at(-1) ?? 0);
      while (wire.client.state !== "open") wire.run(10);
    }
    assert.ok((waits().at(-1) ?? 0) >= 800, `${waits()}`);
    wire.run(wire.timers.reconnectMaxMs);
    wire.cut(0, 0);
    wire.run(0);
    assert.ok((waits().at(-1) ?? 1000) <= 100, `${waits()}`);
  });

  it("[LINK16] a server that is away for less than 10 s is found within 750 ms of its return, one that is away longer is not pressed", () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const wire = opened({ seed });
      const waits = () => wire.clientOutputs.flatMap((o) => (o.kind === "state" && o.retryInMs ? [o.retryInMs] : []));
      // A young link counts as well.
      wire.run(500 * seed);
      wire.reachable = false;
      wire.cut(0, 0);
      wire.run(1_500 + 1_000 * seed);
      wire.reachable = true;
      wire.run(750 + 100);
      assert.equal(wire.client.state, "open", `${waits()}`);
      wire.run(wire.timers.reconnectMaxMs);
      wire.reachable = false;
      wire.cut(0, 0);
      wire.run(30_000);
      assert.ok((waits().at(-1) ?? 0) >= wire.timers.reconnectMaxMs / 2, `${waits()}`);
    }
  });

  it("[LINK16] starts over where a frame is missing, for its server was heard, but not twice in a row", () => {
    const wire = opened();
    const waits = () => wire.clientOutputs.flatMap((o) => (o.kind === "state" && o.retryInMs ? [o.retryInMs] : []));
    const reopen = () => {
      for (let ms = 0; ms < 5_000 && wire.client.state !== "open"; ms += 10) wire.run(10);
      assert.equal(wire.client.state, "open");
    };
    const miss = () => {
      const text = JSON.stringify({ kind: "data", seq: 99, ack: 0, message: { type: "ok", id: "x" } });
      wire.do((client, now) => client.socketText(text, now));
      assert.equal(wire.client.state, "interrupted");
    };
    for (let i = 0; i < 5; i++) {
      wire.cut(0, 0);
      wire.run(0);
      reopen();
    }
    miss();
    assert.ok((waits().at(-1) ?? 1000) <= 100, `${waits()}`);
    for (const least of [100, 200, 400]) {
      reopen();
      miss();
      assert.ok((waits().at(-1) ?? 0) >= least, `${waits()}`);
    }
  });

  it("[LINK17] a wake reconnects at once", () => {
    const wire = opened();
    wire.reachable = false;
    wire.cut(0, 0);
    wire.run(20_000);
    wire.reachable = true;
    wire.do((client, now) => client.wake(now));
    wire.run(70);
    assert.equal(wire.client.state, "open");
  });

  it("[LINK17] what failed before a wake keeps nobody waiting after it", () => {
    const wire = opened();
    wire.reachable = false;
    wire.cut(0, 0);
    wire.run(20_000);
    wire.reachable = true;
    wire.do((client, now) => client.wake(now));
    wire.run(100);
    for (let times = 0; times < 4; times++) {
      wire.cut(0, 0);
      for (let ms = 0; ms < 5_000 && wire.client.state !== "open"; ms += 50) wire.run(50);
      wire.run(50);
    }
    assert.equal(wire.client.state, "open");
    wire.cut(undefined, undefined);
    wire.reachable = false;
    wire.do((client, now) => client.wake(now));
    wire.run(1_500);
    assert.equal(wire.client.state, "interrupted");
    wire.reachable = true;
    wire.run(300);
    assert.equal(wire.client.state, "open");
  });

  it("[LINK17] a wake during an attempt that fails makes the next wait the first", () => {
    const wire = opened();
    wire.reachable = false;
    wire.cut(0, 0);
    wire.run(20_000);
    const attempts = () => wire.clientOutputs.filter(({ kind }) => kind === "open-socket").length;
    const before = attempts();
    for (let ms = 0; ms < 4_000 && attempts() === before; ms += 0.5) wire.run(0.5);
    wire.reachable = true;
    wire.do((client, now) => client.wake(now));
    assert.equal(attempts(), before + 1, "the present attempt is not given up");
    wire.run(200);
    assert.equal(wire.client.state, "open");
  });

  it("[LINK17] a wake finds an open socket that died, within 1.5 s, and leaves a living one", () => {
    const wire = opened();
    wire.do((client, now) => client.wake(now));
    wire.run(3000);
    assert.deepEqual(wire.states(), ["connecting", "open"]);
    wire.cut(undefined, undefined);
    wire.reachable = false;
    wire.do((client, now) => client.wake(now));
    wire.run(1499);
    assert.equal(wire.client.state, "open");
    wire.run(1);
    assert.equal(wire.client.state, "interrupted");
  });
});

function opened(options: WireOptions = {}): Wire {
  const wire = new Wire(options);
  wire.open();
  wire.run(500);
  return wire;
}

function drain(link: ServerLink) {
  const outputs = [];
  for (let output = link.poll(); output; output = link.poll()) outputs.push(output);
  return outputs;
}
