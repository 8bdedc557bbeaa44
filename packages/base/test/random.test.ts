import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createId, createSecret, cryptoRandom, integer, seededRandom, unit } from "@lodeline/base";

const DRAWS = 100_000;

describe("chance", () => {
  it("[BASE5] repeats with the seed and differs between seeds", () => {
    const draw = (seed: number) => {
      const random = seededRandom(seed);
      return Array.from({ length: 50 }, () => random.u32());
    };
    assert.deepEqual(draw(7), draw(7));
    const firsts = new Set(Array.from({ length: 1000 }, (_, seed) => draw(seed)[0]));
    assert.equal(firsts.size, 1000);
  });

  it("[BASE5] sets every bit about half of the time, and neighbours do not go together", () => {
    for (const seed of [0, 1, 42, 2 ** 31]) {
      const random = seededRandom(seed);
      const ones = new Array<number>(32).fill(0);
      let same = 0;
      let last = 0;
      for (let i = 0; i < DRAWS; i++) {
        const word = random.u32();
        assert.ok(Number.isInteger(word) && word >= 0 && word < 2 ** 32);
        for (let bit = 0; bit < 32; bit++) ones[bit] = (ones[bit] ?? 0) + ((word >>> bit) & 1);
        if (((word ^ last) & 0x80000000) === 0) same += 1;
        last = word;
      }
      // Five standard deviations of a fair coin thrown 100,000 times are 791.
      for (const count of [...ones, same]) assert.ok(Math.abs(count - DRAWS / 2) < 800, `seed ${seed}: ${count}`);
    }
  });

  it("[BASE6] unit stays below 1 and integer within its bounds, evenly", () => {
    assert.equal(unit({ u32: () => 0 }), 0);
    assert.ok(unit({ u32: () => 2 ** 32 - 1 }) < 1);
    assert.equal(integer({ u32: () => 2 ** 32 - 1 }, 7), 6);
    assert.equal(integer({ u32: () => 2 ** 32 - 1 }, 2 ** 32), 2 ** 32 - 1);
    const random = seededRandom(3);
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < DRAWS; i++) {
      const drawn = integer(random, 10);
      counts[drawn] = (counts[drawn] ?? 0) + 1;
    }
    for (const count of counts) assert.ok(Math.abs(count - DRAWS / 10) < 500, `${counts}`);
  });

  it("[BASE7] hands out each word of the platform once", () => {
    let filled = 0;
    const random = cryptoRandom((into) => {
      for (let i = 0; i < into.length; i++) into[i] = filled++;
    });
    const drawn = Array.from({ length: 200 }, () => random.u32());
    assert.deepEqual(
      drawn,
      Array.from({ length: 200 }, (_, i) => i),
    );
  });

  it("[BASE8] makes ids and secrets of unmistakable signs, none twice, each sign as often as any other", () => {
    const random = seededRandom(11);
    const seen = new Set<string>();
    const counts = new Map<string, number>();
    for (let i = 0; i < 5_000; i++) {
      const id = createId(random, "p");
      assert.match(id, /^p_[0-9a-hjkmnp-tv-z]{16}$/);
      seen.add(id);
      for (const sign of id.slice(2)) counts.set(sign, (counts.get(sign) ?? 0) + 1);
    }
    assert.equal(seen.size, 5_000);
    assert.equal(counts.size, 32);
    for (const [sign, count] of counts) assert.ok(Math.abs(count - 2_500) < 250, `${sign}: ${count}`);
    assert.match(createSecret(random), /^[0-9a-hjkmnp-tv-z]{32}$/);
    assert.equal(createSecret(random, 7).length, 7);
  });
});
