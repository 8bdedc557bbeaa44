import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Evidence, judge, type ServerWord } from "../room/judge.ts";
import type { Sample, SampleRow } from "../room/sample.ts";
import { type Incident, type RowName, WINDOWS, windowOf } from "../room/windows.ts";

const ROW: SampleRow = {
  from: "p0",
  source: "camera",
  row: "received",
  tile: "live",
  packets: 20,
  framesDecoded: 10,
  heardMs: 0,
  audioEnergy: 0,
  framesShown: 10,
  firstShownAtMs: undefined,
  shows: 0,
};
const GONE = { packets: 0, framesDecoded: 0, framesShown: 0 };
const FIRST = 1_000;

/** Ten seconds in which p1 receives the camera of p0. */
function evidence(change: (second: number) => Partial<SampleRow>, more: Partial<Evidence> = {}): Evidence {
  const seconds = Array.from({ length: 10 }, (_, index) => FIRST + index);
  const samples = seconds.flatMap((second): Sample[] => [
    { name: "p0", second, lateMs: 5, link: "open", media: "active", self: "0", rows: [] },
    { name: "p1", second, lateMs: 5, link: "open", media: "active", self: "1", rows: [{ ...ROW, ...change(second) }] },
  ]);
  const server = seconds.map(
    (second): ServerWord => ({
      second,
      takenMs: second * 1000 + 20,
      rows: new Map([["p0:camera>p1", "received"]]),
      ghosts: [],
    }),
  );
  // Only one direction is looked at: the other has no row and no word, which agree.
  return {
    people: ["p0", "p1"],
    sources: ["camera"],
    firstSecond: FIRST,
    lastSecond: FIRST + 9,
    samples,
    server,
    incidents: [],
    ...more,
  };
}

function incident(window: Incident["window"], beganMs: number, endedMs: number): Incident {
  return { kind: "test", window, rows: { from: "p0", source: "camera" }, beganMs, endedMs, flowsAfter: true };
}

describe("the soak's judge", () => {
  it("agrees where every word and the probe say the same", () => {
    const { looked, judged, flowing, disagreements, agreeingSeconds } = judge(evidence(() => ({})));
    assert.deepEqual([looked, judged, flowing, agreeingSeconds], [20, 20, 10, 10]);
    assert.deepEqual(disagreements, []);
  });

  it("finds a picture that stands still under a live tile", () => {
    const { disagreements, agreeingSeconds } = judge(evidence((second) => (second === FIRST + 4 ? GONE : {})));
    assert.equal(agreeingSeconds, 9);
    assert.equal(disagreements.length, 1);
    assert.match(
      disagreements[0]?.what ?? "",
      /tile says live, row says received, server says received; the probe does not/,
    );
  });

  it("finds media under a tile that says that it is missing, also when only one voice says so", () => {
    const { disagreements } = judge(
      evidence((second) => (second > FIRST + 7 ? { tile: "missing: asking again" } : {})),
    );
    assert.equal(disagreements.length, 2);
    assert.match(disagreements[0]?.what ?? "", /^tile says missing: asking again; the probe sees media/);
  });

  it("finds somebody else's picture, and one that is decoded but not shown", () => {
    const wrong = judge(evidence((second) => (second === FIRST ? { shows: 1 } : {})));
    assert.match(wrong.disagreements[0]?.what ?? "", /shows the picture of 1/);
    const unseen = judge(evidence((second) => (second === FIRST ? { framesShown: 0 } : {})));
    assert.match(unseen.disagreements[0]?.what ?? "", /decoded, but not shown/);
  });

  it("finds a ghost: one name with two places", () => {
    const base = evidence(() => ({}));
    const server = base.server.map((word) => ({ ...word, ghosts: word.second === FIRST ? ["p0"] : [] }));
    assert.deepEqual(
      judge({ ...base, server }).disagreements.map(({ what }) => what),
      ["has two places in the room"],
    );
  });

  it("hears no sound in concealment and none in silence", () => {
    const sound = { source: "microphone" as const, packets: 50, framesDecoded: 0, framesShown: 0 };
    const heard = { ...sound, heardMs: 990, audioEnergy: 0.01 };
    const base = (row: Partial<SampleRow>) => {
      const made = evidence(() => row, { sources: ["microphone"] });
      const rows = new Map([["p0:microphone>p1", "received" as const]]);
      return judge({ ...made, server: made.server.map((word) => ({ ...word, rows })) });
    };
    assert.equal(base(heard).disagreements.length, 0);
    assert.equal(base({ ...heard, heardMs: 60 }).disagreements.length, 10);
    assert.equal(base({ ...heard, audioEnergy: 0 }).disagreements.length, 10);
  });

  it("leaves out and counts what a window covers, a late page, and a second without a word", () => {
    const frozen = evidence((second) => (second >= FIRST + 3 && second <= FIRST + 5 ? GONE : {}));
    const at = (FIRST + 2) * 1000 + 50;
    const covered = judge({ ...frozen, incidents: [incident("intent", at, at + 100)] });
    assert.deepEqual(covered.disagreements, []);
    assert.deepEqual(covered.excluded, { intent: 3 });
    const late = frozen.samples.map((one) =>
      one.name === "p1" && one.second === FIRST + 4 ? { ...one, lateMs: 900 } : one,
    );
    const verdict = judge({ ...frozen, samples: late, server: frozen.server.slice(1) });
    assert.equal(verdict.excluded["no sample"], 2);
    assert.ok((verdict.excluded.stall ?? 0) > 0);
  });

  it("lets a picture stand still for two seconds while datagrams are lost, and not for three", () => {
    const gap = (seconds: number) => {
      const made = evidence((second) => (second >= FIRST + 3 && second < FIRST + 3 + seconds ? GONE : {}));
      const verdict = judge({ ...made, incidents: [incident("lossy", FIRST * 1000, (FIRST + 9) * 1000)] });
      return [verdict.disagreements.length, verdict.excluded.lossy ?? 0];
    };
    assert.deepEqual(
      [gap(0), gap(1), gap(2), gap(3)],
      [
        [0, 0],
        [0, 1],
        [0, 2],
        [3, 0],
      ],
    );
  });

  it("ties windows to what was done, at its begin and at its end, and to nothing in between unless it says so", () => {
    const row = { from: "p0", to: "p1", source: "camera" } as const;
    const window = (incidents: readonly Incident[], second: number, of: RowName = row) =>
      windowOf(incidents, of, (second - 1) * 1000, second * 1000);
    const silence = [incident("outage", 1_000_000, 1_020_000)];
    assert.equal(window(silence, 1_000), undefined, "the second before");
    assert.equal(window(silence, 1_001), "outage");
    assert.equal(window(silence, 1_000 + WINDOWS.outage.lengthMs / 1000), "outage");
    assert.equal(window(silence, 1_010), undefined, "by now the ledger has to know");
    assert.equal(window(silence, 1_021), "outage");
    assert.equal(window(silence, 1_026), undefined);
    assert.equal(window(silence, 1_001, { ...row, source: "microphone" }), undefined, "another track");
    assert.equal(windowOf(silence, row, 998_000, 1_000_050), "outage", "the word was taken after it began");
    assert.equal(window([incident("none", 1_000_000, 1_020_000)], 1_001), undefined);
  });
});
