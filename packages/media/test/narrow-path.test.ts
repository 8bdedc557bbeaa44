import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pausing } from "@lodeline/rtp";
import { type Division, NarrowPath } from "../src/narrow-path.ts";

const SHORT: Division = { short: true, paused: true, few: false, shows: true };
const WAITING: Division = { short: false, paused: true, few: false, shows: false };
const FITS: Division = { short: false, paused: false, few: false, shows: false };

/** Judges the same again and again. @returns When that first had an outcome, since `from`; `undefined`: never. */
function until(path: NarrowPath, division: Division, from: number, forMs: number, wanted: () => boolean) {
  for (let now = from; now <= from + forMs; now += 50) {
    path.judge(division, now);
    if (wanted()) return now - from;
  }
  return undefined;
}

describe("a path that may be narrow", () => {
  it("[SFU12] few frames after a second of proof, a pause after another", () => {
    const path = new NarrowPath();
    assert.equal(path.judge(SHORT, 0), "nobody");
    assert.equal(
      until(path, SHORT, 50, 5_000, () => path.isNarrow),
      950,
    );
    assert.equal(path.judge(SHORT, 1_900), "nobody");
    assert.equal(path.judge(SHORT, 2_000), "anybody");
    assert.equal(path.judge(WAITING, 2_050), "waiting");
  });

  it("[SFU12] what does not show, or not all the time, proves nothing", () => {
    const path = new NarrowPath();
    for (let now = 0; now < 60_000; now += 50) {
      const shows = now % 900 !== 0;
      assert.equal(path.judge({ ...SHORT, shows }, now), "nobody");
      assert.equal(path.isNarrow, false);
    }
  });

  it("[SFU12] the receiver's own word is proof at once", () => {
    const path = new NarrowPath();
    assert.equal(path.judge({ ...SHORT, shows: "told" }, 0), "nobody");
    assert.equal(path.isNarrow, true);
    assert.equal(path.judge({ ...SHORT, shows: "told" }, 0), "anybody");
  });

  it("[SFU12] what is paused is tried again, and later each time that was too early", () => {
    const path = new NarrowPath();
    let now = 0;
    /** @returns How long that took. */
    const lets = (division: Division, until: (pausing: Pausing) => boolean) => {
      const from = now;
      for (; !until(path.judge(division, now)); now += 50) assert.ok(now < from + 100_000, "it never does");
      return now - from;
    };
    const pausedFor = () => {
      lets(SHORT, (pausing) => pausing === "anybody");
      return lets(WAITING, (pausing) => pausing !== "waiting");
    };
    assert.deepEqual(Array.from({ length: 6 }, pausedFor), [5_000, 10_000, 20_000, 40_000, 40_000, 40_000]);
    path.judge(FITS, now);
    now += 60_000;
    assert.equal(pausedFor(), 5_000, "long after that from the beginning");
  });
});
