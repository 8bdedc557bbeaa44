import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import {
  ArrivalRecorder,
  encodeTransportFeedback,
  FEEDBACK_CLOCK_WRAP_MS,
  parseRtcp,
  type TransportFeedback,
} from "@lodeline/rtp";
import { hex } from "./packets.ts";

const HEAD = { senderSsrc: 1, mediaSsrc: 2, feedbackCount: 7 };

function parsed(bytes: Uint8Array): TransportFeedback {
  const [packet, ...more] = parseRtcp(bytes);
  assert.equal(more.length, 0);
  assert.ok(packet?.kind === "transport-feedback", "is a transport feedback");
  return packet;
}

/** Arrivals by 16-bit number, over several feedbacks. */
function arrivalsOf(packets: readonly Uint8Array[]): Map<number, number> {
  const all = new Map<number, number>();
  for (const bytes of packets) {
    const { baseSequence, arrivalsMs } = parsed(bytes);
    for (const [i, arrivalMs] of arrivalsMs.entries()) all.set((baseSequence + i) & 0xffff, arrivalMs);
  }
  return all;
}

describe("transport-wide feedback", () => {
  it("[TCC1] is laid out as the draft says: reference time, run, deltas, padding", () => {
    const { bytes } = encodeTransportFeedback({ ...HEAD, baseSequence: 0xfffe, arrivalsMs: [6401, 6402.25, 6402.5] });
    // 6400 ms are 100 units of 64 ms; the deltas are 4, 5 and 1 quarters of a ms; one byte is left over, which says so.
    assert.deepEqual(
      bytes,
      hex("af cd 0006 00000001 00000002 fffe 0003 000064 07 2003 04 05 01 00 00 03".replace(/ /g, "")),
    );
    assert.deepEqual([...parsed(bytes).arrivalsMs], [6401, 6402.25, 6402.5]);
  });

  it("[TCC1] says what is lost by vectors of one bit, and large deltas by vectors of two", () => {
    const lost = Number.NaN;
    const one = encodeTransportFeedback({ ...HEAD, baseSequence: 1, arrivalsMs: [64, lost, 65, lost, 66] }).bytes;
    assert.equal((one[20] ?? 0) >> 6, 2, "a vector of one-bit symbols");
    const two = encodeTransportFeedback({ ...HEAD, baseSequence: 1, arrivalsMs: [64, lost, 264, 200] }).bytes;
    assert.equal((two[20] ?? 0) >> 6, 3, "a vector of two-bit symbols");
    assert.deepEqual([...parsed(two).arrivalsMs], [64, lost, 264, 200]);
  });

  it("[TCC1] parses what the reference sender of a vector wrote", () => {
    // The symbols 111001100 as a one-bit vector, then five deltas of 4 quarters: written by hand from section 3.1.3.
    const bytes = hex("8fcd0006000000010000000200050009000001ff b980 04040404 04 00".replace(/ /g, ""));
    const { arrivalsMs, baseSequence, feedbackCount } = parsed(bytes);
    assert.deepEqual([baseSequence, feedbackCount], [5, 255]);
    const n = Number.NaN;
    assert.deepEqual([...arrivalsMs], [65, 66, 67, n, n, 68, 69, n, n]);
  });

  it("[TCC2] keeps every arrival to an eighth of a ms, whatever is lost, late or reordered", () => {
    const random = seededRandom(11);
    for (let round = 0; round < 500; round++) {
      const count = 1 + integer(random, 60);
      let now = integer(random, 1_000_000) + integer(random, 4096) / 4096;
      const arrivalsMs = Array.from({ length: count }, () => {
        now += integer(random, 4) === 0 ? integer(random, 400) / 3 : integer(random, 40) / 13;
        return integer(random, 3) === 0 ? Number.NaN : now - (integer(random, 9) === 0 ? integer(random, 90) : 0);
      });
      arrivalsMs[integer(random, count)] = now;
      const { bytes, packets } = encodeTransportFeedback({ ...HEAD, baseSequence: 65_530, arrivalsMs });
      assert.deepEqual([bytes.length % 4, packets], [0, count]);
      for (const [i, arrivalMs] of parsed(bytes).arrivalsMs.entries()) {
        const expected = arrivalsMs[i] ?? assert.fail();
        assert.equal(Number.isNaN(arrivalMs), Number.isNaN(expected), `packet ${i} of round ${round}`);
        if (!Number.isNaN(expected)) assert.ok(Math.abs(arrivalMs - expected) <= 0.126, `${arrivalMs} for ${expected}`);
      }
    }
  });

  it("[TCC2] wraps the reference time, and stops where no delta reaches", () => {
    const late = FEEDBACK_CLOCK_WRAP_MS + 640;
    assert.deepEqual(
      [...parsed(encodeTransportFeedback({ ...HEAD, baseSequence: 1, arrivalsMs: [late] }).bytes).arrivalsMs],
      [640],
    );
    const { packets } = encodeTransportFeedback({ ...HEAD, baseSequence: 1, arrivalsMs: [1, 2, 9000] });
    assert.equal(packets, 2);
  });

  it("[TCC3] is refused when it announces more than it has, or a reserved status", () => {
    const good = encodeTransportFeedback({ ...HEAD, baseSequence: 1, arrivalsMs: [1, 2, 3, 4, 5, 6] }).bytes;
    const wrong = (change: (bytes: Uint8Array) => void) => {
      const bytes = Uint8Array.from(good);
      change(bytes);
      return parseRtcp(bytes);
    };
    assert.equal(wrong(() => {}).length, 1);
    assert.deepEqual(
      wrong((bytes) => bytes.set([0, 0], 14)),
      [],
      "about no packet",
    );
    assert.deepEqual(
      wrong((bytes) => bytes.set([0xff, 0xff], 14)),
      [],
      "about more than anybody sent",
    );
    assert.deepEqual(
      wrong((bytes) => bytes.set([0x40, 6], 20)),
      [],
      "deltas that are not there",
    );
    assert.deepEqual(
      wrong((bytes) => bytes.set([0x60, 6], 20)),
      [],
      "status 3",
    );
    assert.deepEqual(
      wrong((bytes) => bytes.set([0x20, 0], 20)),
      [],
      "a run of none",
    );
  });
});

