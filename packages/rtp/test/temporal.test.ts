import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { seededRandom } from "@lodeline/base";
import { type LayerState, PayloadInspector, TemporalLayers, TemporalThinning } from "@lodeline/rtp";
import { parsed } from "./packets.ts";

/** Temporal layers of eight frames in turn as browsers send them, and which refer to the lowest layer alone. */
const PATTERNS = {
  2: [
    { tid: 0, sync: false },
    { tid: 1, sync: true },
    { tid: 0, sync: false },
    { tid: 1, sync: false },
  ],
  3: [
    { tid: 0, sync: false },
    { tid: 2, sync: true },
    { tid: 1, sync: true },
    { tid: 2, sync: false },
    { tid: 0, sync: false },
    { tid: 2, sync: false },
    { tid: 1, sync: false },
    { tid: 2, sync: false },
  ],
} as const;

/** A frame as an encoder made it. */
interface Frame {
  readonly id: number;
  readonly tid: number;
  readonly sync: boolean;
  readonly keyFrame: boolean;
  /** The frames that it refers to. */
  readonly needs: readonly number[];
}

interface Packet {
  readonly sequence: number;
  readonly frame: Frame;
  readonly isFirst: boolean;
}

/** An encoder of VP8 in two or three temporal layers. */
class Encoder {
  readonly #layers: 2 | 3;
  readonly #last: (number | undefined)[] = [];
  #id: number;
  #sequence: number;
  #phase = 0;

  constructor(layers: 2 | 3, from = { id: 0x7ff0, sequence: 1000 }) {
    this.#layers = layers;
    this.#id = from.id;
    this.#sequence = from.sequence;
  }

