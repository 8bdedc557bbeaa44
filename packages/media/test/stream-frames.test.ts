import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import { frameForStream, StreamFrames } from "../src/stream-frames.ts";

describe("datagrams over TCP", () => {
  it("[ICE9] come out whole and in order, however the stream was cut", () => {
    const random = seededRandom(2);
    const datagrams = Array.from({ length: 300 }, (_, index) => Buffer.alloc(1 + integer(random, 1500), index));
    const stream = Buffer.concat(datagrams.map((datagram) => frameForStream(datagram)));
    const frames = new StreamFrames();
    const got: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const next = at + 1 + integer(random, 3000);
      got.push(...(frames.push(stream.subarray(at, next)) ?? assert.fail("refused")));
      at = next;
    }
    assert.deepEqual(got, datagrams);
  });

  it("[ICE9] end a stream that is none of ours: empty ones, and longer ones than there are", () => {
    assert.equal(new StreamFrames().push(Buffer.from([0, 0])), undefined);
    assert.equal(new StreamFrames().push(Buffer.from("GET / HTTP/1.1\r\n")), undefined);
    assert.deepEqual(new StreamFrames().push(Buffer.from([0x20])), []);
    assert.equal(new StreamFrames().push(Buffer.from([0x20, 0x01])), undefined);
  });
});