describe("an arrival recorder", () => {
  it("[TCC4] tells arrivals 50 to 100 ms later, by how much arrives, and nothing while nothing does", () => {
    const recorder = new ArrivalRecorder(1);
    assert.equal(recorder.deadlineMs, Infinity);
    assert.ok(recorder.record(5, 9, 1000, 1000));
    assert.equal(recorder.deadlineMs, 1000, "the first at once");
    assert.deepEqual(recorder.take(999), []);
    assert.equal(recorder.take(1000).length, 1);
    assert.equal(recorder.deadlineMs, Infinity);
    let now = 1000;
    const intervalAt = (bitrateBps: number) => {
      for (let i = 0; i < 40; i++) {
        now += 10;
        recorder.record(6 + i + now, 9, (bitrateBps * 0.01) / 8, now);
      }
      const from = now;
      recorder.take(now);
      recorder.record(47 + now, 9, 1, now + 1);
      return recorder.deadlineMs - from;
    };
    assert.equal(intervalAt(2_000_000), 50);
    assert.equal(intervalAt(30_000), 100);
  });

  it("[TCC5] counts up across the wrap and tells losses between what arrived", () => {
    const recorder = new ArrivalRecorder(1);
    for (const [i, number] of [65_533, 65_534, 0, 1, 3].entries()) recorder.record(number, 9, 100, 1000 + i);
    const told = arrivalsOf(recorder.take(1100));
    assert.deepEqual([...told.keys()], [65_533, 65_534, 65_535, 0, 1, 2, 3]);
    assert.deepEqual([...told.values()].map(Number.isNaN), [false, false, true, false, false, true, false]);
    recorder.record(6, 9, 100, 1200);
    const [next] = recorder.take(1300);
    const { baseSequence, feedbackCount } = parsed(next ?? assert.fail());
    assert.deepEqual([baseSequence, feedbackCount], [4, 1], "goes on where the last one ended");
  });

  it("[TCC5] tells a late packet with the next feedback, a duplicate never, an old one not any more", () => {
    const recorder = new ArrivalRecorder(1);
    for (const number of [10, 12]) recorder.record(number, 9, 100, 1000 + number);
    recorder.take(1100);
    assert.equal(recorder.record(12, 9, 100, 1101), false);
    assert.equal(recorder.deadlineMs, Infinity, "a duplicate is nothing new");
    recorder.record(11, 9, 100, 1120);
    const late = arrivalsOf(recorder.take(1200));
    assert.deepEqual(
      [...late],
      [
        [11, 1120],
        [12, 1012],
      ],
    );
    recorder.record(13, 9, 100, 1300);
    recorder.take(1400);
    assert.equal(recorder.record(9, 9, 100, 1800), false, "more than half a second behind its successors");
  });

  it("[TCC5] splits what does not fit one datagram, and begins anew after a jump", () => {
    const recorder = new ArrivalRecorder(1);
    for (let number = 0; number < 1000; number++) recorder.record(number, 9, 100, 1000 + 100 * (number % 2));
    const packets = recorder.take(1200);
    assert.equal(packets.length, 3);
    assert.ok(packets.every(({ length }) => length < 1200));
    assert.equal([...arrivalsOf(packets).values()].filter(Number.isNaN).length, 0);
    recorder.record(30_000, 9, 100, 1300);
    assert.deepEqual([...arrivalsOf(recorder.take(1400))], [[30_000, 1300]]);
  });

  it("[TCC5] hostile numbers leave it bounded and what it says parseable", () => {
    const random = seededRandom(3);
    const recorder = new ArrivalRecorder(1);
    for (let now = 0; now < 20_000; now++) {
      recorder.record(integer(random, 2) === 0 ? integer(random, 65_536) : now & 0xffff, 9, 100, now);
      for (const bytes of recorder.take(now)) assert.ok(parsed(bytes).arrivalsMs.length > 0 && bytes.length < 1400);
    }
  });
});
