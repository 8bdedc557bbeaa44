import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { closeKernels, PACKET_PATHS, RigBrowser, RigClock, section, vp8 } from "./plane-rig.ts";

const SLOT = 10_030;

describe("a capture, replayed", () => {
  after(closeKernels);
  for (const path of PACKET_PATHS) {
    it(`[SEC2] is refused to the last packet, in any order, by ${path}`, () => {
      const clock = new RigClock(path);
      const publisher = new RigBrowser(clock, [section("1", "video", "recvonly")], 1);
      const receiver = new RigBrowser(clock, [section("3", "video", "sendonly")], 2);
      const publication = publisher.plane.publish("camera", "1", "video");
      receiver.plane.forward("f", publication, "3");
      // Across the wrap, with gaps and packets out of order, as networks do it.
      const numbers = Array.from({ length: 600 }, (_, at) => (65_300 + at) & 0xffff).filter((at) => at % 50 !== 7);
      for (let at = 10; at + 1 < numbers.length; at += 10) {
        [numbers[at], numbers[at + 1]] = [numbers[at + 1] as number, numbers[at] as number];
      }
      const capture = numbers.map((sequenceNumber, at) =>
        publisher.protect({ ssrc: 7, sequenceNumber, mid: "1", payload: vp8(at, at % 100 === 0) }),
      );
      for (const datagram of capture) assert.equal(publisher.plane.handle(Buffer.from(datagram), clock.now), true);
      assert.equal(receiver.take(SLOT).length, numbers.length);
      const counted = publication.stats().packets;
      for (const datagram of [...capture, ...capture.toReversed()]) {
        assert.equal(publisher.plane.handle(Buffer.from(datagram), clock.now), false);
      }
      assert.deepEqual([receiver.take(SLOT).length, publication.stats().packets], [0, counted]);
    });
  }
});
