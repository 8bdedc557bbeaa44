import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import {
  closeKernels,
  OTHER_TYPES,
  PACKET_PATHS,
  type PacketPath,
  RigBrowser,
  RigClock,
  section,
  vp8,
} from "./plane-rig.ts";

const RECEIVER = [section("3", "video", "sendonly", { codecs: OTHER_TYPES })];
/** SSRC of the receiver's slot. */
const SLOT = 10_030;

for (const path of PACKET_PATHS) suite(path);
after(closeKernels);

/** Layers and streams: the same over every path that packets can take. */
function suite(path: PacketPath): void {
  describe(`layers and streams by ${path}`, () => {
    const SIMULCAST = [section("1", "video", "recvonly", { rids: ["q", "f"] })];

    function simulcast() {
      const clock = new RigClock(path);
      const publisher = new RigBrowser(clock, SIMULCAST, 1);
      const receiver = new RigBrowser(clock, RECEIVER, 2);
      const publication = publisher.plane.publish("camera", "1", "video");
      const forwarder = receiver.plane.forward("v", publication, "3");
      const send = (rid: "q" | "f", sequenceNumber: number, keyFrame = false, ssrc = rid === "q" ? 1 : 2) =>
        publisher.send({
          ssrc,
          sequenceNumber,
          mid: "1",
          rid,
          payload: vp8(sequenceNumber, keyFrame, rid === "q" ? 320 : 1280, rid === "q" ? 180 : 720),
        });
      return { clock, publisher, receiver, publication, forwarder, send };
    }

    it("[SFU10] knows layers by RID and their repairs by repaired RID, and later by SSRC alone", () => {
      const { publisher, receiver, forwarder, publication, send } = simulcast();
      forwarder.setView({ width: 320, height: 180, visible: true, priority: 1 });
      send("q", 10, true);
      send("f", 10, true);
      publisher.send({ ssrc: 1, sequenceNumber: 12, payload: vp8(12) });
      const rtx = Buffer.concat([Buffer.from([0, 11]), vp8(11)]);
      publisher.send({ ssrc: 3, sequenceNumber: 1, payloadType: 97, mid: "1", repairedRid: "q", payload: rtx });
      assert.equal(receiver.take(SLOT).length, 3);
      assert.deepEqual(
        publication.stats().layers.map(({ rid, packets, width }) => [rid, packets, width]),
        [
          ["q", 3, 320],
          ["f", 1, 1280],
        ],
      );
      assert.deepEqual([forwarder.stats().layer, forwarder.stats().why], ["q", "320x180 fills 320x180"]);
    });

    it("[SFU10] switches the layer on its key frame, which it asks for, without a gap", () => {
      const { publisher, receiver, forwarder, send } = simulcast();
      forwarder.setView({ width: 320, height: 180, visible: true, priority: 1 });
      send("q", 10, true);
      send("f", 50, true);
      publisher.pass(500, receiver);
      publisher.takeFeedback("pli");
      send("q", 11);
      send("f", 51);
      forwarder.setView({ width: 1280, height: 720, visible: true, priority: 1 });
      publisher.plane.tick(publisher.plane.deadlineMs);
      assert.deepEqual(
        publisher.takeFeedback("pli").map(({ mediaSsrc }) => mediaSsrc),
        [2],
      );
      send("q", 12);
      send("f", 52);
      send("f", 53, true);
      send("q", 13);
      const got = receiver.take(SLOT);
      assert.equal(got.length, 4, "q 10, 11, 12, then f 53");
      const numbers = got.map(({ sequenceNumber }) => sequenceNumber - (got[0]?.sequenceNumber ?? 0));
      assert.deepEqual(numbers, [0, 1, 2, 3]);
      assert.equal(forwarder.stats().layer, "f");
    });

    it("[SFU10] falls to a layer that still arrives", () => {
      const { publisher, receiver, forwarder, send, clock } = simulcast();
      send("q", 10, true);
      send("f", 50, true);
      assert.equal(forwarder.stats().layer, "f");
      for (let i = 1; i < 20; i++) {
        clock.now += 100;
        send("q", 10 + i, i % 10 === 9);
        for (const browser of [publisher, receiver]) browser.plane.tick(clock.now);
      }
      assert.deepEqual([forwarder.stats().layer, forwarder.stats().why], ["q", "the only layer that arrives"]);
    });

    it("[SFU10] goes on with the first key frame after a pause of the sender", () => {
      const { publisher, receiver, forwarder, send } = simulcast();
      send("f", 50, true);
      send("f", 51);
      const before = receiver.take(SLOT).at(-1);
      publisher.pass(2000, receiver);
      assert.deepEqual([forwarder.stats().layer, forwarder.stats().why], [undefined, "no layer arrives"]);
      publisher.takeFeedback("pli");
      // Nothing has its turn between these: whoever moves the packets must know it already.
      send("f", 52, true);
      send("f", 53);
      const after = receiver.take(SLOT);
      assert.deepEqual(
        after.map(({ sequenceNumber }) => (sequenceNumber - (before?.sequenceNumber ?? 0)) & 0xffff),
        [1, 2],
      );
      assert.equal(forwarder.stats().layer, "f");
      publisher.pass(500, receiver);
      assert.equal(publisher.takeFeedback("pli").length, 0, "nothing was missed that has to be asked for");
    });

    it("[SFU10] takes whichever layer comes back first, and asks for a key frame where it comes without", () => {
      const { publisher, receiver, forwarder, send } = simulcast();
      for (const rid of ["q", "f"] as const) send(rid, 50, true);
      publisher.pass(2000, receiver);
      receiver.take(SLOT);
      send("q", 51, true);
      assert.deepEqual([receiver.take(SLOT).length, forwarder.stats().layer], [1, "q"]);
      publisher.pass(2000, receiver);
      publisher.takeFeedback("pli");
      send("f", 51);
      publisher.plane.tick(publisher.plane.deadlineMs);
      assert.equal(receiver.take(SLOT).length, 0, "it hangs on frames that the receiver may not have");
      assert.deepEqual(
        publisher.takeFeedback("pli").map(({ mediaSsrc }) => mediaSsrc),
        [2],
      );
      send("f", 52, true);
      assert.equal(receiver.take(SLOT).length, 1);
    });

    it("[SFU10] does not begin after a pause of the sender what the receiver has hidden meanwhile", () => {
      const { publisher, receiver, forwarder, send } = simulcast();
      send("f", 50, true);
      publisher.pass(2000, receiver);
      receiver.take(SLOT);
      forwarder.setView({ width: 1280, height: 720, visible: false, priority: 1 });
      send("f", 51, true);
      assert.equal(receiver.take(SLOT).length, 0);
    });

    it("[SFU10] hides what began while its packets were looked at one by one", () => {
      const { clock, receiver, forwarder, send } = simulcast();
      forwarder.silence(clock.now + 100);
      send("f", 50, true);
      clock.now += 200;
      forwarder.evaluate(clock.now);
      send("f", 51);
      assert.equal(receiver.take(SLOT).length, 1);
      forwarder.setView({ width: 1280, height: 720, visible: false, priority: 1 });
      send("f", 52);
      assert.equal(receiver.take(SLOT).length, 0);
    });

    it("[SFU10] begins with a key frame when a layer restarts on another SSRC", () => {
      const { receiver, send } = simulcast();
      send("f", 50, true);
      send("f", 51);
      send("f", 9000, false, 77);
      assert.equal(receiver.take(SLOT).length, 2);
      send("f", 9001, true, 77);
      assert.equal(receiver.take(SLOT).length, 1);
    });

    it("[SFU10] pauses what is hidden, and begins again without a gap", () => {
      const { receiver, forwarder, send } = simulcast();
      send("f", 50, true);
      const [before] = receiver.take(SLOT);
      forwarder.setView({ width: 1280, height: 720, visible: false, priority: 1 });
      for (let i = 51; i < 60; i++) send("f", i, i === 55);
      assert.deepEqual([receiver.take(SLOT).length, forwarder.stats().why], [0, "not visible"]);
      forwarder.setView({ width: 1280, height: 720, visible: true, priority: 1 });
      send("f", 60);
      send("f", 61, true);
      const [after] = receiver.take(SLOT);
      assert.equal(after?.sequenceNumber, ((before?.sequenceNumber ?? 0) + 1) & 0xffff);
    });

    it("[SFU10] learns announced SSRCs without MID, and drops what nothing explains", () => {
      const clock = new RigClock(path);
      const announced = [
        section("1", "video", "recvonly", { remoteSsrcs: [{ ssrc: 70, rtxSsrc: 71 }] }),
        section("2", "video", "recvonly", { remoteSsrcs: [{ ssrc: 80, rtxSsrc: 81 }] }),
      ];
      const publisher = new RigBrowser(clock, announced);
      const one = publisher.plane.publish("one", "1", "video");
      const two = publisher.plane.publish("two", "2", "video");
      publisher.send({ ssrc: 80, sequenceNumber: 1 });
      publisher.send({
        ssrc: 81,
        sequenceNumber: 9,
        payloadType: 97,
        payload: Buffer.concat([Buffer.from([0, 2]), vp8(2)]),
      });
      publisher.send({ ssrc: 99, sequenceNumber: 1 });
      assert.deepEqual([one.stats().packets, two.stats().packets], [0, 2]);
    });
  });
}
