import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { LedgerRow } from "@lodeline/protocol";
import { NO_SOURCES } from "@lodeline/room";
import { Bench, pairWith, room } from "./support/bench.ts";

const TABLE = { revision: 1, slots: [{ mid: "5", publication: "p_bob:camera" }] };

const LIVE = { intent: "live", mutedBy: null } as const;

function row(standing: LedgerRow["standing"], publication: string, to: string): LedgerRow {
  const fact = { value: true, version: 1, at: 0 };
  const [from = "", source = "camera"] = publication.split(":");
  return {
    subscription: `${publication}>${to}`,
    publication,
    from,
    to,
    source: source as LedgerRow["source"],
    standing,
    facts: { intended: fact, captured: fact, sent: fact, forwarded: fact, received: fact },
    replay: null,
  };
}

function inRoom(): Bench {
  const bench = new Bench();
  bench.connect(bench.enterSfu("p_bob"));
  bench.hears({ type: "slots", table: TABLE });
  return bench;
}

function see(bench: Bench, mid: string, count: number): void {
  bench.participant.observe({ published: [], received: [{ key: "sfu", mid, count }] });
}

describe("reception in an sfu room", () => {
  it("[PART13] knows sections by the slot table; the first frame on an unused one is proof", () => {
    const bench = inRoom();
    assert.equal(bench.participant.publicationIn("sfu", "5"), "p_bob:camera");
    see(bench, "4", 7);
    assert.equal(bench.participant.standing("p_bob:camera"), "pending");
    see(bench, "5", 1);
    assert.equal(bench.participant.standing("p_bob:camera"), "received");
    const receipt = bench.said("receipt").at(-1);
    assert.deepEqual(receipt?.received, [{ publication: "p_bob:camera", received: true, count: 1 }]);
  });

  it("[PART13] takes the first count on a used section for the base", () => {
    const bench = new Bench();
    bench.connect(bench.enterSfu("p_bob", "p_cid"));
    bench.hears({ type: "slots", table: TABLE });
    see(bench, "5", 10);
    bench.hears({ type: "slots", table: { revision: 2, slots: [{ mid: "5", publication: "p_cid:camera" }] } });
    see(bench, "5", 12);
    assert.equal(bench.participant.standing("p_cid:camera"), "pending");
    see(bench, "5", 13);
    assert.equal(bench.participant.standing("p_cid:camera"), "received");
  });

  it("[PART13] asks for a replay when nothing moves within the receipt window", () => {
    const bench = inRoom();
    see(bench, "5", 1);
    bench.clock.advance(2_001);
    assert.equal(bench.participant.standing("p_bob:camera"), "missing");
    assert.deepEqual(
      bench.said("replay-request").map(({ publication }) => publication),
      ["p_bob:camera"],
    );
    assert.equal(bench.participant.words("p_bob:camera"), "missing: asking again");
  });

  it("[PART14] expects anew what a new session carries", () => {
    const bench = inRoom();
    see(bench, "5", 9);
    bench.hears({ type: "repair", step: "new-session", publication: "p_bob:camera", subscription: "x", why: "test" });
    assert.equal(bench.participant.standing("p_bob:camera"), "pending");
    assert.equal(bench.participant.publicationIn("sfu", "5"), undefined);
  });

  it("[PART15] says in words what a tile shows", () => {
    const bench = inRoom();
    const { participant } = bench;
    assert.equal(participant.words("p_bob:camera"), "connecting");
    see(bench, "5", 1);
    assert.equal(participant.words("p_bob:camera"), "live");
    assert.equal(participant.words("p_bob:screen"), "never sent");
    const tell = (seq: number, intent: "live" | "muted", mutedBy: string | null) => {
      const sources = { ...NO_SOURCES, camera: { intent, mutedBy } };
      const event = { kind: "media-state", participant: "p_bob", media: { revision: seq, sources } } as const;
      bench.hears({ type: "room-event", room: "r", events: [{ seq, at: 0, event }] });
    };
    tell(2, "muted", null);
    assert.equal(participant.words("p_bob:camera"), "muted by them");
    tell(3, "muted", "p_mod");
    assert.equal(participant.words("p_bob:camera"), "muted by a moderator");
  });

  it("[PART15] takes the ledger's word where the announcement was lost, and the worst of all for an own tile", () => {
    const bench = inRoom();
    bench.hears({
      type: "ledger",
      revision: 1,
      rows: [row("missing", "p_bob:screen", "p_ann")],
      removed: [],
      whole: true,
    });
    assert.equal(bench.participant.words("p_bob:screen"), "missing: asking again");
    bench.participant.setSource("camera", "live");
    const sources = { ...NO_SOURCES, camera: { intent: "live", mutedBy: null } as const };
    const event = { kind: "media-state", participant: "p_ann", media: { revision: 2, sources } } as const;
    bench.hears({ type: "room-event", room: "r", events: [{ seq: 2, at: 0, event }] });
    assert.equal(bench.participant.words("p_ann:camera"), "live");
    const rows = [row("received", "p_ann:camera", "p_bob"), row("pending", "p_ann:camera", "p_cid")];
    bench.hears({ type: "ledger", revision: 2, rows, removed: [], whole: false });
    assert.equal(bench.participant.words("p_ann:camera"), "connecting");
  });
});

describe("reception in a mesh room", () => {
  it("[PART13] knows sections by the offer, whoever made it", () => {
    const bench = new Bench();
    bench.enterMesh("p_bob");
    assert.equal(bench.participant.publicationIn("pair:p_bob", "1"), "p_bob:camera");
  });

  it("[PART14] reports nothing as received that has just begun anew", () => {
    const bench = new Bench();
    bench.enterMesh("p_bob");
    const sources = { ...NO_SOURCES, camera: LIVE, microphone: LIVE };
    const media = { kind: "media-state", participant: "p_bob", media: { revision: 2, sources } } as const;
    bench.hears({ type: "room-event", room: "r", events: [{ seq: 2, at: 0, event: media }] });
    const received = ["0", "1"].map((mid) => ({ key: "pair:p_bob" as const, mid, count: 1 }));
    bench.participant.observe({ published: [], received });
    bench.sent.length = 0;
    const event = { kind: "pair-renewed", pair: pairWith("p_bob", "s-2"), why: "test" } as const;
    bench.hears({ type: "room-event", room: "r", events: [{ seq: 3, at: 0, event }] });
    bench.clock.advance(1_500);
    const receipts = bench.said("receipt");
    assert.ok(receipts.length > 0);
    const claimed = receipts.flatMap(({ received: rows }) => rows.filter((one) => one.received));
    assert.deepEqual(claimed, []);
  });

  it("[PART14] expects anew when the pair is renewed", () => {
    const bench = new Bench();
    bench.enterMesh("p_bob");
    const [driver] = bench.drivers;
    assert.ok(driver);
    bench.participant.observe({ published: [], received: [{ key: "pair:p_bob", mid: "1", count: 1 }] });
    assert.equal(bench.participant.standing("p_bob:camera"), "received");
    const event = { kind: "pair-renewed", pair: pairWith("p_bob", "s-2"), why: "test" } as const;
    bench.hears({ type: "room-event", room: "r", events: [{ seq: 2, at: 0, event }] });
    bench.clock.advance(10);
    assert.equal(bench.participant.standing("p_bob:camera"), "pending");
    assert.equal(driver.closed, true);
    assert.equal(bench.driver().spec.session, "s-2");
    assert.equal(room("mesh", "p_ann").participants.length, 1);
  });
});
