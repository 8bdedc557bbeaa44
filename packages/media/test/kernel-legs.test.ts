import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { seededRandom } from "@lodeline/base";
import { encodeNack } from "@lodeline/rtp";
import type { Forwarder } from "../src/forwarder.ts";
import {
  closeKernels,
  countHandled,
  type Got,
  IDS,
  OTHER_TYPES,
  PACKET_PATHS,
  type PacketPath,
  RigBrowser,
  RigClock,
  section,
  vp8,
} from "./plane-rig.ts";

const PUBLISHER = [section("1", "video", "recvonly")];
const RECEIVER = [
  section("3", "video", "sendonly", {
    codecs: OTHER_TYPES,
    extensions: { mid: IDS.mid, transportSequence: IDS.transportSequence },
  }),
];
const SLOT = 10_030;
const SLOT_RTX = 10_031;

for (const path of PACKET_PATHS) suite(path);
after(closeKernels);

/** What one receiver needs is no other's affair: the same over every path that packets can take. */
function suite(path: PacketPath): void {
  function room(receivers: number) {
    const clock = new RigClock(path);
    const publisher = new RigBrowser(clock, PUBLISHER, 1);
    const publication = publisher.plane.publish("camera", "1", "video");
    const all = Array.from({ length: receivers }, (_, at) => {
      const browser = new RigBrowser(clock, RECEIVER, 2 + at);
      const forwarder = browser.plane.forward(`to-${at}`, publication, "3");
      return { browser, forwarder, handled: countHandled(forwarder) };
    });
    let sequenceNumber = 100;
    const next = () =>
      publisher.protect({ ssrc: 7, sequenceNumber, mid: "1", payload: vp8(sequenceNumber++, sequenceNumber === 101) });
    const send = () => publisher.plane.handle(next(), clock.now);
    /** As a socket takes packets in: what the kernel has to tell of them waits. */
    const arrive = () => {
      const { session } = publisher.plane;
      if (session) session.kernel.binding.receive(session.kernel.handle, session.id, next(), clock.now);
      else send();
    };
    const settle = () => clock.kernel?.settle();
    send();
    return { clock, publisher, publication, all, send, arrive, settle };
  }

  /** Sends by a pace, or at once, as the way to a receiver that is congested, or not any more. */
  function pace(
    { browser, forwarder }: { browser: RigBrowser; forwarder: Forwarder },
    rateBps: number | undefined,
    now: number,
  ) {
    browser.plane.egress.pace(rateBps, now);
    forwarder.publication.consumersChanged(forwarder);
  }

  /** All that came is new, and nothing is missing between the first and the last. */
  function assertWhole(browser: RigBrowser, count: number): void {
    const numbers = browser.take(SLOT).map(({ sequenceNumber }) => sequenceNumber);
    assert.deepEqual(
      numbers.toSorted((a, b) => a - b),
      Array.from({ length: count }, (_, at) => (numbers[0] ?? 0) + at),
    );
  }

  describe(`receivers of one publication by ${path}`, () => {
    it("[SFU14] spreads out to the one whose path is full, and leaves the others to what moved their packets", () => {
      const { clock, all, send } = room(3);
      const [slow, ...others] = all;
      assert.ok(slow);
      pace(slow, 50_000, clock.now);
      for (const { handled } of all) handled.count = 0;
      for (let i = 0; i < 40; i++) send();
      assert.equal(slow.handled.count, 40);
      for (const { browser, handled } of others) {
        if (path === "kernel") assert.equal(handled.count, 0, "no packet of theirs came to TypeScript");
        assertWhole(browser, 41);
      }
      assert.ok(slow.browser.got.length < 20, "it gets what its path carries");
      clock.now += 1000;
      slow.browser.plane.tick(clock.now);
      pace(slow, undefined, clock.now);
      send();
      assertWhole(slow.browser, 42);
    });

    it("[SFU4] repairs what either sent, from the cache of whoever did", () => {
      const { clock, all, send } = room(2);
      const [slow] = all;
      assert.ok(slow);
      send();
      const [, byFirst] = slow.browser.take(SLOT);
      pace(slow, 50_000_000, clock.now);
      send();
      const [bySecond] = slow.browser.take(SLOT);
      assert.ok(byFirst && bySecond);
      slow.browser.report(encodeNack(1, SLOT, [byFirst.sequenceNumber, bySecond.sequenceNumber]));
      clock.now += 100;
      slow.browser.plane.tick(clock.now);
      const repairs = slow.browser.take(SLOT_RTX);
      assert.deepEqual(
        repairs.map(({ payload }) => payload.readUInt16BE(0)).toSorted((a, b) => a - b),
        [byFirst.sequenceNumber, bySecond.sequenceNumber],
      );
      for (const repair of repairs) {
        const original: Got | undefined = [byFirst, bySecond].find(
          ({ sequenceNumber }) => sequenceNumber === repair.payload.readUInt16BE(0),
        );
        assert.deepEqual(repair.payload.subarray(2), original?.payload);
      }
      assert.equal(slow.forwarder.stats().retransmitted, 2);
    });

    it("[SFU14] loses and doubles nothing, whenever a receiver goes over", () => {
      for (let seed = 1; seed <= 40; seed++) {
        const random = seededRandom(seed);
        const { clock, all, arrive, settle } = room(3);
        settle();
        let sent = 1;
        for (let step = 0; step < 60; step++) {
          const one = all[random.u32() % all.length];
          const what = random.u32() % 8;
          if (what < 5) {
            arrive();
            sent++;
          } else if (what === 5) settle();
          else if (one) pace(one, what === 6 ? 1_000_000_000 : undefined, clock.now);
        }
        settle();
        for (const one of all) pace(one, undefined, clock.now);
        settle();
        for (const { browser } of all) assertWhole(browser, sent);
      }
    });
  });
}
