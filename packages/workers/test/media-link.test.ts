import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError, seededRandom, silentLogger } from "@lodeline/base";
import { VirtualClock } from "@lodeline/testkit";
import type { EngineEvent, EngineRequest } from "../src/engine/messages.ts";
import { RemoteEngine } from "../src/link/remote-engine.ts";
import { DIAL_MS, DialingPort } from "../src/socket/dial-media.ts";
import { FramedSocket } from "../src/socket/framed-socket.ts";
import { GREETING_MS } from "../src/socket/greet.ts";
import { proofOf } from "../src/socket/link-secrets.ts";
import { parseMediaAddress } from "../src/socket/media-address.ts";
import { MediaService, STRANGERS_LIMIT } from "../src/socket/media-service.ts";
import { BEAT_MS, FRAME_LIMIT_BYTES, SILENT_MS, WAITING_LIMIT_BYTES } from "../src/socket/socket-port.ts";
import { code } from "./support/pool-rig.ts";
import { ScriptedEngine } from "./support/scripted-engine.ts";
import { socketPair, type TestSocket } from "./support/socket-pair.ts";

const KEY = { id: "shared", secret: "0123456789abcdef".repeat(3) };
const open: EngineRequest = { kind: "open-transport", transport: "t", room: "den", data: "counted" };

/** Lets bytes, promises and what follows of them happen. */
async function turns(): Promise<void> {
  for (let i = 0; i < 300; i++) await Promise.resolve();
}

function made({ key = KEY, pieceBytes }: { key?: typeof KEY; pieceBytes?: number } = {}) {
  const clock = new VirtualClock();
  const engines: ScriptedEngine[] = [];
  const service = new MediaService({
    clock,
    random: seededRandom(1),
    logger: silentLogger,
    keys: [KEY],
    makeEngine: () => {
      const engine = new ScriptedEngine();
      engines.push(engine);
      return engine;
    },
  });
  /** Sockets of every connection: the server's end and the media process's. */
  const wires: (readonly [TestSocket, TestSocket])[] = [];
  const net = { isUp: true };
  const connect = () => {
    const wire = socketPair(pieceBytes);
    wires.push(wire);
    if (net.isUp) void service.accept(wire[1]);
    else wire[1].close();
    return wire[0];
  };
  const lost: LodelineError[] = [];
  const dial = () => {
    const port = new DialingPort({ clock, random: seededRandom(wires.length + 2), key, connect });
    const remote = new RemoteEngine({ port, clock, logger: silentLogger });
    remote.on("lost", (error) => lost.push(error));
    return remote;
  };
  return { clock, engines, service, wires, net, dial, lost };
}

