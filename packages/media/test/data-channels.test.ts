import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import { RTCSctpTransport } from "werift";
import { DATA_MESSAGE_LIMIT_BYTES, type DataChannel, DataChannels } from "../src/data-channels.ts";

/** Our end and a browser's, joined in memory. */
async function pair(options: { channels?: number } = {}) {
  const opened: DataChannel[] = [];
  let toBrowser: ((bytes: Buffer) => void) | undefined;
  const ours = new DataChannels(
    (bytes) => setImmediate(() => toBrowser?.(bytes)),
    (channel) => opened.push(channel),
  );
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
  ours.start(5000);
  const { RTCDataChannel, RTCDataChannelParameters } = await import("werift");
  const channels = Array.from({ length: options.channels ?? 1 }, (_, index) => {
    return new RTCDataChannel(browser, new RTCDataChannelParameters({ label: `c${index}`, ordered: true }));
  });
  await browser.start(5000);
  await Promise.all(
    channels.map((channel) => (channel.readyState === "open" ? undefined : channel.stateChange.asPromise())),
  );
  return { ours, browser, channels, opened, close: () => Promise.all([ours.close(), browser.stop()]) };
}

const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

describe("data channels", () => {
  it("[SEC5] carry text and bytes both ways", async () => {
    const { channels, opened, close } = await pair();
    const [channel] = opened;
    assert.ok(channel);
    assert.equal(channel.label, "c0");
    const got: (string | Uint8Array)[] = [];
    channel.on("message", (message) => got.push(message));
    const back: (string | Buffer)[] = [];
    channels[0]?.onMessage.subscribe((message) => back.push(message));
    channels[0]?.send("hello");
    channels[0]?.send(Buffer.from([1, 2, 3]));
    channel.send("hé");
    channel.send(new Uint8Array([9]));
    await turns();
    assert.deepEqual(
      got.map((one) => (typeof one === "string" ? one : [...one])),
      ["hello", [1, 2, 3]],
    );
    assert.deepEqual(
      back.map((one) => (typeof one === "string" ? one : [...one])),
      ["hé", [9]],
    );
    assert.throws(() => channel.send("x".repeat(DATA_MESSAGE_LIMIT_BYTES + 1)), TypeError);
    await close();
    assert.throws(() => channel.send("late"), { code: "data/not-open" });
  });

  it("[SEC5] are limited in number", async () => {
    const { opened, ours, close } = await pair({ channels: 70 });
    await turns(60);
    assert.equal(opened.length, 64);
    assert.equal(ours.channels.length, 64);
    await close();
  });

  it("[SEC4] survive garbage, and messages out of place", async () => {
    const { ours, channels, browser, opened, close } = await pair();
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
});
