import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { after, before, describe, it } from "node:test";
import { seededRandom, systemClock } from "@lodeline/base";
import {
  parseFault,
  performTcpFault,
  performUdpFault,
  TcpProxy,
  type TcpProxyOptions,
  UdpRelay,
} from "@lodeline/chaos";

const clock = systemClock({
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimer: (fn, delayMs) => setTimeout(fn, delayMs),
  clearTimer: (handle) => clearTimeout(handle as NodeJS.Timeout),
});

/** A stream in which every byte tells where it belongs. */
function pattern(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8)) & 0xff;
  return bytes;
}

/** Has a server listen, with a proxy before it. */
async function proxyBefore(server: Server, options: Pick<TcpProxyOptions, "affects"> = {}): Promise<TcpProxy> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const here = { host: "127.0.0.1", port: 0 };
  return TcpProxy.open({ ...options, clock, random: seededRandom(7), listen: here, target: () => ({ ...here, port }) });
}

describe("the TCP proxy", () => {
  const SENT = pattern(600_000);
  let server: Server;
  let proxy: TcpProxy;
  /** How much the server has read of each connection. */
  const read: number[] = [];

  before(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on("error", () => {});
      let length = 0;
      socket.on("data", (bytes) => {
        // The beginning of what was sent, and nothing else, however it ends.
        assert.ok(SENT.subarray(length, length + bytes.length).equals(bytes));
        length += bytes.length;
      });
      socket.on("close", () => read.push(length));
      socket.pipe(socket);
    });
    proxy = await proxyBefore(server);
  });

  after(async () => {
    await proxy.close();
    server.close();
  });

  /** Sends everything, says goodbye, and gives what came back, with how it ended. */
  const roundTrip = (sent: Buffer) =>
    new Promise<{ got: Buffer; broken: boolean; tookMs: number }>((resolve) => {
      const startMs = performance.now();
      const parts: Buffer[] = [];
      const socket = connect(proxy.port, "127.0.0.1");
      let ended = false;
      socket.on("data", (bytes) => parts.push(bytes));
      socket.on("end", () => {
        ended = true;
      });
      socket.on("error", () => {});
      socket.on("close", (hadError) => {
        const got = Buffer.concat(parts);
        const broken = hadError || !ended || got.length < sent.length;
        resolve({ got, broken, tookMs: performance.now() - startMs });
      });
      socket.end(sent);
    });

  it("passes every byte once and in order", async () => {
    const { got, broken } = await roundTrip(SENT);
    assert.equal(broken, false);
    assert.deepEqual(hash(got), hash(SENT));
  });

  it("cuts at other bytes each time, and what came before the cut came right", async () => {
    const fault = performTcpFault(proxy, parseFault("tcp:cut=100k,cuts=12"), () => {});
    read.length = 0;
    for (let round = 0; round < 12; round++) {
      const { got, broken } = await roundTrip(SENT);
      assert.equal(broken, true);
      assert.ok(SENT.subarray(0, got.length).equals(got), "what arrived is the beginning of what was sent");
    }
    assert.equal(fault.counters().cuts, 12);
    assert.ok(new Set(read).size > 6, `${read}`);
    assert.equal((await roundTrip(SENT)).broken, false, "the thirteenth is left alone");
    fault.stop();
  });

  it("delays, and throttles, and changes nothing", async () => {
    const delay = performTcpFault(proxy, parseFault("tcp:delay=150ms"), () => {});
    const late = await roundTrip(pattern(1000));
    delay.stop();
    assert.ok(late.tookMs >= 300 && !late.broken, `${late.tookMs} ms`);
    const rate = performTcpFault(proxy, parseFault("tcp:rate=800kbps"), () => {});
    const slow = await roundTrip(pattern(50_000));
    rate.stop();
    assert.ok(slow.tookMs >= 480 && !slow.broken, `${slow.tookMs} ms`);
    assert.deepEqual(hash(slow.got), hash(pattern(50_000)));
  });

  for (const way of ["up", "down", "both"]) {
    it(`stalls ${way} without breaking anything, and goes on where it was`, async () => {
      const stall = performTcpFault(proxy, parseFault(`tcp:stall=${way}`), () => {});
      setTimeout(() => stall.stop(), 200);
      const { got, broken, tookMs } = await roundTrip(SENT);
      assert.ok(tookMs >= 190, `${tookMs} ms`);
      assert.equal(broken, false);
      assert.deepEqual(hash(got), hash(SENT));
    });
  }

  it("refuses new connections and lets them in again", async () => {
    const fault = performTcpFault(proxy, parseFault("tcp:refuse"), () => {});
    assert.equal((await roundTrip(SENT)).broken, true);
    assert.equal(fault.counters().refused, 1);
    fault.stop();
    assert.equal((await roundTrip(SENT)).broken, false);
  });
});