  next(keyFrame: boolean, packets: number): Packet[] {
    if (keyFrame) this.#phase = 0;
    const pattern = PATTERNS[this.#layers];
    const { tid, sync } = pattern[this.#phase++ % pattern.length] ?? pattern[0];
    const layers = sync ? [0] : Array.from({ length: tid + 1 }, (_, at) => at);
    // The highest layer is referred to by nothing, not even itself.
    const used = layers.filter((layer) => layer < this.#layers - 1);
    const needs = keyFrame ? [] : used.map((layer) => this.#last[layer] ?? assert.fail("no such frame"));
    const frame = { id: this.#id++, tid, sync, keyFrame, needs };
    if (keyFrame) this.#last.fill(frame.id, 0, this.#layers);
    for (let layer = 0; keyFrame && layer < this.#layers; layer++) this.#last[layer] = frame.id;
    this.#last[tid] = frame.id;
    return Array.from({ length: packets }, (_, at) => ({ sequence: this.#sequence++, frame, isFirst: at === 0 }));
  }
}

/** What an inspector says of the packet. */
function payloadOf({ frame, isFirst }: Packet, bits: 7 | 15 = 15): PayloadInspector {
  const id = bits === 15 ? [0x80 | ((frame.id >> 8) & 0x7f), frame.id & 0xff] : [frame.id & 0x7f];
  const layer = (frame.tid << 6) | (frame.sync ? 0x20 : 0);
  const descriptor = [isFirst ? 0x90 : 0x80, 0xe0, ...id, 7, layer];
  const vp8 = isFirst ? [frame.keyFrame ? 0x10 : 0x11] : [0x55];
  const header = [0x80, 96, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3];
  const inspector = new PayloadInspector();
  inspector.inspect("vp8", parsed(Uint8Array.from([...header, ...descriptor, ...vp8])));
  return inspector;
}

/** Gives packets to a thinning, and keeps what goes out. */
function run(bits: 7 | 15 = 15) {
  const thinning = new TemporalThinning();
  const out: { packet: Packet; sequence: number; pictureId: number; blank: boolean }[] = [];
  const take = (packet: Packet) => {
    if (!thinning.take(packet.sequence, payloadOf(packet, bits))) return;
    const { sequence, pictureId, blank } = thinning;
    out.push({ packet, sequence, pictureId, blank });
  };
  return { thinning, out, take };
}

function assertNoHoles(numbers: readonly number[]): void {
  const [first = 0] = numbers;
  assert.deepEqual(
    numbers,
    numbers.map((_, at) => first + at),
  );
}

describe("temporal layers of VP8", () => {
  it("[TMP1] leaves out upper layers from the next frame on, without a hole in sequence numbers or picture ids", () => {
    for (const bits of [15, 7] as const) {
      const { thinning, out, take } = run(bits);
      const encoder = new Encoder(3);
      for (let at = 0; at < 400; at++) {
        if (at === 10) thinning.aim(1);
        if (at === 200) thinning.aim(0);
        for (const packet of encoder.next(at === 0, 2)) take(packet);
      }
      assert.deepEqual([...new Set(out.slice(20, 200).map(({ packet }) => packet.frame.tid))].sort(), [0, 1]);
      assert.deepEqual([...new Set(out.slice(-100).map(({ packet }) => packet.frame.tid))], [0]);
      assertNoHoles(out.map(({ sequence }) => sequence));
      assertNoHoles([...new Set(out.map(({ pictureId }) => pictureId))]);
    }
  });

  it("[TMP2] takes up a layer only where it refers to the lowest alone, one after the other, or at a key frame", () => {
    const { thinning, out, take } = run();
    const encoder = new Encoder(3);
    const frames = (count: number, keyFrame = false) => {
      const from = out.length;
      for (let at = 0; at < count; at++) for (const packet of encoder.next(keyFrame && at === 0, 1)) take(packet);
      return out.slice(from).map(({ packet }) => packet.frame.tid);
    };
    frames(1, true);
    thinning.aim(0);
    assert.deepEqual(frames(11), [0, 0]);
    assert.equal(thinning.level, 0);
    thinning.aim(Infinity);
    // From the middle of the eight: no Y until the first after the next one of them begins.
    assert.deepEqual(frames(4), [0]);
    assert.deepEqual(frames(4), [0, 1], "the highest came before the middle one, which it may refer to");
    assert.deepEqual(frames(4), [0, 1]);
    assert.deepEqual(frames(8), [0, 2, 1, 2, 0, 2, 1, 2]);
    assert.equal(thinning.level, Infinity);
    thinning.aim(0);
    assert.deepEqual(frames(4), [0]);
    thinning.aim(Infinity);
    assert.deepEqual(frames(4, true), [0, 2, 1, 2]);
    assert.equal(thinning.level, Infinity);
  });

  it("[TMP3] whatever is asked for, lost and late: what goes out has all it refers to, no number is given twice", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed);
      const chance = (of: number) => random.u32() % of === 0;
      const { thinning, out, take } = run(seed % 2 === 0 ? 15 : 7);
      const encoder = new Encoder(chance(2) ? 2 : 3);
      const late: { packet: Packet; dueAt: number }[] = [];
      for (let at = 0; at < 400; at++) {
        if (chance(12)) thinning.aim([0, 1, Infinity][random.u32() % 3] ?? 0);
        for (const packet of encoder.next(at === 0 || chance(100), 1 + (random.u32() % 3))) {
          if (at > 0 && chance(10)) late.push({ packet, dueAt: at + (random.u32() % 20) });
          else take(packet);
        }
        for (const one of late.filter(({ dueAt }) => dueAt === at)) take(one.packet);
      }
      for (const one of late.filter(({ dueAt }) => dueAt >= 400)) take(one.packet);
      const sequences = out.map(({ sequence }) => sequence);
      assert.equal(new Set(sequences).size, sequences.length, `seed ${seed}`);
      const sent = new Set(out.filter(({ blank }) => !blank).map(({ packet }) => packet.frame.id));
      const ids = new Map<number, number>();
      for (const { packet, pictureId, blank } of out) {
        if (blank) continue;
        const { id, needs } = packet.frame;
        for (const need of needs) assert.ok(sent.has(need), `seed ${seed}: ${id} needs ${need}`);
        assert.equal(ids.get(pictureId) ?? id, id, `seed ${seed}: one picture id for two frames`);
        ids.set(pictureId, id);
      }
      assert.ok(out.filter(({ blank }) => !blank).length > 200, `seed ${seed}`);
    }
  });

  it("[TMP4] keeps the place of what is missing: unwanted, it comes without payload", () => {
    const { thinning, out, take } = run();
    const encoder = new Encoder(2);
    const frames = (count: number) => {
      for (let at = 0; at < count; at++) for (const packet of encoder.next(false, 1)) take(packet);
    };
    for (const packet of encoder.next(true, 1)) take(packet);
    thinning.aim(0);
    // The first one is not wanted.
    frames(2);
    const [lost] = encoder.next(false, 1);
    frames(1);
    assert.ok(lost);
    take(lost);
    take(lost);
    assert.deepEqual(
      out.map(({ packet, sequence, blank }) => [packet.sequence - 1000, sequence - 1000, blank]),
      [
        [0, 0, false],
        [2, 1, false],
        [4, 3, false],
        [3, 2, true],
      ],
    );
  });

  it("[TMP5] begins in the middle: what came before is whole, and goes to its place", () => {
    const { thinning, out, take } = run();
    const encoder = new Encoder(3);
    const [before, first, upper, lower] = [true, false, false, false].map((key) => encoder.next(key, 2));
    assert.ok(before && first && upper && lower);
    thinning.aim(0);
    for (const packet of [first[1], first[0], before[1], ...upper, ...lower]) if (packet) take(packet);
    assert.deepEqual(
      out.map(({ packet, sequence }) => [packet.sequence - 1000, sequence - 1000]),
      [
        [3, 3],
        [2, 2],
        [1, 1],
      ],
    );
  });

  it("[TMP6] is settled when all goes out, and nothing from before can come late", () => {
    const { thinning, take } = run();
    const encoder = new Encoder(2);
    const frames = (count: number, keyFrame = false, lose = false) => {
      for (let at = 0; at < count; at++) {
        for (const packet of encoder.next(keyFrame && at === 0, 1)) {
          if (!lose) take(packet);
        }
      }
      return thinning.isSettled;
    };
    assert.equal(frames(4, true), true, "nothing is left out");
    thinning.aim(0);
    assert.equal(frames(8), false);
    thinning.aim(Infinity);
    assert.equal(frames(8), true);
    frames(1, false, true);
    assert.equal(frames(250), false, "it may yet come");
    assert.equal(frames(20), true);
    assert.equal(thinning.droppedPackets, 4);
    assert.equal(thinning.droppedPictures, 4);
  });

  it("[TMP7] follows a sender that counts its pictures anew", () => {
    const { thinning, out, take } = run();
    thinning.aim(1);
    const encoder = new Encoder(2, { id: 5000, sequence: 1000 });
    for (let at = 0; at < 20; at++) for (const packet of encoder.next(at === 0, 1)) take(packet);
    const again = new Encoder(2, { id: 100, sequence: 1020 });
    for (let at = 0; at < 20; at++) for (const packet of again.next(at === 0, 1)) take(packet);
    assert.equal(out.length, 40);
    assert.equal(out.filter(({ blank }) => blank).length, 0);
  });

  it("[TMP8] tells the layers that packets name, with their share of frames and their rates", () => {
    const layers = new TemporalLayers();
    const whole: LayerState = { rid: "f", width: 1280, height: 720, bitrateBps: 8000, active: true };
    assert.deepEqual(layers.states(whole, 1000), []);
    for (const [tid, bytes] of [
      [0, 400],
      [2, 200],
      [1, 100],
      [2, 300],
    ] as const)
      layers.note(tid, false, bytes, 1000);
    assert.deepEqual(
      layers.states(whole, 1000).map(({ rid, bitrateBps, frames, width }) => [rid, bitrateBps, frames, width]),
      [
        ["f:S0T0", 3200, 0.25, 1280],
        ["f:S0T1", 4000, 0.5, 1280],
      ],
    );
    layers.note(-1, false, 100, 1000);
    assert.equal(layers.count, 3, "a packet without TID may be any");
    layers.note(-1, true, 100, 1000);
    assert.deepEqual(layers.states(whole, 1000), []);
  });
});
