import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { heldRate, losses, memorySlope, type ReceiverCount, type Way } from "../media/verdict.ts";

const MIB = 2 ** 20;

describe("the verdict of a long media run", () => {
  const memory = (rss: (at: number) => number) =>
    memorySlope(Array.from({ length: 40 }, (_, at) => ({ atMs: 5000 * at, rssBytes: rss(at) * MIB })));

  it("takes memory that goes up and down for flat, whatever it did at the beginning", () => {
    const { flat, growthBytes } = memory((at) => (at < 8 ? 60 + 4 * at : 100 + 3 * (at % 3)));
    assert.equal(flat, true);
    assert.ok(Math.abs(growthBytes) < MIB, `${growthBytes}`);
  });

  it("sees memory grow, though no two readings differ by much", () => {
    const { flat, bytesPerMs } = memory((at) => 100 + 0.3 * at + (at % 3));
    assert.equal(flat, false);
    assert.equal(Math.round((bytesPerMs * 5000) / MIB / 0.1), 3);
  });

  const WAY: Way = {
    sent: 1000,
    droppedAtServer: 0,
    taken: 1000,
    forwardedLeast: 1000,
    forwardedMost: 1000,
    refused: 0,
  };
  const ALL: ReceiverCount = { expected: 1000, received: 1000, media: 1000, doubled: 0, dropped: 0 };

  it("finds nothing lost where everything came once", () => {
    assert.deepEqual(losses(WAY, [ALL, ALL]), { ahead: 0, inside: 0, behind: 0, byLoad: 0, doubled: 0, none: true });
  });

  it("tells where packets were lost", () => {
    assert.equal(
      losses({ ...WAY, taken: 990, forwardedLeast: 990, forwardedMost: 990 }, [
        { ...ALL, expected: 990, received: 990, media: 990 },
      ]).ahead,
      10,
    );
    assert.equal(
      losses({ ...WAY, forwardedLeast: 995 }, [{ ...ALL, received: 995, media: 995, expected: 995 }]).inside,
      5,
    );
    assert.equal(losses(WAY, [ALL, { ...ALL, received: 998, media: 998 }]).behind, 2);
    assert.equal(
      losses(WAY, [{ ...ALL, expected: 997, received: 997, media: 997 }]).behind,
      3,
      "the last ones show no gap",
    );
    for (const one of [{ taken: 990 }, { refused: 1 }]) assert.equal(losses({ ...WAY, ...one }, [ALL]).none, false);
    assert.equal(losses(WAY, [{ ...ALL, doubled: 1 }]).none, false);
  });

  it("does not hold against the server what the receivers' own sockets dropped", () => {
    const { byLoad, behind, none } = losses(WAY, [{ ...ALL, received: 998, media: 998, dropped: 2 }]);
    assert.deepEqual([byLoad, behind, none], [2, 0, true]);
  });

  it("wants the load to have been what it was to be", () => {
    assert.deepEqual([heldRate(990, 1000), heldRate(970, 1000)], [true, false]);
  });
});
