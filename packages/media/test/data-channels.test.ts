import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import { RTCDataChannel, RTCDataChannelParameters, RTCSctpTransport } from "werift";
import { DATA_MESSAGE_LIMIT_BYTES, DATA_QUEUE_LIMIT_BYTES, type DataChannel } from "../src/data-channel.ts";
import { CHANNEL_LIMIT, DataChannels } from "../src/data-channels.ts";

const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** Our end and one of werift's, joined in memory. */
async function withWerift(options: { channels?: number } = {}) {
  const opened: DataChannel[] = [];
  let toBrowser: ((bytes: Buffer) => void) | undefined;
  const ours = new DataChannels({
    role: "client",
    remotePort: 5000,
    remoteLimitBytes: DATA_MESSAGE_LIMIT_BYTES,
    now: () => 0,
    wake: () => {},
    send: (bytes) => setImmediate(() => toBrowser?.(Buffer.from(bytes))),
    onChannel: (channel) => opened.push(channel),
  });
  const browser = new RTCSctpTransport(5000, DATA_MESSAGE_LIMIT_BYTES);
  browser.setDtlsTransport({
    id: "browser",
    iceTransport: { role: "controlling" },
    onStateChange: { subscribe: () => ({ unSubscribe: () => {} }) },
    set dataReceiver(receive: (bytes: Buffer) => void) {
      toBrowser = receive;
    },
    sendData: async (bytes: Buffer) => void setImmediate(() => ours.handle(bytes)),
  } as never);
  ours.start(false);
  const channels = Array.from({ length: options.channels ?? 1 }, (_, index) => {
    return new RTCDataChannel(
      browser,
      new RTCDataChannelParameters({ label: `c${index}`, ordered: true, id: 2 * index + 1 }),
    );
  });
  await browser.start(5000);
  await Promise.all(
    channels.map((channel) => (channel.readyState === "open" ? undefined : channel.stateChange.asPromise())),
  );
  const close = async () => {
    ours.close();
    await browser.stop();
  };
  return { ours, browser, channels, opened, close };
}

/** Two ends of ours. */
function joined() {
  const opened: { left: DataChannel[]; right: DataChannel[] } = { left: [], right: [] };
  const end = (role: "client" | "server", other: () => DataChannels, into: DataChannel[]) =>
    new DataChannels({
      role,
      remotePort: 5000,
      now: () => 0,
      wake: () => {},
      send: (bytes) => setImmediate(() => other().handle(bytes)),
      onChannel: (channel) => into.push(channel),
    });
  const left: DataChannels = end("client", () => right, opened.left);
  const right: DataChannels = end("server", () => left, opened.right);
  return { left, right, opened };
}

const plain = { protocol: "", ordered: true, maxRetransmits: undefined, maxPacketLifeTimeMs: undefined };

describe("data channels with another implementation (werift)", () => {
  it("[SEC5] carry text and bytes both ways, empty and long ones too", async () => {
    const { channels, opened, close } = await withWerift();
    await turns();
    const [channel] = opened;
    assert.ok(channel);
    assert.equal(channel.label, "c0");
    const got: (string | Uint8Array)[] = [];
    channel.on("message", (message) => got.push(message));
    const back: (string | Buffer)[] = [];
    channels[0]?.onMessage.subscribe((message) => back.push(message));
    const long = Buffer.alloc(60_000, 7);
    for (const message of ["hello", Buffer.from([1, 2, 3]), long]) channels[0]?.send(message);
    for (const message of ["hé", new Uint8Array([9]), new Uint8Array(long), ""]) channel.send(message);
    await turns(200);
    assert.deepEqual(
      got.map((one) => (typeof one === "string" ? one : [...one])),
      ["hello", [1, 2, 3], [...long]],
    );
    assert.deepEqual(
      back.map((one) => (typeof one === "string" ? one : [...one])),
      ["hé", [9], [...long], ""],
    );
    await close();
    assert.throws(() => channel.send("late"), { code: "data/not-open" });
  });

  it("[SEC5] are limited in number", async () => {
    const { opened, ours, close } = await withWerift({ channels: CHANNEL_LIMIT + 6 });
    await turns(60);
    assert.equal(opened.length, CHANNEL_LIMIT);
    assert.equal(ours.channels.length, CHANNEL_LIMIT);
    await close();
  });

  it("[SEC4] survive garbage, and messages out of place", async () => {
    const { ours, channels, browser, opened, close } = await withWerift();
    await turns();
    const random = seededRandom(8);
    for (let round = 0; round < 300; round++) {
      ours.handle(Buffer.from(Array.from({ length: integer(random, 80) }, () => integer(random, 256))));
    }
    // An acknowledgement of a channel that does not exist, and a payload of an unknown kind.
    await browser.sctp.send(40, 50, Buffer.from([2]));
    await browser.sctp.send(channels[0]?.id ?? 0, 999, Buffer.from("?"));
    await turns();
    assert.equal(ours.malformed, 302);
    channels[0]?.send("still here");
    const got: unknown[] = [];
    opened[0]?.on("message", (message) => got.push(message));
    await turns();
    assert.deepEqual(got, ["still here"]);
    await close();
  });

  it("[SEC5] are closed by either side, and their number may be used again", async () => {
    const { channels, opened, ours, close } = await withWerift({ channels: 2 });
    await turns();
    const ended: string[] = [];
    for (const channel of opened) channel.on("close", () => ended.push(channel.label));
    channels[0]?.close();
    await turns(40);
    assert.deepEqual(ended, ["c0"]);
    opened[1]?.close();
    await turns(40);
    assert.deepEqual(ended, ["c0", "c1"]);
    assert.equal(channels[1]?.readyState, "closed");
    assert.deepEqual(ours.channels, []);
    await close();
  });
});

