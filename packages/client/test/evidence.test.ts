import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Observation, SessionKey } from "@lodeline/participant";
import { VirtualClock } from "@lodeline/testkit";
import type { SessionConnection } from "../src/peer/session-connection.ts";
import { Observer, type Pace } from "../src/stats/observer.ts";
import { ReceivedEvidence } from "../src/stats/received-evidence.ts";
import { SentEvidence } from "../src/stats/sent-evidence.ts";
import type { StatsEntry } from "../src/stats/stats-report.ts";
import { settle, track } from "./support/media.ts";

const inbound = (kind: "audio" | "video", rest: Partial<StatsEntry>): StatsEntry => ({
  id: "in",
  type: "inbound-rtp",
  timestamp: 0,
  kind,
  mid: "4",
  ssrc: 1,
  ...rest,
});

describe("received evidence", () => {
  const read = (evidence: ReceivedEvidence, entry: StatsEntry) => {
    evidence.read([entry]);
    return evidence.counts().get("4");
  };

  it("[EVID1] counts frames, also over counters that begin anew", () => {
    const evidence = new ReceivedEvidence();
    assert.equal(read(evidence, inbound("video", { framesDecoded: 10 })), 10);
    assert.equal(read(evidence, inbound("video", { framesDecoded: 25 })), 25);
    // Chromium: a new SSRC is a new entry. Firefox: the same id, and the counters fall.
    assert.equal(read(evidence, inbound("video", { id: "in2", ssrc: 2, framesDecoded: 3 })), 28);
    assert.equal(read(evidence, inbound("video", { id: "in2", ssrc: 2, framesDecoded: 1 })), 29);
    assert.equal(read(evidence, inbound("video", { id: "in2", ssrc: 2, framesDecoded: 1 })), 29);
    evidence.read([{ ...inbound("video", { framesDecoded: 99 }), mid: undefined as never }]);
    assert.equal(evidence.counts().size, 1);
  });

  it("[EVID2] audio nobody plays counts packets; audio that is played counts sound, not concealment", () => {
    const evidence = new ReceivedEvidence();
    const reading = (packets: number, pulled: number, emitted: number) =>
      read(
        evidence,
        inbound("audio", {
          packetsReceived: packets,
          packetsDiscarded: 0,
          totalSamplesReceived: pulled,
          jitterBufferEmittedCount: emitted,
        }),
      );
    assert.equal(reading(50, 0, 0), 50);
    assert.equal(reading(60, 0, 0), 60);
    assert.equal(reading(70, 9_600, 9_600), 70);
    // Played, and what came was of no use: 500 ms of concealment is no evidence.
    assert.equal(reading(95, 33_600, 9_600), 70);
    assert.equal(reading(105, 43_200, 19_200), 80);
  });
});

describe("sent evidence", () => {
  const report = (packets: number, frames: number) =>
    new Map<string, StatsEntry>([
      ["q", { id: "q", type: "outbound-rtp", timestamp: 0, mid: "1", packetsSent: packets }],
      ["h", { id: "h", type: "outbound-rtp", timestamp: 0, mid: "1", packetsSent: 5 }],
      ["s", { id: "s", type: "media-source", timestamp: 0, trackIdentifier: "cam", frames }],
    ]);

  it("[EVID3] holds for a second and a half after the last packet and the last frame", () => {
    const evidence = new SentEvidence();
    const camera = track("video", "cam");
    const at = (now: number, packets: number, frames: number) => {
      const { captured, sent } = evidence.read("camera", camera, "1", report(packets, frames), now);
      return [captured, sent];
    };
    assert.deepEqual(at(0, 10, 1), [true, true]);
    assert.deepEqual(at(1_000, 10, 1), [true, true]);
    assert.deepEqual(at(1_499, 10, 1), [true, true]);
    assert.deepEqual(at(1_500, 10, 1), [false, false]);
    assert.deepEqual(at(1_600, 11, 2), [true, true]);
    camera.muted = true;
    assert.deepEqual(at(1_700, 12, 3), [false, true]);
    camera.muted = false;
    camera.stop();
    assert.deepEqual(at(1_800, 13, 4), [false, true]);
    assert.equal(evidence.read("camera", undefined, "1", report(13, 4), 1_900).captured, false);
  });
});

describe("the observer", () => {
  it("[EVID4] reads as often as something is waited for, one reading at a time, and never after its end", async () => {
    const clock = new VirtualClock();
    let pace: Pace = "eager";
    let readings = 0;
    let finish: (() => void) | undefined;
    const seen: Observation[] = [];
    const connection = {
      observe: async () => {
        readings += 1;
        if (finish) await new Promise<void>((resolve) => (finish = resolve));
        return { published: [{ source: "camera", captured: true, sent: false }], received: new Map([["4", readings]]) };
      },
    } as unknown as SessionConnection;
    const connections: [SessionKey, SessionConnection][] = [["sfu", connection]];
    const observer = new Observer({
      clock,
      connections: () => connections,
      pace: () => pace,
      observe: (observation) => seen.push(observation),
    });
    const run = async (ms: number) => {
      for (let at = 0; at < ms; at += 50) {
        clock.advance(50);
        await settle();
      }
    };
    observer.nudge();
    await run(1_000);
    assert.equal(readings, 10);
    pace = "busy";
    await run(1_000);
    assert.equal(readings, 14);
    pace = "calm";
    await run(3_000);
    assert.equal(readings, 17);
    pace = "eager";
    observer.quicken();
    await run(100);
    assert.equal(readings, 18);
    assert.deepEqual(seen.at(-1)?.received, [{ key: "sfu", mid: "4", count: 18 }]);
    finish = () => {};
    await run(100);
    observer.nudge();
    await run(1_000);
    assert.equal(readings, 19, "a reading that hangs is waited for");
    observer[Symbol.dispose]();
    finish();
    await run(1_000);
    assert.deepEqual([readings, seen.length, observer.armed], [19, 18, false]);
  });
});
