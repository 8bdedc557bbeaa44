import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Clock, seededRandom } from "@lodeline/base";
import { encodePli, isRtcp, type LayerState } from "@lodeline/rtp";
import { VirtualClock } from "@lodeline/testkit";
import type { DatagramListener } from "../src/datagram-socket.ts";
import type { Section } from "../src/sdp/section.ts";
import { type OpenTrunkSocket, Trunk, type TrunkOptions } from "../src/trunk.ts";
import { descriptorOf } from "./described-frames.ts";
import { IDS, OTHER_TYPES, RigBrowser, type RigClock, section, video, vp8 } from "./plane-rig.ts";

const KEYS = [1, 2].map((fill) => ({ key: new Uint8Array(16).fill(fill), salt: new Uint8Array(12).fill(fill) }));
const [FORTH, BACK] = KEYS;
const SLOT = 10_030;
const CAMERA = section("1", "video", "recvonly", { rids: ["q", "f"] });

/** Sockets of one machine, in memory: a datagram arrives before the clock goes on, unless it is to be lost. */
function wires(clock: Clock) {
  const at = new Map<number, DatagramListener>();
  const state = { lose: 0, queued: 0, media: 0 };
  let last = 4_000;
  const open: OpenTrunkSocket = async (address, _port, handle) => {
    const localPort = ++last;
    at.set(localPort, handle);
    return {
      localPort,
      get queuedDatagrams() {
        return state.queued;
      },
      send: (bytes, port) => {
        const copy = Buffer.from(bytes);
        if (!isRtcp(copy)) state.media++;
        if (state.lose > 0 && !isRtcp(copy)) state.lose--;
        else clock.at(clock.now(), () => at.get(port)?.(copy, localPort, address));
      },
      close: async () => void at.delete(localPort),
    };
  };
  return { at, open, state };
}

/** A simulcast camera at one engine, a receiver at another, and the trunk between them. */
async function spanning(section1 = CAMERA, receiving: Partial<Section> = { codecs: OTHER_TYPES }) {
  const clock = new VirtualClock();
  const rigClock: RigClock = {
    kernel: undefined,
    get now() {
      return clock.now();
    },
    set now(at) {
      clock.advance(at - clock.now());
    },
  };
  const { at, open, state } = wires(clock);
  const needs: (readonly string[])[] = [];
  const seen: (readonly LayerState[])[] = [];
  const make = (id: string, told: Partial<TrunkOptions>) =>
    new Trunk({
      id,
      clock,
      random: seededRandom(id.length),
      openSocket: open,
      onLayers: () => {},
      onNeeds: () => {},
      ...told,
    });
  const far = make("taking", {
    onNeeds: (relay, rids) => {
      needs.push(rids);
      near.need(relay, rids);
    },
  });
  const near = make("carry", {
    onLayers: (relay, layers) => {
      seen.push(layers);
      far.describe(relay, layers);
    },
  });
  const [a, b] = [await near.open(), await far.open()];
  assert.ok(FORTH && BACK);
  near.connect(b, { local: FORTH, remote: BACK });
  far.connect(a, { local: BACK, remote: FORTH });
  const publisher = new RigBrowser(rigClock, [section1], 1);
  const receiver = new RigBrowser(rigClock, [section("3", "video", "sendonly", receiving)], 2);
  const camera = publisher.plane.publish("camera", "1", "video");
  const { carried, layers } = near.carry("r", camera);
  const taken = far.take("r", carried, layers, (mid) => far.media.publish("camera", mid, "video"));
  const numbers = { q: 100, f: 500 };
  /** One packet of a layer, a key frame or not. */
  const send = (rid: "q" | "f", keyFrame = false) => {
    const sequenceNumber = ++numbers[rid];
    publisher.send({
      ssrc: rid === "q" ? 7 : 8,
      sequenceNumber,
      timestamp: clock.now() * 90,
      mid: "1",
      rid,
      payload: rid === "q" ? vp8(sequenceNumber, keyFrame) : vp8(sequenceNumber, keyFrame, 1280, 720),
    });
    publisher.pass(20, receiver);
  };
  return { clock, near, far, publisher, receiver, camera, taken, needs, seen, send, at, state };
}

/** As above, with one layer flowing to the receiver. */
async function flowing() {
  const all = await spanning();
  all.send("q", true);
  all.publisher.pass(150, all.receiver);
  const forwarder = all.receiver.plane.forward("f", all.taken, "3");
  all.publisher.pass(20, all.receiver);
  all.send("q", true);
  for (let i = 0; i < 5; i++) all.send("q");
  return { ...all, forwarder };
}

