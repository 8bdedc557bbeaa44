import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { seededRandom } from "@lodeline/base";
import { encodeRemb } from "@lodeline/rtp";
import {
  closeKernels,
  countHandled,
  type Got,
  OTHER_TYPES,
  PACKET_PATHS,
  type PacketPath,
  RigBrowser,
  RigClock,
  section,
  vp8,
} from "./plane-rig.ts";

const PUBLISHER = [section("1", "video", "recvonly", { rids: ["q", "f"] })];
const RECEIVER = [section("3", "video", "sendonly", { codecs: OTHER_TYPES })];
const SLOT = 10_030;

const FRAME_MS = 50;

/** Three temporal layers as Chromium sends them: TID, Y, and which of the last eight frames each needs. */
const PATTERN = [
  { tid: 0, sync: false, back: [4], bytes: 500 },
  { tid: 2, sync: true, back: [1], bytes: 200 },
  { tid: 1, sync: true, back: [2], bytes: 300 },
  { tid: 2, sync: false, back: [3, 1], bytes: 200 },
  { tid: 0, sync: false, back: [4], bytes: 500 },
  { tid: 2, sync: false, back: [1, 3], bytes: 200 },
  { tid: 1, sync: false, back: [2, 4], bytes: 300 },
  { tid: 2, sync: false, back: [3, 1], bytes: 200 },
] as const;

for (const path of PACKET_PATHS) suite(path);
after(closeKernels);

