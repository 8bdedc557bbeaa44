import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import {
  carrierOf,
  chooseLayer,
  DecodeTargetSelector,
  encodeDescriptor,
  INDICATION,
  PayloadInspector,
  ScalableLayers,
  SequenceCompactor,
} from "@lodeline/rtp";
import { hex, parsed } from "./packets.ts";
import { L3T3, LayeredEncoder, vp9Payload } from "./scalable-stream.ts";

function selector(target: number): DecodeTargetSelector {
  const made = new DecodeTargetSelector();
  made.restructure(L3T3);
  made.aim(target);
  return made;
}

/** Spatial and temporal layer of what is forwarded of so many pictures. */
function forwarded(made: DecodeTargetSelector, encoder: LayeredEncoder, pictures: number, keyAt = -1): string[] {
  return Array.from({ length: pictures }, (_, at) =>
    encoder
      .next(at === keyAt)
      .filter((frame) => made.decide(frame) !== "drop")
      .map(({ spatialLayer, temporalLayer }) => `S${spatialLayer}T${temporalLayer}`)
      .join("+"),
  );
}

describe("the layers of a scalable stream", () => {
  it("[SVC1] whatever is asked for and when, every frame that is forwarded can be decoded", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seededRandom(seed);
      const encoder = new LayeredEncoder(seed % 2 === 0);
      const made = selector(integer(random, 9));
      const sent = new Set<number>();
      let aimed = made.target;
      for (let picture = 0; picture < 400; picture++) {
        if (integer(random, 10) === 0) aimed = integer(random, 9);
        made.aim(aimed);
        let top = -1;
        for (const frame of encoder.next(picture === 0 || integer(random, 40) === 0)) {
          const verdict = made.decide(frame);
          assert.equal(made.decide(frame) === "drop", verdict === "drop", "one verdict for all packets of a frame");
          // A wish that comes in the middle of a picture waits for the next one.
          if (integer(random, 30) === 0) aimed = integer(random, 9);
          made.aim(aimed);
          if (verdict === "drop") continue;
          for (const needed of frame.needs)
            assert.ok(sent.has(needed), `seed ${seed}: ${frame.number} without ${needed}`);
          sent.add(frame.number);
          top = frame.spatialLayer;
        }
        if (top >= 0) assert.equal(top, made.spatialLayer, `seed ${seed}: the picture ends with its highest layer`);
      }
      for (let picture = 0; picture < 8; picture++) for (const frame of encoder.next(picture === 0)) made.decide(frame);
      assert.equal(made.current, aimed, `seed ${seed}`);
    }
  });

  it("[SVC1] of VP9 too, whose descriptor tells no references", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seededRandom(seed);
      const onlyInKeys = seed % 2 === 0;
      const encoder = new LayeredEncoder(onlyInKeys);
      const layers = new ScalableLayers();
      const payload = new PayloadInspector();
      const made = new DecodeTargetSelector();
      const sent = new Set<number>();
      let aimed = "S2T2";
      for (let picture = 0; picture < 300; picture++) {
        if (picture > 8 && integer(random, 10) === 0) aimed = `S${integer(random, 3)}T${integer(random, 3)}`;
        for (const frame of encoder.next(picture === 0 || integer(random, 40) === 0)) {
          const body = Buffer.from(vp9Payload(frame, onlyInKeys)).toString("hex");
          const packet = parsed(hex(`80 e2 0001 ${(3000 * picture).toString(16).padStart(8, "0")} 00000007 ${body}`));
          payload.inspect("vp9", packet);
          layers.handle(packet, payload, undefined, 33 * picture);
          if (picture === 0 && frame.spatialLayer === 0) made.restructure(layers.targets);
          made.aim(layers.targetOf(aimed));
          if (layers.frame === undefined || made.decide(layers.frame) === "drop") continue;
          for (const needed of frame.needs)
            assert.ok(sent.has(needed), `seed ${seed}: ${frame.number} without ${needed}`);
          sent.add(frame.number);
        }
      }
      assert.ok(sent.size > 100, `seed ${seed}: ${sent.size} frames`);
    }
  });

  it("[SVC2] goes down between two pictures where the lower layers were sent along, and needs a key frame where not", () => {
    const full = new LayeredEncoder(false);
    const made = selector(8);
    assert.deepEqual(forwarded(made, full, 3), ["S0T0+S1T0+S2T0", "S0T2+S1T2+S2T2", "S0T1+S1T1+S2T1"]);
    made.aim(2);
    assert.equal(made.needsKeyFrame, false);
    assert.deepEqual(forwarded(made, full, 2), ["S0T2", "S0T0"]);
    const keys = new LayeredEncoder(true);
    const other = selector(8);
    assert.deepEqual(forwarded(other, keys, 3), ["S0T0+S1T0+S2T0", "S2T2", "S2T1"]);
    other.aim(2);
    assert.equal(other.needsKeyFrame, true);
    assert.deepEqual(forwarded(other, keys, 3, 1), ["S2T2", "S0T0", "S0T2"]);
  });

  it("[SVC2] goes up in size at a key frame only, and says that it needs one", () => {
    const encoder = new LayeredEncoder(false);
    const made = selector(2);
    assert.deepEqual(forwarded(made, encoder, 2), ["S0T0", "S0T2"]);
    made.aim(8);
    assert.equal(made.needsKeyFrame, true);
    assert.deepEqual(forwarded(made, encoder, 4, 3), ["S0T1", "S0T2", "S0T0", "S0T0+S1T0+S2T0"]);
  });

  it("[SVC3] frames are left out at once and taken up again at a switching point, without a key frame", () => {
    const encoder = new LayeredEncoder(false);
    const made = selector(2);
    forwarded(made, encoder, 4);
    made.aim(0);
    assert.deepEqual(forwarded(made, encoder, 4), ["S0T0", "", "", ""]);
    made.aim(2);
    assert.equal(made.needsKeyFrame, false);
    assert.deepEqual(forwarded(made, encoder, 4), ["S0T0", "S0T2", "S0T1", "S0T2"]);
  });

  it("[SVC2] nothing is forwarded before a key frame", () => {
    const encoder = new LayeredEncoder(false);
    encoder.next(true);
    const made = selector(8);
    assert.deepEqual(forwarded(made, encoder, 3, 2), ["", "", "S0T0+S1T0+S2T0"]);
  });

  it("[SVC4] dropped packets leave no gap, late ones keep their place, and each number is given once", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seededRandom(seed);
      const compactor = new SequenceCompactor();
      const given = new Set<number>();
      const order = Array.from({ length: 3000 }, (_, at) => ({
        at,
        when: at + integer(random, 6) * integer(random, 2),
      }));
      order.sort((a, b) => a.when - b.when);
      for (const { at } of order) {
        const outgoing = compactor.take(at, integer(random, 3) > 0);
        if (outgoing === undefined) continue;
        assert.ok(!given.has(outgoing), `seed ${seed}: ${outgoing} twice`);
        given.add(outgoing);
        assert.equal(compactor.take(at, true), undefined, "once");
      }
      const numbers = [...given].sort((a, b) => a - b);
      assert.equal((numbers.at(-1) ?? 0) - (numbers[0] ?? 0), numbers.length - 1, `seed ${seed}: no gap`);
    }
  });

  it("[SVC5] a VP9 stream has the layers and sizes that its packets tell, and a size is chosen at all its frames", () => {
    const layers = new ScalableLayers();
    const payload = new PayloadInspector();
    const feed = (body: string, now: number) => {
      const packet = parsed(hex(`80 e2 0001 00000001 00000007 ${body}`));
      payload.inspect("vp9", packet);
      layers.handle(packet, payload, undefined, now);
      return layers.frame;
    };
    // Key picture: S0 with the structure of two layers, then S1 which depends on it.
    const first = feed("aa 8101 00 07 38 0140 00b4 0280 0168 01 04 05 ff", 1000);
    assert.deepEqual([first?.keyFrame, first?.spatialLayer, first?.base], [true, 0, -1]);
    assert.deepEqual(Array.from(first?.indications ?? []).slice(0, 8), Array(8).fill(INDICATION.switch));
    const second = feed("ac 8101 03 07 ff", 1000);
    assert.equal((second?.number ?? 0) - (first?.number ?? 0), 1);
    // A picture of the second temporal layer, at which one may switch up.
    const third = feed("ec 8102 30 07 ff", 1033);
    assert.equal(third?.indications[1], INDICATION.switch);
    feed("ec 8102 33 07 ff", 1033);
    const stream = { rid: "", width: 0, height: 0, bitrateBps: 0, active: true };
    const states = layers.states(stream, 1100);
    assert.deepEqual(
      states.map(({ rid, width, height, active, frames }) => [rid, width, height, active, frames]),
      [
        ["S0T0", 320, 180, true, 0.5],
        ["S0T1", 320, 180, true, 1],
        ["S1T0", 640, 360, true, 0.5],
        ["S1T1", 640, 360, true, 1],
      ],
    );
    const view = { width: 300, height: 160, visible: true };
    assert.equal(chooseLayer(states, view).rid, "S0T1");
    assert.equal(chooseLayer(states, { ...view, width: 640, height: 360 }).rid, "S1T1");
    assert.equal(layers.targetOf("S1T1"), 5);
  });

  it("[SVC5] a stream with a dependency descriptor has its decode targets; those not produced are not chosen", () => {
    const templates = [
      { spatialLayer: 0, temporalLayer: 0, indications: [2, 2], frameDiffs: [], chainDiffs: [] },
      { spatialLayer: 1, temporalLayer: 0, indications: [0, 2], frameDiffs: [1], chainDiffs: [] },
    ];
    const targets = [0, 1].map((spatialLayer) => ({ spatialLayer, temporalLayer: 0 }));
    const resolutions = [1, 2].map((times) => ({ width: 320 * times, height: 180 * times }));
    const attached = { templateIdOffset: 0, targets, templates, chainCount: 0, protectedBy: [], resolutions };
    const fields = {
      startOfFrame: true,
      endOfFrame: true,
      templateId: 0,
      frameNumber: 9,
      customIndications: undefined,
      customFrameDiffs: undefined,
      customChainDiffs: undefined,
    };
    const layers = new ScalableLayers();
    const payload = new PayloadInspector();
    const feed = (descriptor: Uint8Array | undefined) => {
      const element = Buffer.concat([Buffer.of(6, descriptor?.length ?? 0), descriptor ?? Buffer.alloc(0)]);
      const words = Math.ceil(element.length / 4);
      const block = Buffer.concat([element, Buffer.alloc(4 * words - element.length)]).toString("hex");
      const packet = parsed(
        hex(`90 e2 0001 00000001 00000007 1000 ${words.toString(16).padStart(4, "0")} ${block} 10 ff`),
      );
      payload.inspect("av1", packet);
      layers.handle(packet, payload, 6, 1000);
      return layers.frame;
    };
    const early = feed(encodeDescriptor({ ...fields, attached: undefined, activeTargets: undefined }, 2));
    assert.equal(early, undefined, "without a structure nothing is known");
    assert.equal(feed(encodeDescriptor({ ...fields, attached, activeTargets: 3 }, 2))?.keyFrame, true);
    const next = { ...fields, templateId: 1, frameNumber: 10, attached: undefined, activeTargets: 1 };
    const frame = feed(encodeDescriptor(next, 2));
    assert.deepEqual([frame?.spatialLayer, frame?.frameDiffs, layers.isSpatial], [1, [1], true]);
    const states = layers.states({ rid: "q", width: 0, height: 0, bitrateBps: 0, active: true }, 1000);
    assert.deepEqual(
      states.map(({ rid, width, active }) => [rid, width, active]),
      [
        ["q:S0T0", 320, true],
        ["q:S1T0", 640, false],
      ],
    );
    assert.deepEqual(["q:S1T0", "S1T0", "q", ""].map(carrierOf), ["q", "", "q", ""]);
  });
});
