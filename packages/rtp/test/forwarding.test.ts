import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom, unit } from "@lodeline/base";
import { BitrateMeter, chooseLayer, LayerSelector, StreamRewriter } from "@lodeline/rtp";
import { found } from "./packets.ts";

const nothing = found({});

describe("one stream of many sources", () => {
  it("[FWD1] numbers are unique and gapless at changes, over seeded sources with loss and reordering", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const random = seededRandom(seed);
      const rewriter = new StreamRewriter(90_000, integer(random, 32_768), random.u32());
      const sent = new Set<number>();
      let newest: number | undefined;
      let now = 0;
      for (let source = 0; source < 30; source++) {
        const base = integer(random, 65_536);
        const order = Array.from({ length: 60 }, (_, i) => i).filter((i) => i === 0 || unit(random) > 0.1);
        const shuffled = order
          .map((i) => ({ i, at: i + 4 * unit(random) }))
          .sort((a, b) => (a.i === 0 ? -1 : b.i === 0 ? 1 : a.at - b.at));
        rewriter.begin(base, 12_345, now);
        let first = true;
        for (const { i } of shuffled) {
          assert.ok(rewriter.rewrite(base + i, 12_345 + 3000 * i, nothing, now++));
          const extended: number =
            newest === undefined
              ? rewriter.sequenceNumber
              : newest + (((rewriter.sequenceNumber - newest) << 16) >> 16);
          if (first && newest !== undefined) assert.equal(extended, newest + 1, `seed ${seed}: no gap at a change`);
          first = false;
          assert.ok(!sent.has(extended), `seed ${seed}: ${extended} was sent`);
          sent.add(extended);
          newest = Math.max(newest ?? extended, extended);
        }
      }
    }
  });

  it("[FWD2] time goes on by what passed, and by a tick at least", () => {
    const rewriter = new StreamRewriter(90_000, 100, 1000);
    rewriter.begin(7, 500_000, 0);
    rewriter.rewrite(7, 500_000, nothing, 0);
    assert.deepEqual([rewriter.sequenceNumber, rewriter.timestamp], [100, 1000]);
    rewriter.rewrite(8, 503_000, nothing, 33);
    assert.equal(rewriter.timestamp, 4000);
    rewriter.begin(60_000, 9, 133);
    rewriter.rewrite(60_000, 9, nothing, 133);
    assert.deepEqual([rewriter.sequenceNumber, rewriter.timestamp], [102, 4000 + 9000]);
    assert.equal(rewriter.mapTimestamp(9 + 90), 4000 + 9090);
    rewriter.begin(5, 5, 133);
    rewriter.rewrite(5, 5, nothing, 133);
    assert.equal(rewriter.timestamp, 13_001, "two sources never share a frame");
  });

  it("[FWD3] picture numbers run on, each in its own width", () => {
    const rewriter = new StreamRewriter(90_000, 0, 0);
    const picture = (pictureId: number, tl0PicIdx: number, bits: 7 | 15 = 15) =>
      found({ pictureIdBits: bits, pictureId, hasTl0PicIdx: true, tl0PicIdx });
    rewriter.begin(1, 0, 0);
    rewriter.rewrite(1, 0, picture(0x7fff, 255), 0);
    assert.deepEqual([rewriter.pictureId, rewriter.tl0PicIdx], [0x7fff, 255]);
    rewriter.begin(1, 0, 10);
    rewriter.rewrite(1, 0, picture(40, 9), 10);
    assert.deepEqual([rewriter.pictureId, rewriter.tl0PicIdx], [0, 0]);
    rewriter.rewrite(2, 3000, picture(41, 9), 20);
    assert.deepEqual([rewriter.pictureId, rewriter.tl0PicIdx], [1, 0]);
    rewriter.begin(1, 0, 30);
    rewriter.rewrite(1, 0, picture(100, 3, 7), 30);
    assert.deepEqual([rewriter.pictureId, rewriter.tl0PicIdx], [2, 1]);
  });

  it("[FWD4] what is older than the source's beginning has no place", () => {
    const rewriter = new StreamRewriter(90_000, 0, 0);
    rewriter.begin(100, 0, 0);
    assert.equal(rewriter.rewrite(100, 0, nothing, 0), true);
    assert.equal(rewriter.rewrite(99, 0, nothing, 0), false);
  });
});