describe("data channels", () => {
  it("[SEC5] open from both sides, before and after the connection, each with how it was opened", async () => {
    const { left, right, opened } = joined();
    const early = left.open({ ...plain, label: "early", protocol: "chat" });
    assert.equal(early.state, "connecting");
    assert.throws(() => early.send("too early"), { code: "data/not-open" });
    const events: string[] = [];
    early.on("open", () => {
      events.push("open");
      early.send("at once");
    });
    right.start(false);
    left.start(true);
    await turns();
    assert.deepEqual(events, ["open"]);
    const late = right.open({ ...plain, label: "late", ordered: false, maxRetransmits: 3 });
    await turns();
    assert.deepEqual([early.id, late.id], [0, 1]);
    const [theirs] = opened.left;
    assert.deepEqual(
      [theirs?.label, theirs?.ordered, theirs?.maxRetransmits, theirs?.state],
      ["late", false, 3, "open"],
    );
    assert.equal(opened.right[0]?.protocol, "chat");
    late.close();
    late.close();
    await turns();
    assert.deepEqual([late.state, theirs?.state], ["closed", "closed"]);
    assert.equal(right.open({ ...plain, label: "again" }).id, 1, "the number is free again");
    left.close();
    await turns();
    assert.equal(right.state, "closed");
    assert.equal(opened.right[0]?.state, "closed");
  });

  it("[SEC5] deliver what was sent before a close, to whom it concerns", async () => {
    const { left, right, opened } = joined();
    right.start(false);
    left.start(true);
    const channel = left.open({ ...plain, label: "x" });
    await turns();
    const got: unknown[] = [];
    opened.right[0]?.on("message", (message) => got.push(message));
    opened.right[0]?.on("close", () => got.push("closed"));
    channel.send("a".repeat(60_000));
    channel.send("b");
    channel.close();
    assert.throws(() => channel.send("c"), { code: "data/not-open" });
    await turns(60);
    assert.deepEqual(
      got.map((one) => String(one).slice(0, 6)),
      ["aaaaaa", "b", "closed"],
    );
  });

  it("[SEC5] refuse what is too long, or too much, and say when there is room again", async () => {
    const { left, right, opened } = joined();
    right.start(false);
    left.start(true);
    const channel = left.open({ ...plain, label: "x" });
    await turns();
    // The other side did not say what it takes: 65536.
    assert.throws(() => channel.send(new Uint8Array(65_537)), TypeError);
    let bytes = 0;
    opened.right[0]?.on("message", (message) => {
      bytes += message.length;
    });
    const block = new Uint8Array(65_536);
    let sent = 0;
    assert.throws(
      () => {
        for (;;) {
          channel.send(block);
          sent += block.length;
        }
      },
      { code: "data/queue-full" },
    );
    assert.ok(sent > DATA_QUEUE_LIMIT_BYTES && sent <= DATA_QUEUE_LIMIT_BYTES + 2 * block.length);
    channel.bufferedLowBytes = 1_000_000;
    const low = new Promise((resolve) => channel.on("bufferedamountlow", resolve));
    await low;
    assert.ok(channel.bufferedBytes <= 1_000_000 && channel.bufferedBytes > 0);
    channel.send(block);
    while (channel.bufferedBytes > 0) await turns(1);
    await turns(50);
    assert.equal(bytes, sent + block.length);
  });

  it("[SEC5] are refused beyond their number", () => {
    const { left } = joined();
    for (let count = 0; count < CHANNEL_LIMIT; count++) left.open({ ...plain, label: `${count}` });
    assert.throws(() => left.open({ ...plain, label: "more" }), { code: "data/too-many" });
  });
});
