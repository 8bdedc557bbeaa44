import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { DependencyDescriptor, encodeNack } from "@lodeline/rtp";
import type { Forwarder } from "../src/forwarder.ts";
import type { Publication } from "../src/publication.ts";
import { descriptorOf } from "./described-frames.ts";
import {
  closeKernels,
  type Got,
  IDS,
  PACKET_PATHS,
  type PacketPath,
  RigBrowser,
  RigClock,
  section,
  video,
} from "./plane-rig.ts";

const SSRC = 7;
const LARGE = { width: 1280, height: 720, visible: true, priority: 1 };
const SMALL = { ...LARGE, width: 180, height: 100 };
const SENDING = { codecs: [video("vp9", 96)] };
const RECEIVING = { codecs: [video("vp9", 120)] };

/** Time, a browser that sends a scalable stream and one that receives it. */
class Pair {
  readonly clock: RigClock;
  readonly publisher: RigBrowser;
  readonly receiver: RigBrowser;
  readonly publication: Publication;
  readonly forwarder: Forwarder;
  #sequence = 100;
  #picture = 20;

  constructor(path: PacketPath) {
    this.clock = new RigClock(path);
    this.publisher = new RigBrowser(this.clock, [section("1", "video", "recvonly", SENDING)], 1);
    this.receiver = new RigBrowser(this.clock, [section("2", "video", "sendonly", RECEIVING)], 2);
    this.publication = this.publisher.plane.publish("camera", "1", "video");
    this.forwarder = this.receiver.plane.forward("to", this.publication, "2");
  }

  /** VP9 in three spatial layers, each a packet: the next picture without some of its packets. @returns What the receiver got. */
  picture(options: { key?: boolean; temporal?: number; without?: readonly number[] } = {}): Got[] {
    const { without = [] } = options;
    const sequence = this.#sequence;
    for (const [spatial, payload] of this.#payloads(options.key ?? false, options.temporal ?? 0).entries()) {
      if (!without.includes(spatial)) this.#send(sequence + spatial, spatial, payload);
    }
    this.#sequence += 3;
    this.#picture++;
    this.clock.now += 33;
    return this.receiver.take(10_020);
  }

  /** A packet of the picture before comes after all. */
  repair(spatial: number, temporal = 0): Got[] {
    this.#picture--;
    const payload = this.#payloads(false, temporal)[spatial] as Buffer;
    this.#send(this.#sequence - 3 + spatial, spatial, payload);
    this.#picture++;
    return this.receiver.take(10_020);
  }

  #send(sequenceNumber: number, spatial: number, payload: Buffer): void {
    const timestamp = 3000 * this.#picture;
    this.publisher.send({ ssrc: SSRC, sequenceNumber, timestamp, mid: "1", marker: spatial === 2, payload });
  }

  /** RFC 9628 section 4.2, non-flexible mode. Every temporal layer but the lowest is a switching point. */
  #payloads(key: boolean, temporal: number): Buffer[] {
    return [0, 1, 2].map((spatial) => {
      const first = 0xac | (key ? 0 : 0x40) | (key && spatial === 0 ? 0x02 : 0);
      const layers = (temporal << 5) | (temporal > 0 ? 0x10 : 0) | (spatial << 1) | (spatial > 0 ? 1 : 0);
      const sizes = [0x50, 0, 80, 0, 45, 0, 160, 0, 90, 1, 64, 0, 180];
      const structure = key && spatial === 0 ? sizes : [];
      const id = this.#picture;
      return Buffer.from([first, 0x80 | (id >> 8), id & 0xff, layers, 0, ...structure, spatial, 1, 2, 3]);
    });
  }
}

/** The spatial layer of each, or that it is blank, and where pictures end. */
const layersOf = (got: readonly Got[]) =>
  got.map(({ payload, marker }) => `${payload.length === 0 ? "blank" : payload.at(-4)}${marker ? "." : ""}`).join(" ");

const isGapless = (got: readonly Got[]) =>
  got.every(({ sequenceNumber }, at) => at === 0 || sequenceNumber === (got[at - 1]?.sequenceNumber ?? 0) + 1);