describe("a TCP proxy that asks whom its conditions are for", { timeout: 20_000 }, () => {
  let server: Server;
  let proxy: TcpProxy;

  before(async () => {
    server = createServer((socket) => socket.on("error", () => {}).pipe(socket));
    proxy = await proxyBefore(server, { affects: (head) => head[0] === 1 });
  });
  after(async () => {
    await proxy.close();
    server.close();
  });

  /** Browsers open connections before they have anything to say, and may never say it. */
  const silent = async () => {
    const client = connect(proxy.port, "127.0.0.1").on("error", () => {});
    await once(client, "connect");
    return client;
  };

  it("says goodbye to whoever says goodbye without a word", async () => {
    const client = await silent();
    const closed = once(client, "close");
    client.end();
    client.resume();
    await closed;
  });

  it("closes while somebody who never spoke is connected, and twice is as good as once", async () => {
    const client = await silent();
    // The answer to another connection shows that the silent one, made before it, has been taken.
    const speaker = (await silent()).resume();
    const answered = once(speaker, "data");
    speaker.write("?");
    await answered;
    const closed = Promise.all(
      [client, speaker].map((socket) => new Promise((resolve) => socket.once("close", resolve))),
    );
    await Promise.all([proxy.close(), proxy.close()]);
    await closed;
  });
});

describe("the UDP relay", () => {
  let server: UdpSocket;
  let relay: UdpRelay;
  let client: UdpSocket;
  /** From whom the server heard each number. */
  const heard: { n: number; address: string; port: number }[] = [];
  const back: number[] = [];

  before(async () => {
    server = createSocket("udp4");
    await new Promise<void>((resolve) => server.bind(0, "127.0.0.1", resolve));
    server.on("message", (bytes, from) => {
      heard.push({ n: bytes.readUInt32BE(0), address: from.address, port: from.port });
      server.send(bytes, from.port, from.address);
    });
    relay = await UdpRelay.open(clock, { address: "127.0.0.1", port: server.address().port });
    client = createSocket("udp4");
    client.on("message", (bytes) => back.push(bytes.readUInt32BE(0)));
  });

  after(async () => {
    await relay.close();
    server.close();
    client.close();
  });

  const perform = (spec: string) =>
    performUdpFault([relay], parseFault(spec), { clock, random: seededRandom(11), over: () => {} });

  /** Sends numbered datagrams, a few at a time, and waits until everything that will come back has. */
  const burst = async (count: number, settleMs = 60) => {
    heard.length = 0;
    back.length = 0;
    for (let n = 0; n < count; n++) {
      const bytes = Buffer.alloc(200);
      bytes.writeUInt32BE(n, 0);
      client.send(bytes, relay.endpoint.port, relay.endpoint.address);
      if (n % 20 === 19) await new Promise((resolve) => setTimeout(resolve, 2));
    }
    await new Promise((resolve) => setTimeout(resolve, settleMs));
  };

  it("passes everything both ways, in order", async () => {
    await burst(200);
    assert.deepEqual(back, [...Array(200).keys()]);
  });

  it("loses the share it was told, and repeats itself with its seed", async () => {
    const lostWith = async (seed: number) => {
      const fault = perform(`udp:loss=20%,way=up,seed=${seed}`);
      await burst(500);
      fault.stop();
      assert.equal(fault.counters().lost, 500 - heard.length);
      return heard.map(({ n }) => n);
    };
    const first = await lostWith(3);
    assert.ok(first.length > 350 && first.length < 450, `${first.length} arrived`);
    assert.deepEqual(await lostWith(3), first);
    assert.notDeepEqual(await lostWith(4), first);
  });

  it("reorders and doubles", async () => {
    const fault = perform("udp:reorder=10%,duplicate=10%,way=up");
    await burst(400, 150);
    fault.stop();
    const numbers = heard.map(({ n }) => n);
    assert.equal(new Set(numbers).size, 400);
    assert.equal(numbers.length - 400, fault.counters().duplicated);
    assert.ok((fault.counters().duplicated ?? 0) > 15);
    assert.ok(
      numbers.some((n, at) => n < (numbers[at - 1] ?? 0)),
      "some were overtaken",
    );
  });

  it("dies one way", async () => {
    const fault = perform("udp:dead=down");
    await burst(50);
    fault.stop();
    assert.deepEqual([heard.length, back.length], [50, 0]);
  });

  it("lets through what the rate allows and its queue holds", async () => {
    const fault = perform("udp:rate=160kbps,queue=4k,way=up");
    await burst(100, 400);
    fault.stop();
    const { overflowed } = fault.counters();
    assert.equal(heard.length + (overflowed ?? 0), 100);
    assert.ok(heard.length >= 20 && heard.length < 40, `${heard.length} arrived`);
  });

  it("gives a client another port, and then another address", async () => {
    await burst(5);
    const before = heard[0];
    perform("udp:rebind");
    await new Promise((resolve) => setTimeout(resolve, 30));
    await burst(5);
    const rebound = heard[0];
    assert.equal(rebound?.address, before?.address);
    assert.notEqual(rebound?.port, before?.port);
    assert.equal(back.length, 5);
    perform("udp:move");
    await new Promise((resolve) => setTimeout(resolve, 30));
    await burst(5);
    assert.notEqual(heard[0]?.address, before?.address);
    assert.equal(back.length, 5);
  });
});

function hash(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
