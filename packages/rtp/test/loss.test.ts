import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { NackGenerator, PacketCache, ReceptionStatistics, unwrapRtx, writeRtxHeader } from "@lodeline/rtp";
import { hex, parsed } from "./packets.ts";

describe("loss", () => {
  it("[LOSS1] asks after the reordering wait, again after the retry wait, and gives up after the last attempt", () => {
    const nack = new NackGenerator({ reorderWaitMs: 10, retryMs: 40, attempts: 3, missingLimit: 100 });
    assert.equal(nack.handle(65_534, 0), false);
    assert.equal(nack.handle(65_537, 0), true, "65535 and 65536 are missing");
    assert.equal(nack.deadlineMs, 10);
    assert.deepEqual(nack.tick(9), []);
    assert.deepEqual(nack.tick(10), [65_535, 0]);
    assert.deepEqual(nack.tick(49), []);
    assert.deepEqual(nack.tick(50), [65_535, 0]);
    assert.deepEqual(nack.tick(90), [65_535, 0]);
    assert.equal(nack.keyFrameNeeded, false);
    assert.deepEqual(nack.tick(130), []);
    assert.deepEqual([nack.keyFrameNeeded, nack.givenUp, nack.requested, nack.missingCount], [true, 2, 6, 0]);
    assert.equal(nack.deadlineMs, undefined);
  });

  it("[LOSS1] waits for the round trip when that is longer", () => {
    const nack = new NackGenerator({ reorderWaitMs: 10, retryMs: 40 });
    nack.roundTripMs = 200;
    nack.handle(1, 0);
    nack.handle(3, 0);
    assert.deepEqual(nack.tick(10), [2]);
    assert.equal(nack.deadlineMs, 260);
  });

  it("[LOSS2] does not ask for what arrived late", () => {
    const nack = new NackGenerator();
    nack.handle(1, 0);
    nack.handle(4, 0);
    nack.handle(2, 5);
    assert.deepEqual(nack.tick(10), [3]);
    nack.handle(3, 20);
    assert.deepEqual(nack.tick(1000), []);
    assert.deepEqual([nack.recovered, nack.missingCount], [1, 0], "2 was only out of order");
  });

  it("[LOSS3] gives up a hole that is larger than the limit, and what a key frame made irrelevant", () => {
    const nack = new NackGenerator({ missingLimit: 5 });
    nack.handle(1, 0);
    assert.equal(nack.handle(8, 0), false);
    assert.deepEqual([nack.keyFrameNeeded, nack.givenUp, nack.deadlineMs], [true, 6, undefined]);
    nack.handle(10, 0);
    nack.forget();
    assert.deepEqual([nack.keyFrameNeeded, nack.missingCount], [false, 0]);
  });

  it("[LOSS4] keeps the newest packets by number, across the wrap", () => {
    const cache = new PacketCache<{ id: number }>(8);
    for (let number = 65_530; number < 65_546; number++) {
      const place = number & 0xffff;
      const value = cache.recycle(place) ?? { id: 0 };
      value.id = number;
      cache.put(place, value);
    }
    assert.equal(cache.get(9)?.id, 65_545);
    assert.equal(cache.get(2)?.id, 65_538);
    assert.equal(cache.get(1), undefined, "overwritten");
    assert.equal(cache.get(65_535), undefined);
    assert.equal(cache.get(10), undefined, "not yet");
    cache.clear();
    assert.equal(cache.get(9), undefined);
    assert.equal(cache.recycle(9), undefined);
  });

  it("[LOSS5] unwraps a retransmission to the packet it repeats", () => {
    const packet = parsed(hex("80 61 0001 00000002 00000009 fffe aabb"));
    assert.equal(unwrapRtx(packet, 3, 96), true);
    assert.deepEqual([packet.sequenceNumber, packet.ssrc, packet.payloadType, packet.payloadBytes], [0xfffe, 3, 96, 2]);
    assert.equal(packet.bytes[packet.payloadOffset], 0xaa);
    assert.equal(unwrapRtx(parsed(hex("a0 61 0001 00000002 00000009 0002")), 3, 96), false, "padding");
    const bytes = new Uint8Array(4);
    writeRtxHeader(bytes, 1, 0xfffe);
    assert.deepEqual([...bytes], [0, 0xff, 0xfe, 0]);
  });

  it("[LOSS6] reports loss since the last report and in all", () => {
    const statistics = new ReceptionStatistics(90_000);
    for (const sequence of [10, 11, 13, 14]) statistics.handle(sequence, sequence * 3000, (sequence * 3000) / 90);
    assert.deepEqual([statistics.received, statistics.lost, statistics.jitter], [4, 1, 0]);
    const first = statistics.report(7, 0);
    assert.deepEqual([first.fractionLost, first.cumulativeLost, first.highestSequence], [Math.floor(256 / 5), 1, 14]);
    statistics.handle(15, 45_000, 500);
    assert.deepEqual([statistics.report(7, 0).fractionLost, statistics.report(7, 0).cumulativeLost], [0, 1]);
  });

  it("[LOSS6] smooths jitter by a sixteenth, across the timestamp's wrap", () => {
    const statistics = new ReceptionStatistics(8000);
    statistics.handle(1, 0xffffff60, 0);
    statistics.handle(2, 0, 20);
    assert.equal(statistics.jitter, 0);
    statistics.handle(3, 160, 60);
    assert.equal(statistics.jitter, 160 / 16, "20 ms late is 160 ticks");
  });

  it("[LOSS6] returns the middle of the last sender report and the time since", () => {
    const statistics = new ReceptionStatistics(90_000);
    assert.deepEqual(
      [statistics.report(1, 5).lastSenderReport, statistics.report(1, 5).delaySinceLastSenderReport],
      [0, 0],
    );
    statistics.handleSenderReport(0x1234abcd, 0xef015678, 1000);
    const { lastSenderReport, delaySinceLastSenderReport } = statistics.report(1, 1500);
    assert.deepEqual([lastSenderReport, delaySinceLastSenderReport], [0xabcdef01, 32_768]);
  });
});
