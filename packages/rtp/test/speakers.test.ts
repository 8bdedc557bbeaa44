import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom, unit } from "@lodeline/base";
import { PRE_ROLL_MS, PreRoll, SPEAKER_SETTINGS, SpeakerSelector } from "@lodeline/rtp";

const PACKET_MS = 20;

/** Microphones that send a packet every 20 ms, each with a level by time. */
class Table {
  readonly selector: SpeakerSelector;
  readonly heard = new Set<string>();
  readonly changes: string[] = [];
  now = 0;
  readonly #levels = new Map<string, (now: number) => number | undefined>();

  constructor(most: number, names: readonly string[]) {
    this.selector = new SpeakerSelector(most);
    for (const name of names) this.#levels.set(name, () => -70);
  }

  /** From now on: a constant level, or one by time; `undefined` sends nothing. */
  set(name: string, level: number | undefined | ((now: number) => number | undefined)): void {
    this.#levels.set(name, typeof level === "function" ? level : () => level);
  }

  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += PACKET_MS) {
      for (const [name, level] of this.#levels) {
        const is = level(this.now);
        if (is !== undefined) this.selector.handle(name, is, false, this.now);
        this.#take();
      }
    }
  }

  #take(): void {
    for (const { id, heard } of this.selector.poll()) {
      if (heard) this.heard.add(id);
      else this.heard.delete(id);
      this.changes.push(`${this.now} ${heard ? "+" : "-"}${id}`);
    }
  }
}

const names = (count: number) => Array.from({ length: count }, (_, i) => `m${i}`);

