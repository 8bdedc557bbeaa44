import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { BandwidthEstimator, ESTIMATOR_SETTINGS, encodeTransportFeedback, parseRtcp } from "@lodeline/rtp";
import { BandwidthRig } from "./bandwidth-rig.ts";

/** The audio that waited longest after a moment. */
function worstAudioMs(rig: BandwidthRig, fromMs: number): number {
  return Math.max(...rig.only.audioDelays.filter(({ at }) => at >= fromMs).map(({ ms }) => ms));
}

function between(what: string, value: number, least: number, most: number): void {
  assert.ok(value >= least && value <= most, `${what}: ${Math.round(value)} is not within ${least} .. ${most}`);
}

describe("a bandwidth estimator", () => {
  it("[BWE1] finds within 2 s that a clean path carries all there is to send, and stays there", () => {
    const rig = new BandwidthRig(1, {});
    rig.run(20_000);
    between("after a second", rig.only.arrivedBps(1, 2), 2_300_000, 2_600_000);
    for (const { at, bps } of rig.only.targets) if (at > 2000) assert.ok(bps > 2_500_000, `${bps} after ${at} ms`);
  });

  for (const rateBps of [300_000, 500_000, 1_000_000, 2_000_000]) {
    it(`[BWE2] uses 85 to 100 % of ${rateBps / 1000} kbit/s from 4 s on, with a queue of less than 100 ms`, () => {
      const rig = new BandwidthRig(2, { rateBps });
      rig.run(4000);
      // The start may be three times too much for it.
      const { overflowed } = rig.link;
      rig.run(56_000);
      between("used", rig.only.arrivedBps(4, 60), 0.85 * rateBps, rateBps);
      for (let second = 6; second < 60; second++) {
        between(
          `second ${second}`,
          rig.only.meanTarget(second * 1000, second * 1000 + 1000),
          0.75 * rateBps,
          1.12 * rateBps,
        );
      }
      between("audio", worstAudioMs(rig, 6000), 20, 120);
      assert.equal(rig.link.overflowed, overflowed);
    });
  }

  it("[BWE3] settles at 80 to 100 % within 10 s of a cap, and its queue is gone within 4", () => {
    for (const seed of [1, 2, 3]) {
      const rig = new BandwidthRig(seed, { rateBps: 5_000_000 });
      rig.run(10_000);
      rig.link.conditions.rateBps = 500_000;
      rig.run(30_000);
      between("from 10 s after it", rig.only.arrivedBps(20, 40), 400_000, 500_000);
      between("audio from 4 s after it", worstAudioMs(rig, 14_000), 20, 150);
    }
  });

  it("[BWE3] is back within 10 s of the cap's end", () => {
    const rig = new BandwidthRig(1, { rateBps: 500_000 });
    rig.run(20_000);
    rig.link.conditions.rateBps = Infinity;
    rig.run(15_000);
    between("from 10 s after it", rig.only.arrivedBps(30, 35), 2_300_000, 2_600_000);
  });

  it("[BWE4] loss that does not depend on the rate is no reason to send less", () => {
    for (const loss of [0.02, 0.05, 0.1]) {
      const rig = new BandwidthRig(4, { loss });
      rig.run(20_000);
      between(`at ${loss}`, rig.only.arrivedBps(5, 20), (1 - loss - 0.06) * 2_500_000, 2_600_000);
    }
  });

  it("[BWE4] a policer without a queue is found by loss", () => {
    const rig = new BandwidthRig(5, { rateBps: 700_000, queueBytes: 4000 });
    rig.run(30_000);
    between("used", rig.only.arrivedBps(4, 30), 580_000, 700_000);
    between("lost", rig.link.overflowed, 0, 60);
    between("known", rig.only.estimator.loss, 0, 0.06);
  });

  it("[BWE4] 5 % of loss on a path of 500 kbit/s still uses 80 % of it", () => {
    const rig = new BandwidthRig(6, { rateBps: 500_000, loss: 0.05 });
    rig.run(40_000);
    between("used", rig.only.arrivedBps(10, 40), 0.8 * 0.95 * 500_000, 500_000);
  });

  it("[BWE5] jitter is not taken for a queue", () => {
    for (const jitterMs of [5, 10, 30]) {
      const rig = new BandwidthRig(7, { jitterMs });
      rig.run(20_000);
      between(`at ${jitterMs} ms`, rig.only.arrivedBps(5, 20), 2_200_000, 2_600_000);
    }
  });

  it("[BWE6] two on one path share it, also when one comes later", () => {
    const rig = new BandwidthRig(8, { rateBps: 2_000_000 }, [{}, { startsAtMs: 10_000 }]);
    rig.run(90_000);
    const [first, second] = rig.senders.map((sender) => sender.arrivedBps(60, 90));
    between("both", (first ?? 0) + (second ?? 0), 1_700_000, 2_000_000);
    between("one of them", Math.min(first ?? 0, second ?? 0), 550_000, 1_000_000);
  });

  it("[BWE7] probes only for what could be used, and keeps what it found while less is sent", () => {
    const encode = () => 200_000;
    const modest = new BandwidthRig(9, {}, [{ encode, wantedBps: 900_000 }]);
    modest.run(20_000);
    assert.equal(modest.only.paddingBytes, 0, "the start is enough");
    const rig = new BandwidthRig(9, {}, [{ encode, wantedBps: 2_000_000 }]);
    rig.run(60_000);
    between("found", rig.only.estimator.targetBps, 2_000_000, 2_900_000);
    between("padding", rig.only.paddingBytes, 1000, 40_000);
  });

  it("[BWE7] probes more and more rarely where nothing is found", () => {
    const rig = new BandwidthRig(10, { rateBps: 1_200_000 }, [{ encode: () => 300_000, wantedBps: 5_000_000 }]);
    rig.run(20_000);
    const early = rig.only.paddingBytes;
    rig.run(60_000);
    between("later", rig.only.paddingBytes - early, 0, 1.5 * early);
    between("target", rig.only.estimator.targetBps, 900_000, 1_300_000);
  });

  it("[BWE8] goes down while packets leave and no feedback comes, and returns with it", () => {
    const rig = new BandwidthRig(11, {});
    rig.run(5000);
    rig.link.conditions.loss = 1;
    rig.run(5000);
    between("in the dark", rig.only.estimator.targetBps, 60_000, 1_000_000);
    rig.link.conditions.loss = 0;
    rig.run(10_000);
    between("again", rig.only.arrivedBps(18, 20), 2_000_000, 2_600_000);
  });

  it("[BWE8] has what it had as soon as feedback returns and tells of no queue", () => {
    const rig = new BandwidthRig(11, {});
    rig.run(5000);
    const before = rig.only.estimator.targetBps;
    rig.link.conditions.loss = 1;
    rig.run(3000);
    assert.ok(rig.only.estimator.targetBps < 0.7 * before);
    rig.link.conditions.loss = 0;
    rig.run(600);
    assert.ok(rig.only.estimator.targetBps > 0.9 * before, `${rig.only.estimator.targetBps} of ${before}`);
  });

  it("[BWE8] a receiver's REMB bounds it", () => {
    const estimator = new BandwidthEstimator();
    assert.equal(estimator.targetBps, ESTIMATOR_SETTINGS.startBps);
    estimator.boundByReceiver(300_000);
    assert.deepEqual([estimator.targetBps, estimator.limit], [300_000, "receiver"]);
  });

  it("[BWE9] feedback about what was never sent, told twice or told backwards does no harm", () => {
    const estimator = new BandwidthEstimator();
    const told = (baseSequence: number, arrivalsMs: number[], now: number) => {
      const { bytes } = encodeTransportFeedback({
        senderSsrc: 1,
        mediaSsrc: 2,
        feedbackCount: 0,
        baseSequence,
        arrivalsMs,
      });
      const [packet] = parseRtcp(bytes);
      assert.ok(packet?.kind === "transport-feedback");
      estimator.handle(packet, now);
    };
    told(500, [1, 2, 3], 10);
    assert.equal(estimator.informed, false);
    for (let i = 0; i < 300; i++) estimator.sent(i, 1000, 10 * i);
    for (let i = 0; i < 300; i += 3) {
      told(i, [5000 - i, Number.NaN, 9000], 10 * i + 40);
      told(i, [5000 - i, Number.NaN, 9000], 10 * i + 41);
    }
    const { targetBps } = estimator;
    assert.ok(targetBps >= ESTIMATOR_SETTINGS.leastBps && targetBps <= ESTIMATOR_SETTINGS.mostBps);
    assert.ok(Number.isFinite(estimator.queueMs + estimator.roundTripMs));
  });
});
