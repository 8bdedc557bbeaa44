import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RoomSnapshot, Sources } from "@lodeline/protocol";
import { Bench, room } from "./support/bench.ts";

const CAMERA = "p_bob:camera";
const TABLE = { revision: 1, slots: [{ mid: "5", publication: CAMERA }] };

/** A room in which everybody encrypts. */
function encryptedRoom(...ids: string[]): RoomSnapshot {
  const snapshot = structuredClone(room("sfu", ...ids));
  for (const { media } of snapshot.participants) hide(media.sources);
  return snapshot;
}

function hide(sources: Sources): void {
  for (const source of Object.values(sources)) source.encryption = "sframe";
}

function enter(encryption: "sframe" | undefined): Bench {
  const bench = new Bench();
  bench.participant.join({ room: "r", encryption, sources: { camera: "live" } });
  bench.clock.advance(1);
  bench.welcome();
  bench.joined(encryptedRoom("p_ann", "p_bob"));
  bench.connect(bench.driver());
  bench.hears({ type: "slots", table: TABLE });
  return bench;
}

function see(bench: Bench, count: number): void {
  bench.participant.observe({ published: [], received: [{ key: "sfu", mid: "5", count }] });
}

describe("what cannot be read", () => {
  it("[PART22] is said by a join that has keys, with each of its sources", () => {
    const bench = enter("sframe");
    const sources = bench.said("join").at(-1)?.sources;
    assert.deepEqual(sources?.camera, { intent: "live", mutedBy: null, encryption: "sframe" });
    assert.equal(sources?.microphone.encryption, "sframe");
    assert.equal(enter(undefined).said("join").at(-1)?.sources.camera.encryption, undefined);
    bench.participant.setSource("camera", "muted");
    assert.equal(bench.said("media-state").at(-1)?.sources.camera.encryption, "sframe");
  });

  it("[PART22] without keys: packets prove nothing, no replay is asked for, and words and receipts say why", () => {
    const bench = enter(undefined);
    see(bench, 10);
    see(bench, 20);
    assert.equal(bench.participant.unreadable(CAMERA), "missing-key");
    assert.equal(bench.participant.words(CAMERA), "encrypted: no key");
    assert.deepEqual(bench.said("receipt").at(-1)?.received, [
      { publication: CAMERA, received: false, count: 0, unreadable: "missing-key" },
    ]);
    bench.clock.advance(30_000);
    assert.deepEqual(bench.said("replay-request"), []);
    assert.equal(bench.participant.words(CAMERA), "encrypted: no key");
  });

  it("[PART22] with keys: by the edge's word, and readable again it is received", () => {
    const bench = enter("sframe");
    assert.equal(bench.participant.words(CAMERA), "connecting");
    see(bench, 1);
    assert.equal(bench.participant.words(CAMERA), "live");
    bench.participant.setUnreadable(CAMERA, "failed");
    assert.equal(bench.participant.words(CAMERA), "encrypted: wrong key");
    assert.deepEqual(bench.said("receipt").at(-1)?.received, [
      { publication: CAMERA, received: false, count: 1, unreadable: "failed" },
    ]);
    const told = bench.said("receipt").length;
    bench.participant.setUnreadable(CAMERA, "failed");
    assert.equal(bench.said("receipt").length, told, "once");
    for (let count = 2; count < 6; count++) {
      see(bench, count);
      bench.clock.advance(500);
    }
    assert.deepEqual(bench.said("replay-request"), []);
    bench.participant.setUnreadable(CAMERA, undefined);
    see(bench, 21);
    assert.equal(bench.participant.words(CAMERA), "live");
    const row = bench
      .said("receipt")
      .flatMap(({ received }) => received)
      .at(-1);
    assert.deepEqual([row?.received, row?.unreadable], [true, undefined]);
  });

  it("[PART22] a mute is told before it", () => {
    const bench = enter("sframe");
    bench.participant.setUnreadable(CAMERA, "missing-key");
    const sources = structuredClone(room("sfu", "p_bob").participants[0]?.media.sources as Sources);
    hide(sources);
    sources.camera.intent = "muted";
    const event = { kind: "media-state", participant: "p_bob", media: { revision: 2, sources } } as const;
    bench.hears({ type: "room-event", room: "r", events: [{ seq: 2, at: 0, event }] });
    assert.equal(bench.participant.words(CAMERA), "muted by them");
  });
});