describe("a trunk between two engines", () => {
  it("[SFU15] sends only the layer that a receiver at the other end gets, from a key frame on", async () => {
    const { near, receiver, needs, send, forwarder, state } = await flowing();
    assert.equal(receiver.take(SLOT).length, 6);
    assert.deepEqual([needs.at(-1), forwarder.stats().layer], [["q"], "q"]);
    const before = state.media;
    // The first packet of another layer is not yet one that anybody shows.
    forwarder.setView({ width: 160, height: 90, visible: true, priority: 1 });
    for (let i = 0; i < 5; i++) send("f", i === 0);
    assert.deepEqual([state.media, near.relays], [before, 1]);
  });

  it("[SFU15] sends nothing while nobody needs it, and says what there is", async () => {
    const { needs, seen, send, state } = await spanning();
    for (let i = 0; i < 20; i++) send("q", i === 0);
    assert.deepEqual([needs, state.media], [[], 0]);
    assert.deepEqual(
      seen.at(-1)?.map(({ rid, width, active }) => [rid, width, active]),
      [["q", 640, true]],
    );
  });

  it("[SFU15] switches to a layer that the receiver shows now, and stops the other", async () => {
    const { publisher, receiver, needs, send, forwarder, state } = await flowing();
    forwarder.setView({ width: 1280, height: 720, visible: true, priority: 1 });
    for (let i = 0; i < 20; i++) {
      send("f", i % 5 === 0);
      send("q");
    }
    publisher.pass(200, receiver);
    assert.equal(forwarder.stats().layer, "f");
    assert.deepEqual(needs.at(-1), ["f"]);
    const before = state.media;
    send("q");
    assert.equal(state.media, before, "the other layer does not go over it any more");
    receiver.got.splice(0);
    send("f");
    assert.equal(receiver.take(SLOT).length, 1);
    forwarder.setView({ width: 0, height: 0, visible: false, priority: 1 });
    publisher.pass(300, receiver);
    assert.deepEqual(needs.at(-1), []);
  });

  it("[SFU15] carries a receiver's wish for a key frame to the publisher", async () => {
    const { publisher, receiver } = await flowing();
    publisher.pass(400, receiver);
    publisher.takeFeedback("pli");
    publisher.pass(400, receiver);
    assert.equal(publisher.takeFeedback("pli").length, 0);
    receiver.report(encodePli(1, SLOT));
    publisher.pass(100, receiver);
    assert.equal(publisher.takeFeedback("pli").length, 1);
  });

  it("[SFU16] is listened to from its other end alone, and only under its keys", async () => {
    const { at, send, receiver, publisher, taken } = await flowing();
    receiver.take(SLOT);
    const { packets } = taken.stats();
    const [near, far] = [...at.keys()];
    const handle = at.get(far ?? 0) ?? assert.fail();
    const forged = Buffer.concat([Buffer.from([0x80, 96, 0, 1, 0, 0, 0, 0]), Buffer.alloc(100)]);
    forged.writeUInt32BE(taken.streams.get("q")?.ssrc ?? 0, 8);
    handle(forged, 9, "127.0.0.1");
    handle(forged, near ?? 0, "127.0.0.1");
    publisher.pass(20, receiver);
    assert.equal(taken.stats().packets, packets);
    send("q");
    assert.equal(taken.stats().packets, packets + 1);
  });

  it("[SFU16] drops the newest when too much waits, and says how much", async () => {
    const { near, receiver, send, state } = await flowing();
    receiver.take(SLOT);
    state.queued = 512;
    send("q");
    send("q");
    assert.ok(near.dropped >= 2);
    state.queued = 0;
    send("q");
    assert.ok(receiver.take(SLOT).length > 0);
  });

  it("[SFU16] repairs what was lost on the way by itself", async () => {
    const { publisher, receiver, send, state } = await flowing();
    receiver.take(SLOT);
    state.lose = 1;
    send("q");
    for (let i = 0; i < 10; i++) send("q");
    publisher.pass(200, receiver);
    assert.equal(receiver.take(SLOT).length, 11);
  });

  it("[SFU17] leaves nothing when its relays and it are over, and its sections are used again", async () => {
    const { clock, near, far, camera, at, forwarder } = await flowing();
    near.drop("r");
    far.drop("r");
    assert.deepEqual([near.relays, far.relays, camera.consumers.length, forwarder.closed], [0, 0, 0, true]);
    const again = near.carry("r2", camera);
    assert.deepEqual(again.carried.layers.map(({ mid }) => mid).sort(), ["o0", "o1"]);
    await near.close();
    await far.close();
    assert.deepEqual([clock.armed, at.size], [0, 0]);
  });

  it("[SFU22] layers inside one stream go over it all, once, and the other end chooses", async () => {
    const av1 = {
      codecs: [video("av1", 96)],
      extensions: { mid: IDS.mid, dependencyDescriptor: IDS.dependencyDescriptor },
    };
    const all = await spanning(section("1", "video", "recvonly", av1), av1);
    await using _ends = all.near;
    await using _other = all.far;
    const forwarder = all.receiver.plane.forward("f", all.taken, "3");
    forwarder.setView({ width: 160, height: 90, visible: true, priority: 1 });
    let number = 10;
    /** A picture of two spatial layers. */
    const picture = (key: boolean) => {
      const timestamp = all.clock.now() * 90;
      for (const spatial of [0, 1]) {
        const descriptor = descriptorOf(number, spatial, key && spatial === 0);
        const payload = Buffer.from([key && spatial === 0 ? 0x18 : 0x10, spatial]);
        all.publisher.send({
          ssrc: 7,
          sequenceNumber: number++,
          timestamp,
          mid: "1",
          marker: spatial === 1,
          descriptor,
          payload,
        });
      }
      all.publisher.pass(150, all.receiver);
      return all.receiver
        .take(SLOT)
        .map(({ payload, marker }) => `${payload[1]}${marker ? "." : ""}`)
        .join(" ");
    };
    picture(true);
    assert.equal(picture(true), "0.");
    assert.equal(forwarder.stats().layer, "S0T0");
    forwarder.setView({ width: 320, height: 180, visible: true, priority: 1 });
    all.publisher.pass(150, all.receiver);
    assert.ok(all.publisher.takeFeedback("pli").length > 0, "the wish for a key frame reaches the publisher");
    assert.equal(picture(true), "0 1.");
    assert.equal(all.camera.consumers.length, 1, "it goes over the trunk once");
    assert.deepEqual(all.needs.at(-1), [""]);
  });
});
