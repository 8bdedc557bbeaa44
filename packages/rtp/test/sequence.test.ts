import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import { ReplayWindow, SequenceUnwrapper, sequenceDistance, timestampDistance } from "@lodeline/rtp";

describe("numbers on a circle", () => {
  it("[SEQ1] counts the short way round", () => {
    assert.equal(sequenceDistance(0, 65535), 1);
    assert.equal(sequenceDistance(65535, 0), -1);
    assert.equal(sequenceDistance(32767, 0), 32767);
    assert.equal(sequenceDistance(5, 5), 0);
    assert.equal(timestampDistance(5, 0xfffffffb), 10);
    assert.equal(timestampDistance(0xfffffffb, 5), -10);
  });

  it("[SEQ2] unwraps as an endless counter would, with reordering, over many wraps", () => {
    const unwrapper = new SequenceUnwrapper();
    const random = seededRandom(3);
    unwrapper.unwrap(65_000);
    for (let at = 65_000; at < 400_000; at += 37) {
      const actual = Math.max(65_000, at - integer(random, 500));
      assert.equal(unwrapper.unwrap(actual & 0xffff), actual);
    }
  });

  it("[SEQ2] looking at a number does not make it the newest", () => {
    const unwrapper = new SequenceUnwrapper();
    assert.equal(unwrapper.peek(9), 9);
    unwrapper.unwrap(100);
    assert.equal(unwrapper.peek(20_100), 20_100);
    assert.equal(unwrapper.newest, 100);
    assert.equal(unwrapper.peek(65_535), -1);
    unwrapper.reset();
    assert.equal(unwrapper.newest, undefined);
  });
});

describe("the replay window", () => {
  it("[REPLAY1] accepts each packet once, in any order within the window", () => {
    const window = new ReplayWindow(64);
    const random = seededRandom(11);
    const accepted = new Set<number>();
    let newest = -1;
    for (let i = 0; i < 20_000; i++) {
      const index = Math.max(0, newest - 100 + integer(random, 110));
      const expected = index > newest - 64 && !accepted.has(index);
      assert.equal(window.check(index), expected, `index ${index}, newest ${newest}`);
      if (!expected) continue;
      window.commit(index);
      accepted.add(index);
      newest = Math.max(newest, index);
    }
  });

  it("[REPLAY1] forgets the whole window after a jump", () => {
    const window = new ReplayWindow(64);
    for (let index = 0; index < 64; index++) window.commit(index);
    window.commit(1000);
    for (let index = 937; index < 1000; index++) assert.equal(window.check(index), true);
    assert.equal(window.check(936), false);
    assert.equal(window.check(-1), false);
  });

  it("[REPLAY2] is not moved by a check", () => {
    const window = new ReplayWindow(64);
    window.commit(10);
    assert.equal(window.check(1_000_000), true);
    assert.equal(window.check(9), true);
    assert.equal(window.newest, 10);
  });
});
