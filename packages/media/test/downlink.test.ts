import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { encodeRemb } from "@lodeline/rtp";
import { DownlinkRig, LAYERS, SINGLE } from "./downlink-rig.ts";
import { closeKernels, OTHER_TYPES, PACKET_PATHS, RigBrowser, RigClock, section, vp8 } from "./plane-rig.ts";

after(closeKernels);

describe("the way to a receiver", () => {
  for (const path of PACKET_PATHS) {
    it(`[SFU12] is probed by repetitions, the same by ${path}`, () => {
      const rig = new DownlinkRig(LAYERS, path);
      rig.run(8000);
      assert.equal(rig.forwarder.stats().layer, "f");
      const padded = rig.arrived.filter(({ ssrc }) => ssrc === rig.forwarder.slot.rtxSsrc).length;
      assert.ok(padded > 3, "probes are repetitions of what was sent");
      rig.link.conditions.rateBps = 700_000;
      rig.run(8000);
      assert.match(String(rig.forwarder.stats().layer), /^[qh]$/);
      assert.equal(rig.receiver.plane.egress.isPaced, true);
    });
  }

  it("[SFU12] gives the largest layer that is shown, once the path is known to carry it", () => {
    const rig = new DownlinkRig(LAYERS);
    rig.run(6000);
    assert.equal(rig.forwarder.stats().layer, "f");
    assert.equal(rig.downlink.limit, "none");
    const padded = rig.arrived.filter(({ ssrc }) => ssrc === rig.forwarder.slot.rtxSsrc).length;
    assert.ok(padded > 3, "probes are repetitions of what was sent");
    assert.equal(rig.forwarder.stats().retransmitted, 0, "and count as none");
  });

  it("[SFU12] a path that narrows gets a smaller layer, and says why", () => {
    const rig = new DownlinkRig(LAYERS);
    rig.run(6000);
    rig.link.conditions.rateBps = 700_000;
    rig.run(8000);
    const from = rig.clock.now;
    rig.run(4000);
    const { layer, why } = rig.forwarder.stats();
    assert.match(String(layer), /^[qh]$/);
    assert.match(why, /kbit\/s for everything do not carry f/);
    assert.ok(rig.arrivedBps(from) <= 700_000);
    rig.link.conditions.rateBps = Infinity;
    rig.run(30_000);
    assert.equal(rig.forwarder.stats().layer, "f", "and back when it widens");
  });

  it("[SFU23] a path that narrows gets more of what fits where layers have temporal layers", () => {
    const received = [false, true].map((temporal) => {
      const rig = new DownlinkRig(LAYERS.map((layer) => ({ ...layer, temporal })));
      rig.run(6000);
      rig.link.conditions.rateBps = 500_000;
      rig.run(10_000);
      const from = rig.clock.now;
      rig.run(6000);
      const { layer, why } = rig.forwarder.stats();
      assert.equal(layer, temporal ? "h:S0T1" : "q");
      assert.match(why, /kbit\/s for everything do not carry f/);
      return rig.arrivedBps(from);
    });
    assert.ok((received[1] ?? 0) > 1.4 * (received[0] ?? 0), String(received));
    assert.ok((received[1] ?? 0) <= 500_000);
  });

  it("[SFU12] a path that carries not even the smallest is paused, and says why", () => {
    const rig = new DownlinkRig(LAYERS);
    rig.run(6000);
    rig.link.conditions.rateBps = 100_000;
    rig.run(15_000);
    const { layer, why } = rig.forwarder.stats();
    assert.equal(layer, undefined);
    assert.match(why, /^paused: \d+ kbit\/s of \d+ are left$/);
  });

  it("[SFU12] delay alone pauses nothing that plays before it has lasted for a second", () => {
    const rig = new DownlinkRig(LAYERS, "typescript", { queueBytes: 10_000_000 });
    rig.run(6000);
    rig.link.conditions.rateBps = 100_000;
    const until = rig.clock.now + 20_000;
    const when = (happened: () => boolean) => {
      while (!happened() && rig.clock.now < until) rig.run(10);
      return rig.clock.now;
    };
    const lowest = LAYERS[0]?.bitrateBps ?? 0;
    const shortAt = when(() => (rig.downlink.targetBps ?? Infinity) < 0.9 * lowest);
    const pausedAt = when(() => rig.forwarder.stats().layer === undefined);
    assert.ok(pausedAt < until, "a pause at last");
    assert.ok(pausedAt - shortAt >= 900, `paused after ${pausedAt - shortAt} ms`);
  });

  it("[SFU12] a receiver whose machine is busy, and takes everything late and in lumps, keeps its picture", () => {
    for (const jitterMs of [100, 200, 350]) {
      const rig = new DownlinkRig(LAYERS);
      rig.run(6000);
      Object.assign(rig.link.conditions, { jitterMs, reorder: 0.02 });
      for (let i = 0; i < 1500; i++) {
        rig.run(10);
        assert.notEqual(rig.forwarder.stats().layer, undefined, rig.forwarder.stats().why);
      }
      // What is granted leaves in time: the path itself holds packets for jitterMs at most.
      const times = rig.arrived.map(({ at }) => at);
      const longest = times.reduce((most, at, i) => Math.max(most, at - (times[i - 1] ?? at)), 0);
      assert.ok(longest < jitterMs + 10, `${longest} ms without a packet`);
    }
  });

  it("[SFU23] few frames of the smallest are sent where a path is proven to be narrow, then none; and all again", () => {
    const rig = new DownlinkRig(LAYERS.map((layer) => ({ ...layer, temporal: true })));
    rig.run(6000);
    rig.link.conditions.rateBps = 75_000;
    rig.run(12_000);
    assert.equal(rig.forwarder.stats().layer, "q:S0T0");
    rig.link.conditions.rateBps = 30_000;
    const until = rig.clock.now + 12_000;
    while (rig.forwarder.stats().layer !== undefined && rig.clock.now < until) rig.run(10);
    assert.match(rig.forwarder.stats().why, /^paused: /);
    rig.run(4_000);
    rig.link.conditions.rateBps = Infinity;
    rig.run(40_000);
    assert.equal(rig.forwarder.stats().layer, "f", "though nothing was sent that could have told");
  });

  it("[SFU12] losses of before a pause count for nothing after it", () => {
    const temporal = LAYERS.map((layer) => ({ ...layer, temporal: true }));
    const rig = new DownlinkRig(temporal, "typescript", { queueBytes: 4_000 });
    rig.run(6000);
    rig.link.conditions.rateBps = 20_000;
    rig.run(12_000);
    assert.ok(rig.downlink.loss > 0.9, `lost ${rig.downlink.loss}`);
    rig.link.conditions.rateBps = Infinity;
    for (let i = 0; i < 80; i++) {
      rig.run(100);
      assert.notEqual(rig.forwarder.stats().layer, "q:S0T0", rig.forwarder.stats().why);
    }
    assert.equal(rig.forwarder.stats().layer, "f");
  });

  it("[SFU23] a receiver whose machine stands still again and again has half of the frames at least", () => {
    const layers = LAYERS.slice(0, 2).map((layer) => ({ ...layer, bitrateBps: 12 * layer.bitrateBps, temporal: true }));
    const rig = new DownlinkRig(layers);
    rig.run(6000);
    const least = layers[0]?.bitrateBps ?? 0;
    let short = 0;
    for (let i = 0; i < 6000; i++) {
      if (i % 200 === 0) rig.stallUntilMs = rig.clock.now + 1500;
      rig.run(10);
      const { layer, why } = rig.forwarder.stats();
      assert.ok(layer !== undefined && !layer.endsWith("T0"), `${layer}: ${why}`);
      if ((rig.downlink.targetBps ?? Infinity) < 0.5 * least) short++;
    }
    assert.ok(short > 100, "the estimate did go below that");
  });

  it("[SFU13] a sender with one layer is asked for what its receiver can take, and let go afterwards", () => {
    const rig = new DownlinkRig(SINGLE);
    rig.run(6000);
    assert.equal(rig.remb, undefined, "not bounded by an assumption");
    rig.link.conditions.rateBps = 500_000;
    rig.run(10_000);
    const from = rig.clock.now;
    rig.run(10_000);
    const used = rig.arrivedBps(from) / 500_000;
    assert.ok(used > 0.8 && used <= 1, `${used} of the cap`);
    rig.link.conditions.rateBps = Infinity;
    rig.run(40_000);
    assert.ok((rig.remb ?? 0) > 2_000_000, `bounded to ${rig.remb}`);
  });

  it("[SFU14] bursts are spread while the path has a limit, and only then", () => {
    const rig = new DownlinkRig(SINGLE);
    rig.run(4000);
    assert.equal(rig.receiver.plane.egress.isPaced, false);
    rig.link.conditions.rateBps = 500_000;
    rig.run(4000);
    assert.equal(rig.receiver.plane.egress.isPaced, true);
    assert.equal(rig.receiver.plane.egress.isPaced, true);
    rig.receiver.plane.close();
    assert.equal(rig.receiver.plane.egress.waitingBytes, 0);
  });

  it("[SFU12] without transport-wide feedback the receiver's REMB is what there is", () => {
    const clock = new RigClock("typescript");
    const publisher = new RigBrowser(clock, [section("1", "video", "recvonly", { rids: ["q", "f"] })], 1);
    const receiver = new RigBrowser(clock, [section("3", "video", "sendonly", { codecs: OTHER_TYPES })], 2);
    const publication = publisher.plane.publish("camera", "1", "video");
    const forwarder = receiver.plane.forward("f", publication, "3");
    forwarder.setView({ width: 1280, height: 720, visible: true, priority: 1 });
    let picture = 0;
    const second = () => {
      for (let i = 0; i < 20; i++) {
        picture++;
        const timestamp = 4500 * picture;
        publisher.send({
          ssrc: 71,
          sequenceNumber: picture,
          timestamp,
          mid: "1",
          rid: "q",
          payload: vp8(picture, true, 320, 180),
        });
        const large = Buffer.concat([vp8(picture, true, 1280, 720), Buffer.alloc(1000)]);
        publisher.send({ ssrc: 73, sequenceNumber: picture, timestamp, mid: "1", rid: "f", payload: large });
        publisher.pass(50, receiver);
      }
    };
    second();
    assert.equal(forwarder.stats().layer, "f");
    receiver.report(encodeRemb(1, 100_000, [10_030]));
    second();
    assert.equal(forwarder.stats().layer, "q");
    assert.equal(receiver.plane.downlink.stats(clock.now).limit, "receiver");
  });
});
