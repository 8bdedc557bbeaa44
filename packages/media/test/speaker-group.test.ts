import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSpeakerRig, type ReadSpeech } from "@lodeline/media/speaker-rig";

const PACKET_MS = 20;
const SPEAKERS = 12;

/** Twelve microphones in step, each at its own level. */
class Room {
  readonly levels = new Array<number>(SPEAKERS).fill(-75);
  readonly got: (ReadSpeech & { readonly at: number })[] = [];
  now = 0;
  readonly #rig = createSpeakerRig({
    speakers: SPEAKERS,
    most: 3,
    send: (bytes) => this.got.push({ ...this.#rig.read(Buffer.from(bytes)), at: this.now }),
  });

  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; this.now += PACKET_MS) {
      for (const [speaker, level] of this.levels.entries()) {
        this.#rig.handle(speaker, this.#rig.packet(speaker, level), this.now);
      }
    }
  }

  /** Whose packets came in a span. */
  speakers(from: number, to: number): number[] {
    const of = this.got.filter(({ at }) => at >= from && at < to).map(({ speaker }) => speaker);
    return [...new Set(of)].sort((a, b) => a - b);
  }
}

describe("twelve microphones, three forwarded", () => {
  it("[SFU11] three streams leave, and a new speaker's first packets are sent before it is noticed", () => {
    const room = new Room();
    room.run(2_000);
    assert.deepEqual(room.speakers(0, 2_000), [0, 1, 2]);
    for (const [turn, speaker] of [7, 3, 11, 5, 7, 0].entries()) {
      const beganAt = room.now;
      room.levels[speaker] = -28;
      room.run(1_000);
      room.levels[speaker] = -75;
      room.run(1_000);
      const mine = room.got.filter((one) => one.speaker === speaker && one.at >= beganAt);
      const first = Math.min(...mine.map(({ index }) => index));
      assert.ok(first * PACKET_MS <= beganAt, `turn ${turn}: cut by ${first * PACKET_MS - beganAt} ms`);
      assert.ok((mine[0]?.at ?? 0) - beganAt <= 2 * PACKET_MS, `turn ${turn}`);
      assert.equal(room.speakers(beganAt + 100, room.now).length, 3, `turn ${turn}`);
    }
  });

  it("[SFU11] what is let in again goes on with the next number, and its time by what passed", () => {
    const room = new Room();
    room.run(1_000);
    for (const speaker of [4, 5, 6]) {
      room.levels[speaker] = -30;
      room.run(300);
      room.levels[speaker] = -75;
      room.run(1_700);
    }
    assert.deepEqual(room.speakers(room.now - 200, room.now), [4, 5, 6]);
    room.levels[0] = -30;
    room.run(500);
    const mine = room.got.filter(({ speaker }) => speaker === 0);
    const again = mine.findIndex(({ index }, i) => index - (mine[i - 1]?.index ?? index) > 1);
    assert.ok(again > 0);
    for (const [i, one] of mine.entries()) {
      const before = mine[i - 1];
      if (before === undefined) continue;
      assert.equal((one.sequenceNumber - before.sequenceNumber) & 0xffff, 1);
      const ticks = (one.timestamp - before.timestamp) >>> 0;
      const expected = (one.index - before.index) * 960;
      assert.ok(Math.abs(ticks - expected) <= 2 * 960, `${ticks} ticks for ${expected}`);
    }
    const indexes = new Set(mine.map(({ index }) => index));
    assert.equal(indexes.size, mine.length, "nothing is sent twice");
  });
});