/** Temporal layers of simulcast: the same over every path that packets can take. */
function suite(path: PacketPath): void {
  function room(receivers: number) {
    const clock = new RigClock(path);
    const publisher = new RigBrowser(clock, PUBLISHER, 1);
    const publication = publisher.plane.publish("camera", "1", "video");
    const all = Array.from({ length: receivers }, (_, at) => {
      const browser = new RigBrowser(clock, RECEIVER, 2 + at);
      const forwarder = browser.plane.forward(`to-${at}`, publication, "3");
      forwarder.setView({ width: 1280, height: 720, visible: true, priority: 1 });
      return { browser, forwarder, handled: countHandled(forwarder), got: [] as Got[] };
    });
    let picture = 0;
    /** SSRCs of which a key frame was asked for. */
    const asked = new Set<number>();
    /** Two packets of each layer; the payload's end tells the picture. */
    const frame = () => {
      const { tid, sync, bytes } = PATTERN[picture % 8] ?? PATTERN[0];
      const packets: Buffer[] = [];
      for (const [rid, ssrc, share, width] of [
        ["q", 71, 0.1, 320],
        ["f", 73, 1, 1280],
      ] as const) {
        for (const { mediaSsrc } of publisher.takeFeedback("pli")) asked.add(mediaSsrc);
        const isKey = picture % 8 === 0 && (asked.delete(ssrc) || picture === 0);
        for (const part of [0, 1]) {
          const payload = Buffer.alloc(Math.round(bytes * share) + 30);
          vp8(picture, isKey && part === 0, width, (width * 9) / 16).copy(payload);
          payload[0] = part === 0 ? 0x90 : 0x80;
          payload[5] = (tid << 6) | (sync ? 0x20 : 0);
          payload.writeUInt32BE(picture, payload.length - 4);
          const sequenceNumber = (65_500 + 2 * picture + part) & 0xffff;
          const timestamp = 4500 * picture;
          packets.push(
            publisher.protect({ ssrc, sequenceNumber, timestamp, mid: "1", rid, marker: part === 1, payload }),
          );
        }
      }
      picture++;
      return packets;
    };
    const { session } = publisher.plane;
    /** As a socket takes packets in: what the kernel has to tell of them waits. */
    const arrive = (bytes: Buffer) => {
      if (session) session.kernel.binding.receive(session.kernel.handle, session.id, bytes, clock.now);
      else publisher.plane.handle(bytes, clock.now);
    };
    const run = (frames: number, lose = (_packet: number) => false) => {
      for (let at = 0; at < frames; at++) {
        for (const [packet, bytes] of frame().entries()) if (!lose(packet)) publisher.plane.handle(bytes, clock.now);
        publisher.pass(FRAME_MS, ...all.map(({ browser }) => browser));
        for (const one of all) one.got.push(...one.browser.take(SLOT));
      }
    };
    const remb = ({ browser }: (typeof all)[number], bitrateBps: number) =>
      browser.report(encodeRemb(1, bitrateBps, [SLOT]));
    const settle = () => clock.kernel?.settle();
    return { clock, publication, all, frame, arrive, run, remb, settle };
  }

  /** Nothing is missing in the numbers, and every frame has what it needs. */
  function assertPlays(got: readonly Got[]): void {
    const numbers = got.map(({ sequenceNumber }) => sequenceNumber);
    const [first = 0] = numbers;
    assert.deepEqual(
      numbers,
      numbers.map((_, at) => (first + at) & 0xffff),
    );
    const ids = [...new Set(got.map(({ payload }) => payload.readUInt16BE(2) & 0x7fff))];
    const [firstId = 0] = ids;
    assert.deepEqual(
      ids,
      ids.map((_, at) => firstId + at),
    );
    const pictures = new Set(got.map(pictureOf));
    for (const picture of pictures) {
      for (const back of picture === 0 ? [] : (PATTERN[picture % 8]?.back ?? [])) {
        if (picture - back >= 0) assert.ok(pictures.has(picture - back), `${picture} needs ${picture - back}`);
      }
    }
  }

  const tids = (got: readonly Got[]) => [...new Set(got.map((one) => PATTERN[pictureOf(one) % 8]?.tid))].sort();

  describe(`temporal layers by ${path}`, () => {
    it("[SFU23] gives a path that carries part of a layer that part, and leaves the others to what moved their packets", () => {
      const { all, run, remb, publication, clock } = room(2);
      const [slow, other] = all;
      assert.ok(slow && other);
      run(40);
      assert.deepEqual(
        publication.layers(clock.now).map(({ rid, frames = 1 }) => [rid, frames]),
        [
          ["q:S0T0", 0.25],
          ["q:S0T1", 0.5],
          ["q", 1],
          ["f:S0T0", 0.25],
          ["f:S0T1", 0.5],
          ["f", 1],
        ],
      );
      const rates = publication.layers(clock.now).map(({ bitrateBps }) => bitrateBps);
      assert.ok((rates[3] ?? 0) < (rates[4] ?? 0) && (rates[4] ?? 0) < 0.8 * (rates[5] ?? 0), String(rates));
      remb(slow, 0.85 * (rates[5] ?? 0));
      run(2);
      const from = slow.got.length;
      slow.handled.count = other.handled.count = 0;
      run(40);
      assert.equal(slow.forwarder.stats().layer, "f:S0T1");
      assert.match(slow.forwarder.stats().why, /kbit\/s for everything do not carry f/);
      assert.deepEqual(tids(slow.got.slice(from)), [0, 1]);
      assert.equal(slow.handled.count > 0, true);
      if (path === "kernel") assert.equal(other.handled.count, 0, "no packet of the other's came to TypeScript");
      remb(slow, 10_000_000);
      run(200);
      assert.equal(slow.forwarder.stats().layer, "f");
      assert.deepEqual(tids(slow.got.slice(-40)), [0, 1, 2]);
      slow.handled.count = 0;
      run(10);
      if (path === "kernel") assert.equal(slow.handled.count, 0, "and it goes back");
      for (const { got } of all) assertPlays(got);
      // The smaller layer came first.
      assert.equal(other.got.length, 2 * 293);
    });

    it("[SFU23] asks for no key frame to leave frames out or to take them up", () => {
      const { all, run, remb, publication, clock } = room(1);
      const [slow] = all;
      assert.ok(slow);
      run(40);
      const { keyFrames } = publication.stats();
      const [whole] = publication.layers(clock.now).slice(-1);
      for (const share of [0.85, 3, 0.85, 3]) {
        remb(slow, share * (whole?.bitrateBps ?? 0));
        run(60);
        assert.equal(slow.forwarder.stats().layer, share > 1 ? "f" : "f:S0T1");
      }
      assert.equal(publication.stats().keyFrames, keyFrames);
      assert.equal(slow.forwarder.stats().waiting, false);
    });

    it("[SFU23] of a picture that is not the smallest it leaves at least half the frames", () => {
      const { all, run, remb, publication, clock } = room(1);
      const [slow] = all;
      assert.ok(slow);
      run(40);
      const of = (rid: string) => publication.layers(clock.now).find((layer) => layer.rid === rid)?.bitrateBps ?? 0;
      remb(slow, 1.3 * of("f:S0T0"));
      run(40);
      assert.equal(slow.forwarder.stats().layer, "q");
      remb(slow, 1.4 * of("q:S0T0"));
      run(40);
      assert.equal(slow.forwarder.stats().layer, "q:S0T0");
    });

    it("[SFU23] what is lost and repaired goes to its place, wanted or not", () => {
      const { all, run, remb, publication, clock } = room(1);
      const [slow] = all;
      assert.ok(slow);
      run(40);
      remb(slow, 0.85 * (publication.layers(clock.now).at(-1)?.bitrateBps ?? 0));
      const random = seededRandom(5);
      run(60, () => random.u32() % 15 === 0);
      const numbers = slow.got.map(({ sequenceNumber }) => sequenceNumber);
      assert.equal(new Set(numbers).size, numbers.length);
      // A picture id belongs to one picture.
      const ids = new Map<number, number>();
      for (const one of slow.got) {
        const id = one.payload.readUInt16BE(2);
        assert.equal(ids.get(id) ?? pictureOf(one), pictureOf(one));
        ids.set(id, pictureOf(one));
      }
    });

    it("[SFU23] loses and doubles nothing, whenever a path narrows or widens and whoever moves the packets", () => {
      for (let seed = 1; seed <= 12; seed++) {
        const random = seededRandom(seed);
        const { all, arrive, frame, run, remb, settle, publication, clock } = room(2);
        run(30);
        const whole = publication.layers(clock.now).at(-1)?.bitrateBps ?? 0;
        for (let step = 0; step < 120; step++) {
          const one = all[random.u32() % all.length];
          const what = random.u32() % 12;
          if (what < 7) {
            for (const bytes of frame()) arrive(bytes);
            clock.now += FRAME_MS;
          } else if (what < 9) settle();
          else if (what < 11 && one) remb(one, what === 9 ? 0.85 * whole : 10 * whole);
          else if (one) one.browser.plane.tick(clock.now);
          if (what === 10) run(1);
        }
        for (const one of all) remb(one, 10 * whole);
        run(320);
        for (const { got, forwarder } of all) {
          assert.equal(forwarder.stats().layer, "f");
          assertPlays(got.toSorted((a, b) => ((a.sequenceNumber - b.sequenceNumber) << 16) >> 16));
        }
      }
    });
  });
}

function pictureOf({ payload }: Got): number {
  return payload.length < 8 ? -1 : payload.readUInt32BE(payload.length - 4);
}