describe("the loudest speakers", () => {
  it("[SPK1] all are heard while no more send than may be", () => {
    const table = new Table(3, names(3));
    table.run(5_000);
    assert.deepEqual([...table.heard].sort(), ["m0", "m1", "m2"]);
    assert.equal(table.changes.length, 3);
  });

  it("[SPK2] who begins to speak takes the place of who has been silent longest, within two packets", () => {
    const table = new Table(3, names(12));
    table.run(2_000);
    table.set("m1", -25);
    table.run(1_000);
    table.set("m1", -70);
    table.run(1_000);
    const before = table.changes.length;
    const beganAt = table.now;
    table.set("m7", -25);
    table.run(200);
    assert.deepEqual(table.changes.slice(before), [`${beganAt + PACKET_MS} -m0`, `${beganAt + PACKET_MS} +m7`]);
    table.set("m8", -25);
    table.run(200);
    assert.deepEqual([...table.heard].sort(), ["m1", "m7", "m8"], "who spoke last keeps the place");
  });

  it("[SPK3] a click lets nobody in; pauses within speech shut nobody out", () => {
    const table = new Table(2, names(6));
    table.run(1_000);
    const before = table.changes.length;
    table.set("m4", (now) => (now % 400 === 0 ? -15 : -70));
    table.run(4_000);
    assert.equal(table.changes.length, before);
    // Syllables of 200 ms with pauses of 300 ms, of two at once; a third who says a word in between waits for a place.
    for (const name of ["m2", "m3"]) table.set(name, (now) => (now % 500 < 200 ? -30 : -70));
    table.run(1_000);
    const spoken = table.changes.length;
    table.set("m5", -33);
    table.run(5_000);
    assert.equal(table.changes.length, spoken);
    assert.equal(table.selector.standing("m5", table.now), "speaking");
    assert.equal(table.selector.standing("m0", table.now), "silent");
    table.set("m2", -70);
    table.run(1_500);
    assert.equal(table.selector.standing("m5", table.now), "heard");
  });

  it("[SPK4] among those who speak at once the clearly louder one comes in, after a while, and the quietest goes", () => {
    const table = new Table(2, names(4));
    table.run(500);
    table.set("m0", -30);
    table.set("m1", -36);
    table.run(3_000);
    const before = table.changes.length;
    table.set("m2", -32);
    table.run(5_000);
    assert.equal(table.changes.length, before, "4 dB are not enough");
    table.set("m2", -22);
    table.run(2_000);
    assert.deepEqual([...table.heard].sort(), ["m0", "m2"]);
    assert.equal(table.changes.length, before + 2);
  });

  it("[SPK5] a microphone that sends no more gives its place away, spoken for or not", () => {
    const table = new Table(2, names(4));
    table.run(1_000);
    table.set("m0", undefined);
    table.run(SPEAKER_SETTINGS.goneMs + 600);
    assert.equal(table.heard.size, 2);
    assert.ok(!table.heard.has("m0"));
    table.selector.forget("m1");
    table.heard.delete("m1");
    table.set("m1", undefined);
    table.run(600);
    assert.deepEqual([...table.heard].sort(), ["m2", "m3"]);
  });

  it("[SPK6] another number is reached soon", () => {
    const table = new Table(3, names(6));
    table.set("m2", -30);
    table.run(2_000);
    table.selector.most = 1;
    table.run(300);
    assert.deepEqual([...table.heard], ["m2"]);
    table.selector.most = 6;
    table.run(300);
    assert.equal(table.heard.size, 6);
  });

  it("[SPK6] over random talk: never more than may be, a place for whoever speaks while one is silent, and no flapping", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const most = 1 + integer(random, 4);
      const table = new Table(most, names(12));
      const until = new Map<string, number>();
      const levels = new Map<string, boolean>();
      const spokeAt = new Map<string, number>();
      for (let step = 0; step < 300; step++) {
        for (const name of names(12)) {
          if ((until.get(name) ?? 0) > table.now) continue;
          const talks = unit(random) < 0.15;
          levels.set(name, talks);
          table.set(name, talks ? -20 - integer(random, 25) : -75);
          until.set(name, table.now + 300 + integer(random, 3_000));
        }
        const changes = table.changes.length;
        table.run(100);
        assert.ok(table.heard.size <= most, `seed ${seed}`);
        if (table.now > 100) assert.equal(table.heard.size, most, `seed ${seed}: no place stays empty`);
        const now = table.now;
        for (const name of names(12)) if (levels.get(name)) spokeAt.set(name, now);
        const waits = names(12).some((name) => table.selector.standing(name, now) === "speaking");
        const silent = [...table.heard].filter((name) => now - (spokeAt.get(name) ?? -Infinity) > 1_000);
        assert.ok(!waits || silent.length === 0, `seed ${seed} at ${now}: ${silent} have places and say nothing`);
        assert.ok(table.changes.length - changes <= 2 * 12, `seed ${seed}`);
      }
      assert.ok(table.changes.length < 2 * 300, `seed ${seed}: ${table.changes.length} changes in 30 s of 12`);
    }
  });
});

describe("the pre-roll", () => {
  const packet = (n: number) => Uint8Array.of(n, n);

  it("[SPK7] keeps copies of the last packets, no longer than the pre-roll, by sequence number", () => {
    const roll = new PreRoll();
    const bytes = packet(9);
    for (let i = 0; i < 20; i++) {
      bytes.fill(i);
      roll.keep(bytes, 1000 + (i ^ 1), i * PACKET_MS);
    }
    const now = 19 * PACKET_MS;
    const kept = roll.packets(now);
    assert.deepEqual(
      kept.map(({ sequence }) => sequence),
      [1014, 1016, 1017, 1018, 1019],
    );
    for (const { bytes, sequence } of kept) assert.equal(bytes[0], (sequence - 1000) ^ 1);
    assert.deepEqual(roll.packets(now + PRE_ROLL_MS), []);
    roll.clear();
    assert.deepEqual(roll.packets(now), []);
  });

  it("[SPK7] keeps neither many nor large ones", () => {
    const roll = new PreRoll();
    for (let i = 0; i < 1_000; i++) roll.keep(packet(i), i, 0);
    assert.deepEqual(
      roll.packets(0).map(({ sequence }) => sequence),
      Array.from({ length: 12 }, (_, i) => 988 + i),
    );
    roll.keep(new Uint8Array(2_000), 5_000, 0);
    assert.equal(roll.packets(0).at(-1)?.sequence, 999);
  });
});
