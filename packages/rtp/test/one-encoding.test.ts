import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type LayerState, OneEncoding } from "@lodeline/rtp";

const layer = (rid: string, width: number, active = true): LayerState => ({
  rid,
  width,
  height: (width * 9) / 16,
  bitrateBps: width * 1000,
  active,
});
const ALL = [layer("q", 320), layer("h", 640), layer("f", 1280)];

describe("one encoding for all", () => {
  it("[FWD8] nobody asks: everybody chooses, and nothing is reached", () => {
    const one = new OneEncoding();
    assert.equal(one.target(ALL, 0), undefined);
    assert.equal(one.reached(ALL, ["f"], 10_000), undefined);
  });

  it("[FWD8] is reached when each has the largest that arrives, and it has been that for a while", () => {
    const one = new OneEncoding();
    one.ask(true);
    const growing = [layer("q", 320), layer("h", 640), layer("f", 1280, false)];
    assert.equal(one.target(growing, 0), "h");
    assert.equal(one.reached(growing, ["h"], 599), undefined);
    assert.equal(one.target(ALL, 599), "f");
    assert.equal(one.reached(ALL, ["h"], 2_000), undefined);
    assert.equal(one.reached(ALL, ["f", ""], 2_000), undefined, "one waits for its key frame");
    assert.equal(one.reached(ALL, ["f", undefined], 2_000), "f", "who shows nothing is not waited for");
  });

  it("[FWD8] where nobody wants any it is reached at once; asked again it begins anew", () => {
    const one = new OneEncoding();
    one.ask(true);
    assert.equal(one.reached(ALL, [undefined], 0), "");
    assert.equal(one.reached(ALL, ["f"], 1_000), "f");
    one.ask(false);
    assert.equal(one.reached(ALL, ["f"], 1_000), undefined);
    one.ask(true);
    assert.equal(one.reached(ALL, ["f"], 1_100), undefined);
    assert.equal(one.reached(ALL, ["f"], 1_700), "f");
  });
});
