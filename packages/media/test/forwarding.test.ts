import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { encodeFir, encodeNack, encodePli, encodeSenderReport } from "@lodeline/rtp";
import type { BitrateBounds } from "../src/plane-owner.ts";
import {
  closeKernels,
  IDS,
  OTHER_TYPES,
  PACKET_PATHS,
  type PacketPath,
  RigBrowser,
  RigClock,
  section,
  video,
  vp8,
} from "./plane-rig.ts";

const PUBLISHER = [section("0", "audio", "recvonly"), section("1", "video", "recvonly")];
const RECEIVER = [
  section("2", "audio", "sendonly"),
  section("3", "video", "sendonly", { codecs: OTHER_TYPES }),
  section("4", "video", "sendonly", { codecs: OTHER_TYPES }),
];
/** A publisher that numbers its packets for the whole transport. */
const NUMBERED = [
  section("1", "video", "recvonly", {
    codecs: [{ ...video("vp8", 96), feedback: ["transport-cc", "goog-remb"] }],
    extensions: { mid: IDS.mid, transportSequence: IDS.transportSequence },
  }),
];
/** SSRCs of the receiver's slots. */
const SLOT = 10_030;
const SLOT_RTX = 10_031;
const AUDIO_SLOT = 10_020;

for (const path of PACKET_PATHS) suite(path);
after(closeKernels);