for (const path of PACKET_PATHS) {
  describe(`a scalable publication, by ${path}`, () => {
    after(closeKernels);

    it("[SFU18] is forwarded up to the layer that fills what is shown, whose end is the picture's, without a gap", () => {
      const pair = new Pair(path);
      pair.forwarder.setView(SMALL);
      const got = [pair.picture({ key: true }), pair.picture(), pair.picture({ temporal: 1 })];
      assert.deepEqual(got.map(layersOf), ["0 1.", "0 1.", "0 1."]);
      assert.ok(isGapless(got.flat()));
      const { layer, why, waiting } = pair.forwarder.stats();
      assert.deepEqual([layer, why, waiting], ["S1T1", "160x90 fills 180x100", false]);
      assert.equal(pair.publication.needsPackets, "has layers inside its stream");
    });

    it("[SFU18] goes up at a key frame that it asks for once, and down without one", () => {
      const pair = new Pair(path);
      pair.forwarder.setView({ ...SMALL, width: 60, height: 30 });
      assert.equal(layersOf(pair.picture({ key: true })), "0.");
      pair.publisher.pass(400);
      pair.publisher.takeFeedback("pli");
      pair.picture();
      pair.forwarder.setView(LARGE);
      pair.publisher.pass(20);
      assert.equal(pair.publisher.takeFeedback("pli").length, 1);
      assert.equal(layersOf(pair.picture()), "0.");
      const { why, layer, waiting } = pair.forwarder.stats();
      assert.match(why, /^the largest that arrives for 1280x720; waiting for its key frame$/);
      assert.deepEqual([layer, waiting], ["S0T0", true]);
      assert.equal(layersOf(pair.picture({ key: true })), "0 1 2.");
      assert.equal(pair.forwarder.stats().layer, "S2T0");
      pair.forwarder.setView(SMALL);
      assert.equal(layersOf(pair.picture()), "0 1.");
      pair.publisher.pass(20);
      assert.equal(pair.publisher.takeFeedback("pli").length, 0, "nothing was asked for");
    });

    it("[SFU18] frames of a new temporal layer are taken up at a switching point, and nothing is asked for", () => {
      const pair = new Pair(path);
      pair.forwarder.setView(SMALL);
      pair.picture({ key: true });
      assert.equal(pair.forwarder.stats().layer, "S1T0");
      pair.publisher.pass(400);
      pair.publisher.takeFeedback("pli");
      assert.equal(layersOf(pair.picture({ temporal: 1 })), "0 1.");
      assert.equal(pair.forwarder.stats().layer, "S1T1");
      pair.publisher.pass(20);
      assert.equal(pair.publisher.takeFeedback("pli").length, 0);
    });

    it("[SFU19] a packet that comes late goes to its place; one that nobody wants fills it without payload", () => {
      const pair = new Pair(path);
      pair.forwarder.setView(SMALL);
      pair.picture({ key: true });
      const [before] = pair.picture({ without: [2] });
      const got = [before, ...pair.picture({ without: [1] })];
      assert.deepEqual(
        got.map((one) => (one?.sequenceNumber ?? 0) - (before?.sequenceNumber ?? 0)),
        [0, 3],
        "what is missing keeps its place",
      );
      const wanted = pair.repair(1);
      assert.equal(layersOf(wanted), "1.");
      assert.equal((wanted[0]?.sequenceNumber ?? 0) - (before?.sequenceNumber ?? 0), 4);
      const other = new Pair(path);
      other.forwarder.setView(SMALL);
      other.picture({ key: true });
      other.picture({ without: [2] });
      other.picture();
      const late = other.repair(2);
      assert.equal(layersOf(late), "", "its place was never given away: the newest of its picture was dropped");
    });

    it("[SFU19] a hole that turns out to be of a layer nobody gets is filled, so that no receiver asks for ever", () => {
      const pair = new Pair(path);
      pair.forwarder.setView({ ...SMALL, width: 60, height: 30 });
      pair.picture({ key: true });
      const got = pair.picture({ without: [1] });
      assert.equal(layersOf(got), "0.");
      const filled = pair.repair(1);
      assert.equal(layersOf(filled), "blank");
      assert.equal(filled[0]?.sequenceNumber, (got[0]?.sequenceNumber ?? 0) + 1);
      assert.equal(pair.picture()[0]?.sequenceNumber, (got[0]?.sequenceNumber ?? 0) + 2);
      pair.clock.now += 100;
      pair.receiver.report(encodeNack(1, 10_020, [filled[0]?.sequenceNumber ?? 0]));
      assert.equal(pair.receiver.take(10_021).length, 1, "and repeated like any other");
    });

    it("[SFU20] a layer that stops being produced is not waited for", () => {
      const pair = new Pair(path);
      pair.forwarder.setView(LARGE);
      assert.equal(layersOf(pair.picture({ key: true })), "0 1 2.");
      for (let at = 0; at < 50; at++) pair.picture({ without: [2] });
      pair.publisher.pass(300, pair.receiver);
      pair.picture({ without: [2] });
      assert.equal(pair.forwarder.stats().layer, "S1T0");
    });

    it("[SFU21] a dependency descriptor goes to who agreed to it, with what is forwarded, and its numbers run on", () => {
      const clock = new RigClock(path);
      const extensions = { mid: IDS.mid, dependencyDescriptor: IDS.dependencyDescriptor };
      const av1 = { codecs: [video("av1", 96)], extensions };
      const publishers = [1, 2].map((seed) => new RigBrowser(clock, [section("1", "video", "recvonly", av1)], seed));
      const plain = { codecs: av1.codecs };
      const receivers = [av1, plain].map(
        (each, at) => new RigBrowser(clock, [section("2", "video", "sendonly", each)], 3 + at),
      );
      const publications = publishers.map(({ plane }, at) => plane.publish(`camera ${at}`, "1", "video"));
      let sequenceNumber = 1;
      let timestamp = 9000;
      const send = (publisher: RigBrowser | undefined, descriptor: Uint8Array | undefined, payload = [0x18, 1]) =>
        publisher?.send({
          ssrc: SSRC,
          sequenceNumber: sequenceNumber++,
          mid: "1",
          timestamp,
          descriptor,
          payload: Buffer.from(payload),
          marker: false,
        });
      const forward = (from: Publication | undefined) =>
        receivers.map((receiver, at) => {
          const forwarder = receiver.plane.forward(`to ${at}`, from ?? assert.fail(), "2");
          forwarder.setView(SMALL);
          return forwarder;
        });
      const first = forward(publications[0]);
      send(publishers[0], descriptorOf(40_000, 0, true));
      send(publishers[0], descriptorOf(40_001, 1), [0x10, 2]);
      const got = receivers.map((receiver) => receiver.take(10_020));
      assert.deepEqual(
        got.map((each) => each.map(({ marker }) => marker)),
        [[true], [true]],
      );
      assert.equal(got[1]?.[0]?.descriptor, undefined);
      for (const forwarder of first) forwarder.setView(LARGE);
      timestamp += 3000;
      send(publishers[0], descriptorOf(40_002, 0, true));
      send(publishers[0], descriptorOf(40_003, 1), [0x10, 2]);
      assert.deepEqual(
        receivers.map((receiver) => receiver.take(10_020).length),
        [2, 1],
        "several sizes need it",
      );
      const read = descriptorIn(got[0]?.[0]);
      assert.deepEqual([read.frameNumber, read.activeTargets, read.attached?.targets.length], [40_000, 0b01, 2]);
      for (const forwarder of first) forwarder.close();
      const second = forward(publications[1]);
      sequenceNumber = 500;
      send(publishers[1], descriptorOf(7, 0, true));
      assert.equal(descriptorIn(receivers[0]?.take(10_020)[0]).frameNumber, 40_004);
      for (const forwarder of second) assert.equal(forwarder.stats().layer, "S0T0");
    });
  });
}

function descriptorIn(got: Got | undefined): DependencyDescriptor {
  const descriptor = new DependencyDescriptor();
  const bytes = got?.descriptor ?? assert.fail("there is no descriptor");
  assert.ok(descriptor.parse(bytes, 0, bytes.length, undefined));
  return descriptor;
}