describe("the link to a media process", () => {
  for (const pieceBytes of [Number.POSITIVE_INFINITY, 1]) {
    it(`[SOCK1] carries requests, answers and events, in pieces of ${pieceBytes} bytes`, async () => {
      const { engines, dial, service } = made({ pieceBytes });
      const remote = dial();
      const events: EngineEvent[] = [];
      remote.on("event", (event) => events.push(event));
      assert.deepEqual(await remote.ask(open), {});
      const message = new Uint8Array([1, 2, 3]);
      const event = { kind: "data", transport: "t", channel: 1, message } as const;
      engines[0]?.tell(event);
      for (let i = 0; i < 10; i++) await turns();
      assert.deepEqual(events, [event]);
      assert.deepEqual(engines[0]?.heard(), ["open-transport t"]);
      await remote.close();
      await turns();
      assert.deepEqual([engines[0]?.closed, service.isServing], [true, false]);
    });
  }

  it("[SOCK2] never sends the key, and nothing in the clear once both are known", async () => {
    const { dial, wires } = made();
    const remote = dial();
    await remote.ask({ ...open, transport: "a-name-to-look-for" });
    const sent = Buffer.concat(wires.flatMap((wire) => wire.flatMap(({ written }) => written))).toString("latin1");
    assert.ok(!sent.includes(KEY.secret));
    assert.ok(!sent.includes("a-name-to-look-for"));
    await remote.close();
  });

  it("[SOCK2] refuses a server with another key, which does not try again", async () => {
    const { dial, wires, engines, lost } = made({ key: { ...KEY, secret: "x".repeat(48) } });
    await assert.rejects(dial().ask(open), code("config/invalid"));
    assert.deepEqual([lost[0]?.field, lost[0]?.retry, wires.length, engines.length], ["key", "never", 1, 0]);
  });

  it("[SOCK2] does not believe a media process that only returns what it was sent", async () => {
    const [own, other] = socketPair();
    const clock = new VirtualClock();
    const port = new DialingPort({ clock, random: seededRandom(3), key: KEY, connect: () => own });
    const remote = new RemoteEngine({ port, clock, logger: silentLogger });
    const asked = assert.rejects(remote.ask(open), code("config/invalid"));
    const mirror = new FramedSocket(other);
    mirror.send(Buffer.from(JSON.stringify({ version: 1, nonce: "n" })));
    const hello = JSON.parse((await mirror.next()).toString());
    assert.equal(hello.proof, proofOf(KEY, "control", { version: 1, media: "n", control: hello.nonce }));
    mirror.send(Buffer.from(JSON.stringify({ proof: hello.proof })));
    await asked;
  });

  it("[SOCK2] refuses another version, and says so", async () => {
    const [own, other] = socketPair();
    const clock = new VirtualClock();
    const port = new DialingPort({ clock, random: seededRandom(3), key: KEY, connect: () => own });
    const asked = new RemoteEngine({ port, clock, logger: silentLogger }).ask(open);
    new FramedSocket(other).send(Buffer.from(JSON.stringify({ version: 2, nonce: "n" })));
    await assert.rejects(
      asked,
      (error: LodelineError) => error.code === "protocol/version" && error.field === "version",
    );
  });

  it("[SOCK3] ends with whoever does not greet in time, sends too much, or is one too many", async () => {
    const { service, clock } = made();
    const strangers = Array.from({ length: STRANGERS_LIMIT + 1 }, () => socketPair());
    for (const [, end] of strangers) void service.accept(end);
    await turns();
    assert.deepEqual(strangers.map(([, end]) => end.closed).indexOf(true), STRANGERS_LIMIT);
    const huge = Buffer.alloc(4);
    huge.writeUInt32BE(2 ** 31);
    strangers[0]?.[0].write(huge);
    await turns();
    assert.equal(strangers[0]?.[1].closed, true);
    clock.advance(GREETING_MS);
    await turns();
    assert.deepEqual([strangers.every(([, end]) => end.closed), clock.armed], [true, 0]);
  });

  it("[SOCK3] ends when a frame was changed on its way", async () => {
    const { dial, wires, engines, lost } = made();
    await dial().ask(open);
    wires[0]?.[0].write(Buffer.concat([Buffer.from([0, 0, 0, 40]), Buffer.alloc(40, 7)]));
    await turns();
    assert.deepEqual([engines[0]?.closed, lost[0]?.code], [true, "media/engine-lost"]);
  });

  it("[SOCK3] ends when a frame is too long or too much waits", async () => {
    for (const way of ["long", "waits"] as const) {
      const { dial, wires, lost, clock } = made();
      const remote = dial();
      await remote.ask(open);
      const [own] = wires[0] ?? assert.fail();
      if (way === "waits") own.waitingBytes = WAITING_LIMIT_BYTES + 1;
      const offerSdp = way === "long" ? "x".repeat(FRAME_LIMIT_BYTES) : "v=0";
      await assert.rejects(remote.ask({ kind: "answer", transport: "t", offerSdp }), code("media/engine-lost"));
      await turns();
      assert.deepEqual([lost.length, remote.waiting, clock.armed], [1, 0, 0]);
    }
  });

  it("[SOCK4] tries again until the media process is there", async () => {
    const { clock, dial, net, wires } = made();
    net.isUp = false;
    const asked = dial().ask(open);
    await turns();
    clock.advance(60);
    await turns();
    net.isUp = true;
    clock.advance(200);
    assert.deepEqual(await asked, {});
    assert.equal(wires.length, 3);
  });

  it("[SOCK4] gives up in time, and leaves nothing", async () => {
    const { clock, dial, net, lost } = made();
    net.isUp = false;
    const asked = assert.rejects(dial().ask(open), code("media/engine-lost"));
    for (let atMs = 0; atMs <= DIAL_MS; atMs += 50) {
      clock.advance(50);
      await turns();
    }
    await asked;
    assert.deepEqual([lost.length, clock.armed], [1, 0]);
  });

  it("[SOCK4] closes while it still tries, and leaves nothing", async () => {
    const { clock, dial, net } = made();
    net.isUp = false;
    const remote = dial();
    const asked = assert.rejects(remote.ask(open), code("media/closed"));
    await turns();
    await remote.close();
    await asked;
    assert.equal(clock.armed, 0);
  });

  it("[SOCK5] ends after silence at both ends", async () => {
    const { clock, dial, wires, engines, lost } = made();
    await dial().ask(open);
    // Beats keep it.
    for (let atMs = 0; atMs < 3 * SILENT_MS; atMs += BEAT_MS) {
      clock.advance(BEAT_MS);
      await turns();
    }
    assert.equal(lost.length, 0);
    // The network is gone: nothing arrives, nothing is told.
    for (const end of wires[0] ?? []) end.write = () => {};
    clock.advance(SILENT_MS + BEAT_MS);
    await turns();
    assert.deepEqual([lost.length, engines[0]?.closed, clock.armed], [1, true, 0]);
  });

  it("[SOCK6] serves one server at a time, and the next one with an engine of its own", async () => {
    const { clock, dial, engines, wires, lost } = made();
    const first = dial();
    await first.ask(open);
    const second = dial();
    const refused = assert.rejects(second.ask(open), code("media/engine-busy"));
    for (let atMs = 0; atMs <= DIAL_MS; atMs += 50) {
      clock.advance(50);
      await turns();
    }
    await refused;
    assert.equal(engines.length, 1);
    // The first is killed: its end of the connection closes without a word.
    wires[0]?.[0].close();
    await turns();
    assert.equal(engines[0]?.closed, true);
    assert.deepEqual(await dial().ask(open), {});
    assert.deepEqual([engines.length, lost.length], [2, 1]);
  });

  it("[SOCK6] makes the next engine only when the last one is closed", async () => {
    const { dial, engines, wires } = made();
    await dial().ask(open);
    const [engine] = engines;
    let closed: (() => void) | undefined;
    if (engine) engine.close = () => new Promise((resolve) => (closed = resolve));
    wires[0]?.[0].close();
    await turns();
    const asked = dial().ask(open);
    await turns();
    assert.equal(engines.length, 1);
    closed?.();
    assert.deepEqual(await asked, {});
    assert.equal(engines.length, 2);
  });

  it("[SOCK6] closes its engine and every connection when it ends", async () => {
    const { clock, dial, engines, service, lost } = made();
    await dial().ask(open);
    await service.close();
    await turns();
    assert.deepEqual([engines[0]?.closed, lost.length, clock.armed], [true, 1, 0]);
    assert.ok(lost[0] instanceof LodelineError);
  });

  it("[SOCK7] reads addresses, and says which it cannot", () => {
    assert.deepEqual(parseMediaAddress("tcp://127.0.0.1:7881", "media"), {
      kind: "tcp",
      host: "127.0.0.1",
      port: 7881,
    });
    assert.deepEqual(parseMediaAddress("[::1]:0", "media"), { kind: "tcp", host: "::1", port: 0 });
    assert.deepEqual(parseMediaAddress("unix:/run/m.sock", "media"), { kind: "unix", path: "/run/m.sock" });
    for (const bad of ["", "7881", "host", "host:70000", "http://host:1", "unix:", `unix:/${"x".repeat(110)}`]) {
      assert.throws(
        () => parseMediaAddress(bad, "media"),
        (error: LodelineError) => error.code === "config/invalid" && error.field === "media",
        bad,
      );
    }
  });
});