/** The conformance suite of forwarding: the same over every path that packets can take. */
function suite(path: PacketPath): void {
  function room() {
    const clock = new RigClock(path);
    const publisher = new RigBrowser(clock, PUBLISHER, 1);
    const receiver = new RigBrowser(clock, RECEIVER, 2);
    const publication = publisher.plane.publish("camera", "1", "video");
    return { clock, publisher, receiver, publication };
  }

  /** A room in which a key frame and `count` packets after it have been forwarded. */
  function flowing(count = 3) {
    const all = room();
    const forwarder = all.receiver.plane.forward("f", all.publication, "3");
    all.publisher.send({ ssrc: 7, sequenceNumber: 100, mid: "1", payload: vp8(100, true) });
    for (let i = 1; i <= count; i++) all.publisher.send({ ssrc: 7, sequenceNumber: 100 + i, mid: "1" });
    return { ...all, forwarder };
  }

  describe(`forwarding by ${path}`, () => {
    it("[SFU1] brings sound and picture into slots, under the receiver's own numbers", () => {
      const { publisher, receiver, publication } = room();
      const sound = publisher.plane.publish("microphone", "0", "audio");
      receiver.plane.forward("a", sound, "2");
      receiver.plane.forward("v", publication, "3");
      receiver.plane.forward("v2", publication, "4");
      publisher.send({ ssrc: 5, sequenceNumber: 9, payloadType: 111, mid: "0", payload: Buffer.from("opus") });
      publisher.send({ ssrc: 7, sequenceNumber: 100, mid: "1", payload: vp8(100, true) });
      publisher.send({ ssrc: 7, sequenceNumber: 101, mid: "1" });
      const [audio] = receiver.take(AUDIO_SLOT);
      assert.deepEqual([audio?.payload.toString(), audio?.payloadType, audio?.mid], ["opus", 111, "2"]);
      const frames = receiver.take(SLOT);
      assert.deepEqual(
        frames.map(({ payloadType, mid, marker }) => [payloadType, mid, marker]),
        [
          [120, "3", true],
          [120, "3", true],
        ],
      );
      assert.deepEqual(frames[0]?.payload, vp8(100, true));
      assert.equal(((frames[1]?.sequenceNumber ?? 0) - (frames[0]?.sequenceNumber ?? 0)) & 0xffff, 1);
      assert.equal(receiver.take(10_040).length, 2, "the other slot has its own");
      assert.equal(sound.stats().audioLevel?.toFixed(3), "0.100");
      assert.deepEqual(
        [publication.stats().packets, publication.stats().keyFrames, publication.stats().codec],
        [2, 1, "vp8"],
      );
    });

    it("[ICE7] believes of an unknown address only what is of a known source, authentic, and new", () => {
      const { publisher, publication } = room();
      const sent = { ssrc: 7, mid: "1" };
      const first = publisher.protect({ ...sent, sequenceNumber: 100, payload: vp8(100, true) });
      assert.equal(publisher.plane.claims(first), false, "nothing was heard of this source yet");
      publisher.plane.handle(first, 0);
      const next = publisher.protect({ ...sent, sequenceNumber: 101 });
      assert.equal(publisher.plane.claims(next), true);
      assert.equal(publisher.plane.claims(publisher.protect({ ...sent, ssrc: 8, sequenceNumber: 1 })), false);
      assert.equal(publisher.plane.claims(next.subarray(0, 11)), false, "too short to say anything");
      const forged = Buffer.from(next);
      forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
      assert.equal(publisher.plane.handle(forged, 0), false);
      assert.equal(publisher.plane.handle(Buffer.from(next), 0), true);
      assert.equal(publisher.plane.handle(Buffer.from(next), 0), false, "a copy, sent from elsewhere");
      assert.equal(publication.stats().packets, 2);
    });

    it("[SFU1] begins a picture with a key frame", () => {
      const { publisher, receiver, publication } = room();
      receiver.plane.forward("v", publication, "3");
      publisher.send({ ssrc: 7, sequenceNumber: 99, mid: "1" });
      assert.equal(receiver.got.length, 0);
      publisher.pass(20, receiver);
      assert.equal(publisher.takeFeedback("pli").length, 1, "and asks for one");
    });

    it("[SFU1] does not use a key frame up on a receiver that has not connected, and asks for one when it has", () => {
      const { publisher, publication, clock } = room();
      const late = new RigBrowser(clock, RECEIVER, 4, false);
      late.plane.forward("v", publication, "3");
      publisher.send({ ssrc: 7, sequenceNumber: 100, mid: "1", payload: vp8(100, true) });
      publisher.send({ ssrc: 7, sequenceNumber: 101, mid: "1" });
      publisher.pass(20, late);
      assert.equal(publisher.takeFeedback("pli").length, 0, "too early to ask");
      late.connect();
      publisher.send({ ssrc: 7, sequenceNumber: 102, mid: "1" });
      publisher.pass(20, late);
      assert.equal(publisher.takeFeedback("pli").length, 1);
      assert.equal(late.take(SLOT).length, 0, "nothing that hangs on a frame it never had");
      publisher.send({ ssrc: 7, sequenceNumber: 103, mid: "1", payload: vp8(103, true) });
      assert.equal(late.take(SLOT).length, 1);
    });

    it("[SFU2] goes on in the slot with another publication, numbers and picture ids continued", () => {
      const { publisher, receiver, forwarder, clock } = flowing();
      const before = receiver.take(SLOT).at(-1);
      forwarder.close();
      const second = new RigBrowser(clock, PUBLISHER, 3);
      const other = second.plane.publish("other", "1", "video");
      receiver.plane.forward("g", other, "3");
      clock.now += 100;
      second.send({ ssrc: 900, sequenceNumber: 40_000, timestamp: 5, mid: "1", payload: vp8(7, true) });
      publisher.send({ ssrc: 7, sequenceNumber: 104, mid: "1" });
      const after = receiver.take(SLOT);
      assert.equal(after.length, 1, "the first source is not heard any more");
      assert.equal(after[0]?.sequenceNumber, ((before?.sequenceNumber ?? 0) + 1) & 0xffff);
      assert.equal(((after[0]?.timestamp ?? 0) - (before?.timestamp ?? 0)) >>> 0, 9000, "100 ms later");
      const pictureId = (payload: Buffer | undefined) => (payload?.readUInt16BE(2) ?? 0) & 0x7fff;
      assert.equal(pictureId(after[0]?.payload), pictureId(before?.payload) + 1);
      assert.equal(after[0]?.payload[4], ((before?.payload[4] ?? 0) + 1) & 0xff, "TL0PICIDX too");
    });

    it("[SFU3] asks for a lost packet once, and puts its RTX into the packet's place", () => {
      const { publisher, receiver, publication, clock } = flowing();
      receiver.plane.forward("g", publication, "4");
      publisher.send({ ssrc: 7, sequenceNumber: 105, mid: "1", payload: vp8(105, true) });
      clock.now += 10;
      publisher.plane.tick(clock.now);
      assert.deepEqual(
        publisher.takeFeedback("nack").map(({ mediaSsrc, sequenceNumbers }) => [mediaSsrc, sequenceNumbers]),
        [[7, [104]]],
      );
      const rtx = Buffer.concat([Buffer.from([0, 104]), vp8(104)]);
      publisher.send({ ssrc: 8, sequenceNumber: 1, timestamp: 3000 * 104, payloadType: 97, mid: "1", payload: rtx });
      const numbers = receiver.take(SLOT).map(({ sequenceNumber }) => sequenceNumber);
      assert.equal(numbers.length, 6);
      assert.equal((numbers[4] ?? 0) - (numbers[5] ?? 0), 1, "the repaired one comes last and stands before");
      assert.equal(publication.stats().layers[0]?.recovered, 1);
      publisher.send({ ssrc: 7, sequenceNumber: 104, mid: "1" });
      assert.equal(receiver.take(SLOT).length, 0, "the original, late, is the same packet");
    });

    it("[SFU4] repairs from the cache by RTX, not twice within a round trip", () => {
      const { receiver, forwarder, clock } = flowing();
      const [, lost] = receiver.take(SLOT);
      assert.ok(lost);
      receiver.report(encodeNack(1, SLOT, [lost.sequenceNumber]));
      receiver.report(encodeNack(1, SLOT, [lost.sequenceNumber]));
      const [repair, ...more] = receiver.take(SLOT_RTX);
      assert.equal(more.length, 0);
      assert.deepEqual([repair?.payloadType, repair?.timestamp, repair?.mid], [121, lost.timestamp, "3"]);
      assert.equal(repair?.payload.readUInt16BE(0), lost.sequenceNumber);
      assert.deepEqual(repair?.payload.subarray(2), lost.payload);
      clock.now += 20;
      receiver.report(encodeNack(1, SLOT, [lost.sequenceNumber]));
      assert.equal(receiver.take(SLOT_RTX).length, 1);
      assert.deepEqual([forwarder.stats().nacked, forwarder.stats().retransmitted], [3, 2]);
    });

    it("[SFU4] asks for a key frame when what is missing cannot be repaired", () => {
      const { publisher, receiver, clock } = flowing();
      publisher.pass(500, receiver);
      publisher.takeFeedback("pli");
      const newest = receiver.take(SLOT).at(-1)?.sequenceNumber ?? 0;
      receiver.report(encodeNack(1, SLOT, [(newest - 100) & 0xffff]));
      publisher.plane.tick(clock.now);
      assert.equal(publisher.takeFeedback("pli").length, 0, "it was before the last key frame");
      receiver.report(encodeNack(1, SLOT, [(newest + 1) & 0xffff]));
      publisher.plane.tick(clock.now);
      assert.equal(publisher.takeFeedback("pli").length, 1);
    });

    it("[SFU5] makes one request in 330 ms of any number of wishes", () => {
      const { publisher, receiver, clock, forwarder } = flowing();
      publisher.pass(500, receiver);
      publisher.takeFeedback("pli");
      const wish = () => {
        receiver.report(encodePli(1, SLOT));
        receiver.report(encodeFir(1, SLOT, 1));
        publisher.plane.tick(clock.now);
      };
      wish();
      wish();
      assert.equal(publisher.takeFeedback("pli").length, 1);
      publisher.pass(325, receiver);
      assert.equal(publisher.takeFeedback("pli").length, 0);
      publisher.pass(5, receiver);
      assert.equal(publisher.takeFeedback("pli").length, 1, "the wishes meanwhile are one more");
      wish();
      publisher.send({ ssrc: 7, sequenceNumber: 104, mid: "1", payload: vp8(104, true) });
      publisher.pass(600, receiver);
      assert.equal(publisher.takeFeedback("pli").length, 0, "a key frame that came meanwhile answers them");
      assert.equal(forwarder.stats().pli, 6);
    });

    it("[SFU5] does not hear feedback for an idle slot", () => {
      const { publisher, receiver, clock, forwarder } = flowing();
      publisher.pass(500, receiver);
      publisher.takeFeedback("pli");
      const newest = receiver.take(SLOT).at(-1)?.sequenceNumber ?? 0;
      forwarder.close();
      receiver.report(encodePli(1, SLOT));
      receiver.report(encodeNack(1, SLOT, [newest]));
      publisher.pass(500, receiver);
      publisher.plane.tick(clock.now);
      assert.deepEqual([publisher.takeFeedback("pli").length, receiver.take(SLOT_RTX).length], [0, 0]);
    });

    it("[SFU6] carries the publisher's clock over to the slot", () => {
      const { publisher, receiver } = flowing();
      const packet = receiver.take(SLOT).at(-1);
      // The publisher says: the moment of packet 103 was this NTP time, one second fast against ours.
      const ntpSeconds = 3_908_988_801 + 1;
      publisher.report(
        encodeSenderReport({
          ssrc: 7,
          ntpSeconds,
          ntpFraction: 0,
          rtpTimestamp: 309_000,
          packetCount: 4,
          octetCount: 40,
        }),
      );
      publisher.pass(1100, receiver);
      const [report] = receiver.takeFeedback("sender-report");
      assert.ok(report);
      assert.deepEqual([report.ssrc, report.packetCount], [SLOT, 4]);
      const sinceMs = (report.ntpSeconds - (ntpSeconds - 1)) * 1000 + (report.ntpFraction / 2 ** 32) * 1000;
      assert.ok(sinceMs >= 0 && sinceMs < 1100, `by our clock, ${sinceMs} ms later`);
      const ticks = (report.rtpTimestamp - (packet?.timestamp ?? 0)) >>> 0;
      assert.ok(Math.abs(ticks - 90 * sinceMs) < 2, `${ticks} ticks in ${sinceMs} ms`);
    });

    it("[SFU7] reports to publishers, with one bound for all their video", () => {
      const clock = new RigClock(path);
      const simulcast = section("2", "video", "recvonly", { rids: ["q", "f"] });
      const publisher = new RigBrowser(clock, [...PUBLISHER, simulcast], 1);
      publisher.send({ ssrc: 7, sequenceNumber: 100, mid: "1", payload: vp8(100, true) });
      publisher.send({ ssrc: 20, sequenceNumber: 5, mid: "2", rid: "q", payload: vp8(1, true) });
      publisher.pass(1000);
      publisher.send({ ssrc: 7, sequenceNumber: 102, mid: "1", payload: vp8(101) });
      publisher.pass(1000);
      const reports = publisher.takeFeedback("receiver-report");
      const [first, second] = reports.map(({ blocks }) => blocks.find(({ ssrc }) => ssrc === 7));
      assert.deepEqual([first?.cumulativeLost, second?.cumulativeLost, second?.highestSequence], [0, 1, 102]);
      assert.equal(second?.fractionLost, 128, "one of two");
      const [bound] = publisher.takeFeedback("remb");
      assert.deepEqual([bound?.ssrcs, Math.round((bound?.bitrateBps ?? 0) / 1e5)], [[7, 20], 45]);
    });

    it("[SFU7] leaves the rate to the browser where it gets transport-wide feedback, unless a bound is set", () => {
      const boundOf = (bitrates?: BitrateBounds) => {
        const publisher = new RigBrowser(new RigClock(path), NUMBERED, 1, true, bitrates);
        publisher.send({ ssrc: 7, sequenceNumber: 100, mid: "1", payload: vp8(1, true) });
        publisher.pass(1100);
        return publisher.takeFeedback("remb")[0]?.bitrateBps;
      };
      assert.equal(boundOf(), undefined);
      assert.equal(Math.round((boundOf({ simulcastBps: undefined, singleBps: 700_000 }) ?? 0) / 1e5), 7);
    });

    it("[SFU11] tells when everything arrived that carries a transport-wide number", () => {
      const clock = new RigClock(path);
      const publisher = new RigBrowser(clock, NUMBERED, 1);
      publisher.send({ ssrc: 7, sequenceNumber: 100, mid: "1", payload: vp8(1, true), transportSequence: 65_534 });
      clock.now += 3;
      publisher.send({
        ssrc: 8,
        sequenceNumber: 1,
        payloadType: 97,
        mid: "1",
        payload: Buffer.alloc(0),
        transportSequence: 0,
      });
      clock.now += 1;
      publisher.send({ ssrc: 9, sequenceNumber: 1, payloadType: 13, transportSequence: 1 });
      publisher.pass(100);
      const [told, ...more] = publisher.takeFeedback("transport-feedback");
      assert.equal(more.length, 0);
      assert.deepEqual(
        [told?.baseSequence, ...(told?.arrivalsMs ?? [])],
        [65_534, 1000, Number.NaN, 1003, 1004],
        "media, what was lost, padding, and what nobody knows",
      );
      publisher.pass(1000);
      assert.equal(publisher.takeFeedback("transport-feedback").length, 0, "nothing more has arrived");
    });

    it("[SFU8] is silenced until a moment, repairs included", () => {
      const { publisher, receiver, forwarder, clock } = flowing();
      const before = receiver.take(SLOT).at(-1)?.sequenceNumber ?? 0;
      forwarder.silence(clock.now + 100);
      publisher.send({ ssrc: 7, sequenceNumber: 104, mid: "1" });
      receiver.report(encodeNack(1, SLOT, [before]));
      assert.deepEqual([receiver.take(SLOT).length, receiver.take(SLOT_RTX).length], [0, 0]);
      clock.now += 100;
      publisher.send({ ssrc: 7, sequenceNumber: 105, mid: "1" });
      const [after] = receiver.take(SLOT);
      assert.equal(after?.sequenceNumber, (before + 2) & 0xffff, "to the receiver it was loss");
    });

    it("[SFU9] refuses what does not exist, is taken, or is closed", () => {
      const { publisher, receiver, publication } = room();
      assert.throws(() => publisher.plane.publish("x", "9", "video"), { code: "media/unknown-section" });
      assert.throws(() => publisher.plane.publish("x", "0", "video"), { code: "media/unknown-section" });
      assert.throws(() => receiver.plane.publish("x", "3", "video"), { code: "media/unknown-section" });
      assert.throws(() => receiver.plane.forward("x", publication, "2"), { code: "media/unknown-section" });
      assert.throws(() => publisher.plane.forward("x", publication, "1"), { code: "media/unknown-section" });
      const first = receiver.plane.forward("x", publication, "3");
      assert.throws(() => receiver.plane.forward("y", publication, "3"), { code: "media/no-slot" });
      first.close();
      const second = receiver.plane.forward("y", publication, "3");
      publication.close();
      assert.equal(second.closed, true);
      assert.throws(() => receiver.plane.forward("z", publication, "3"), { code: "media/closed" });
      receiver.plane.close();
      assert.throws(() => receiver.plane.forward("z", publisher.plane.publish("n", "1", "video"), "3"), {
        code: "media/closed",
      });
    });
  });
}