const q = { rid: "q", width: 320, height: 180, bitrateBps: 150_000, active: true };
const h = { rid: "h", width: 640, height: 360, bitrateBps: 500_000, active: true };
const f = { rid: "f", width: 1280, height: 720, bitrateBps: 1_500_000, active: true };
const shows = (width: number, height: number, visible = true) => ({ width, height, visible });

describe("layers", () => {
  const cases = [
    [[f, q, h], shows(320, 180), undefined, "q", /320x180 fills 320x180/],
    [[f, q, h], shows(360, 200), undefined, "q", /fills/],
    [[f, q, h], shows(400, 225), undefined, "h", /fills/],
    [[f, q, h], shows(1920, 1080), undefined, "f", /largest that arrives/],
    [[f, q, h], shows(200, 1000), undefined, "q", /fills/],
    [[f, q, h], shows(0, 0), undefined, "f", /unknown/],
    [[f, q, h], shows(1280, 720, false), undefined, undefined, /not visible/],
    [[{ ...f, active: false }, q, h], shows(1280, 720), undefined, "h", /largest that arrives/],
    [[{ ...f, active: false }, { ...h, active: false }, q], shows(1280, 720), undefined, "q", /only layer/],
    [[{ ...q, active: false }], shows(320, 180), undefined, undefined, /no layer arrives/],
    [[], shows(320, 180), undefined, undefined, /no layer arrives/],
    [[f, q, h], shows(1280, 720), 600_000, "h", /600 kbit/],
    [[f, q, h], shows(1280, 720), 1000, "q", /kbit/],
    [
      [
        { ...h, width: 0, height: 0 },
        { ...q, width: 0, height: 0 },
      ],
      shows(320, 180),
      undefined,
      "h",
      /largest/,
    ],
  ] as const;
  for (const [layers, view, available, rid, why] of cases) {
    it(`[FWD5] ${layers.map((one) => one.rid + (one.active ? "" : " (gone)")).join(" ")} for ${JSON.stringify(view)} with ${available}: ${rid}`, () => {
      const choice = chooseLayer(layers, view, available);
      assert.equal(choice.rid, rid);
      assert.match(choice.why, why);
    });
  }

  it("[FWD6] changes on a key frame of the new layer and not before", () => {
    const selector = new LayerSelector();
    assert.equal(selector.decide("q", true), "drop");
    assert.equal(selector.choose({ rid: "q", why: "small" }), true);
    assert.equal(selector.decide("q", false), "drop");
    assert.equal(selector.decide("q", true), "begin");
    assert.equal(selector.choose({ rid: "f", why: "large" }), true);
    assert.equal(selector.choose({ rid: "f", why: "large" }), false, "asked once");
    assert.match(selector.why, /waiting for its key frame/);
    assert.equal(selector.decide("q", false), "forward");
    assert.equal(selector.decide("q", true), "forward");
    assert.equal(selector.decide("f", false), "drop");
    assert.equal(selector.decide("f", true), "begin");
    assert.equal(selector.decide("q", true), "drop");
    assert.equal(selector.why, "large");
    assert.deepEqual([selector.current, selector.target, selector.waiting], ["f", "f", false]);
  });

  it("[FWD6] a hidden view and a reset both begin again on a key frame", () => {
    const selector = new LayerSelector();
    selector.choose({ rid: "q", why: "" });
    selector.decide("q", true);
    selector.choose({ rid: undefined, why: "not visible" });
    assert.equal(selector.decide("q", true), "drop");
    assert.equal(selector.choose({ rid: "q", why: "" }), true);
    assert.equal(selector.decide("q", false), "drop");
    assert.equal(selector.decide("q", true), "begin");
    selector.reset();
    assert.equal(selector.decide("q", false), "drop");
    assert.equal(selector.decide("q", true), "begin");
  });

  it("[FWD7] a rate is what came in the last second", () => {
    const meter = new BitrateMeter();
    for (let now = 0; now < 3000; now += 10) meter.add(125, now);
    assert.equal(meter.bitrateBps(2999), 100_000);
    assert.equal(meter.bitrateBps(3499), 50_000);
    assert.equal(meter.bitrateBps(4100), 0);
    meter.add(125, 1_000_000);
    assert.equal(meter.bitrateBps(1_000_000), 1000);
  });
});
