import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { chance, DurableStore, VirtualClock } from "@lodeline/testkit";

const put = (owner: string) => ({
  fresh: false,
  drops: [],
  puts: [{ kind: "room" as const, owner, key: 0, value: "{}" }],
});

describe("DurableStore", () => {
  it("[KIT15] a save is told when it is durable, in order", () => {
    const clock = new VirtualClock();
    const store = new DurableStore({ clock, chance: chance(1), commitMs: 100 });
    const told: string[] = [];
    for (const owner of ["a", "b", "c"]) store.save(put(owner), () => told.push(owner));
    assert.equal(store.size, 0);
    clock.advance(300);
    assert.deepEqual(told, ["a", "b", "c"]);
    assert.equal(store.size, 3);
  });

  it("[KIT15] a kill loses an end of what was under way, tells nobody, and keeps what was told", () => {
    const left = new Set<number>();
    for (let seed = 1; seed <= 40; seed++) {
      const clock = new VirtualClock();
      const store = new DurableStore({ clock, chance: chance(seed), commitMs: 100 });
      const told: string[] = [];
      for (const owner of ["a", "b", "c"]) store.save(put(owner), () => told.push(owner));
      clock.advance(60);
      const before = told.length;
      store.kill();
      clock.advance(1_000);
      assert.equal(told.length, before);
      const owners = store.image().records.map((record) => record.owner);
      assert.deepEqual(owners, ["a", "b", "c"].slice(0, owners.length), "a first part");
      assert.ok(owners.length >= before, "what was told is kept");
      left.add(owners.length - before);
    }
    assert.ok(left.size > 1, "sometimes more was written than was told");
  });
});
