import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { RECEIVER_STATE_OF } from "@lodeline/room";
import { LIVE, only, RoomBench, sourcesWith, steps, told } from "./support/bench.ts";

const { receiptWindowMs } = DEFAULT_TIMERS;
const CAMERA = sourcesWith({ camera: "live" });

function joined(...names: string[]): RoomBench {
  const room = new RoomBench("sfu");
  for (const who of names) {
    room.join(who);
    room.connect(who);
  }
  room.take();
  return room;
}

function ledgers(effects: readonly unknown[], who: string) {
  return told(effects as never, who, "ledger").flatMap((one) => (one.type === "ledger" ? [one] : []));
}

describe("rows", () => {
  it("[LEDG1] stand for each publication and other member, and for nothing unpublished", () => {
    const room = joined("a", "b", "c");
    assert.deepEqual(Object.keys(room.place("b").rows).sort(), [
      "p-a:camera",
      "p-a:microphone",
      "p-c:camera",
      "p-c:microphone",
    ]);
    room.setMedia("a", sourcesWith({ camera: "muted" }));
    assert.deepEqual(Object.keys(room.place("b").rows).sort(), ["p-a:camera", "p-c:camera", "p-c:microphone"]);
    assert.equal(room.row("a", "camera", "b").standing, "off");
    const effects = room.setMedia("a", sourcesWith({}));
    assert.deepEqual(ledgers(effects, "b").at(-1)?.removed, ["p-a:camera>p-b"]);
    assert.deepEqual(ledgers(effects, "a").at(-1)?.removed.sort(), ["p-a:camera>p-b", "p-a:camera>p-c"]);
  });

  it("[LEDG2] version their facts with each change, and date it", () => {
    const room = joined("a", "b");
    const camera = () => room.row("a", "camera", "b");
    const receives = (received: boolean) =>
      room.receipt("b", { received: [{ publication: "p-a:camera", received, count: 1 }] });
    assert.deepEqual([camera().received.value, camera().received.version], [false, 0]);
    room.advance(10);
    receives(true);
    const at = camera().received.at;
    assert.equal(at, 1e12 + room.now);
    room.advance(10);
    receives(true);
    assert.deepEqual(camera().received, { value: true, version: 1, at }, "no change, no version");
    receives(false);
    assert.deepEqual(camera().received, { value: false, version: 2, at: at + 10 });
  });

  it("[LEDG2] raise no version when a fact is said again", () => {
    const room = joined("a", "b");
    assert.ok(room.row("a", "camera", "b").attached);
    room.feed({ kind: "connection", participant: "p-b", session: "s-b", receives: [] });
    assert.equal(room.row("a", "camera", "b").attached, null);
    assert.equal(room.row("a", "camera", "b").forwarded.version, 0, "it was not forwarded before either");
  });

  it("[LEDG3] are pending for the window and missing from its end on", () => {
    const room = joined("a", "b");
    room.sendsAll("a");
    const standing = () => room.row("a", "camera", "b").standing;
    assert.equal(standing(), "pending");
    room.advance(receiptWindowMs - 1);
    assert.equal(standing(), "pending");
    room.advance(1);
    assert.equal(standing(), "missing");
    assert.equal(RECEIVER_STATE_OF[standing()], "ReplayRequested");
    room.receivesAll("b");
    assert.equal(standing(), "received");
    assert.equal(RECEIVER_STATE_OF[standing()], "LiveMedia");
    room.receipt("b", { received: [{ publication: "p-a:camera", received: false, count: 1 }] });
    assert.equal(standing(), "missing", "what was there and is not is missing at once");
    room.setMedia("a", sourcesWith({ camera: "muted" }));
    assert.equal(standing(), "off");
    assert.equal(RECEIVER_STATE_OF[standing()], "Connected");
    room.setMedia("a", CAMERA);
    assert.equal(standing(), "pending");
  });

  it("[LEDG3] begin their window when media can flow", () => {
    const room = new RoomBench("sfu");
    room.join("a");
    room.join("b");
    room.connect("a");
    room.advance(10_000);
    assert.equal(room.row("a", "camera", "b").standing, "pending");
    room.connect("b");
    room.advance(receiptWindowMs - 1);
    assert.equal(room.row("a", "camera", "b").standing, "pending");
    room.advance(1);
    assert.equal(room.row("a", "camera", "b").standing, "missing");
  });

  it("[LEDG4] hear each fact from who can know it", () => {
    const room = joined("a", "b", "c");
    const line = (who: string) =>
      ledgers(room.take(), who)
        .flatMap((one) => one.rows)
        .filter((row) => row.subscription === "p-a:camera>p-b")
        .at(-1)?.facts;
    room.receipt("a", { published: [{ source: "camera", captured: true, sent: false }] });
    let facts = line("b");
    assert.deepEqual([facts?.captured.value, facts?.sent.value], [true, false]);
    const arrives = (arriving: boolean) =>
      room.feed({ kind: "media-facts", publications: [{ publication: "p-a:camera", arriving }], subscriptions: [] });
    arrives(true);
    facts = line("b");
    assert.deepEqual([facts?.sent.value, facts?.forwarded.value], [true, false]);
    const subscriptions = [{ subscription: "p-a:camera>p-b", forwarded: true }];
    room.feed({ kind: "media-facts", publications: [], subscriptions });
    facts = line("a");
    assert.equal(facts?.forwarded.value, true, "the publisher hears it too");
    arrives(false);
    assert.equal(line("b")?.sent.value, false);
    room.take();
    room.feed({ kind: "media-facts", publications: [{ publication: "p-x:camera", arriving: true }], subscriptions });
    assert.deepEqual(room.take(), [], "nothing new, or nobody's");
  });

  it("[LEDG4] take sent for forwarded in a mesh", () => {
    const room = new RoomBench("mesh");
    room.join("a");
    room.join("b");
    room.take();
    room.receipt("a", { published: [{ source: "camera", captured: true, sent: true }] });
    const row = ledgers(room.take(), "b")[0]?.rows.find((one) => one.source === "camera");
    assert.deepEqual(row?.facts.forwarded, row?.facts.sent);
    assert.equal(row?.facts.forwarded.value, true);
  });
});

describe("telling the ledger", () => {
  it("[LEDG5] goes to both parties with revisions that count", () => {
    const room = joined("a", "b", "c");
    const before = {
      a: room.place("a").ledgerRevision,
      b: room.place("b").ledgerRevision,
      c: room.place("c").ledgerRevision,
    };
    const effects = room.receipt("b", { received: [{ publication: "p-a:camera", received: true, count: 1 }] });
    for (const who of ["a", "b"] as const) {
      const [ledger] = ledgers(effects, who);
      assert.equal(ledger?.revision, before[who] + 1);
      assert.deepEqual(
        ledger.rows.map((row) => [row.subscription, row.standing]),
        [["p-a:camera>p-b", "received"]],
      );
    }
    assert.deepEqual(ledgers(effects, "c"), []);
    assert.equal(room.place("c").ledgerRevision, before.c);
  });

  it("[LEDG5] says nothing of how far a muted track gets, and all of it when it is live again", () => {
    const room = joined("a", "b");
    room.sendsAll("a");
    room.setMedia("a", sourcesWith({ camera: "muted" }));
    room.take();
    room.receipt("a", { published: [{ source: "camera", captured: false, sent: false }] });
    room.feed({
      kind: "media-facts",
      publications: [{ publication: "p-a:camera", arriving: false }],
      subscriptions: [{ subscription: "p-a:camera>p-b", forwarded: false }],
    });
    assert.deepEqual(ledgers(room.take(), "b"), []);
    room.setMedia("a", CAMERA);
    const row = ledgers(room.take(), "b")[0]?.rows.find((one) => one.source === "camera");
    const { captured, sent, forwarded } = row?.facts ?? assert.fail("no row was told");
    assert.deepEqual([captured.value, sent.value, forwarded.value], [false, false, false]);
  });

  it("[LEDG5] is whole for a newcomer and for who has not heard the last", () => {
    const room = joined("a", "b");
    const [first] = ledgers(room.join("c"), "c");
    assert.equal(first?.whole, true);
    assert.equal(first.rows.length, 8);
    room.advance(1_000);
    room.take();
    room.receipt("a", { ledger: room.place("a").ledgerRevision - 1 });
    const [again] = ledgers(room.take(), "a");
    assert.equal(again?.whole, true);
    assert.equal(again.rows.length, 8);
    assert.equal(again.revision, room.place("a").ledgerRevision);
  });

  it("[LEDG6] ignores another incarnation's receipts", () => {
    const room = joined("a", "b");
    room.receipt("b", { incarnation: 2, received: [{ publication: "p-a:camera", received: true, count: 1 }] });
    assert.equal(room.row("a", "camera", "b").received.value, false);
  });

  it("[LEDG6] does not believe who cannot know yet", () => {
    const room = joined("a", "b");
    const seen = room.state.seq;
    room.setMedia("a", sourcesWith({}));
    room.setMedia("a", CAMERA);
    const received = [{ publication: "p-a:camera", received: true, count: 5 }];
    room.receipt("b", { seen, received });
    assert.equal(room.row("a", "camera", "b").received.value, false, "that was another camera");
    room.receipt("b", { received });
    assert.equal(room.row("a", "camera", "b").received.value, true);
  });

  it("[LEDG7] is silent about heartbeats", () => {
    const room = joined("a", "b");
    room.sendsAll("a");
    room.receivesAll("b");
    room.receipt("b");
    const before = room.state;
    const received = Object.keys(room.place("b").rows).map((publication) => ({
      publication,
      received: true,
      count: 99,
    }));
    assert.deepEqual(room.receipt("b", { received: received.slice(0, 2) }), []);
    assert.equal(room.state, before);
  });
});

describe("telling again", () => {
  it("[LEDG8] tells exactly what was not heard, once it is overdue", () => {
    const room = joined("a", "b");
    room.settle();
    const seen = room.state.seq;
    room.setMedia("a", sourcesWith({ camera: "live", screen: "live" }));
    room.setMedia("a", sourcesWith({ camera: "live" }));
    room.take();
    room.advance(249);
    room.receipt("b", { seen });
    assert.deepEqual(told(room.take(), "b", "room-event"), [], "it may be under way");
    room.advance(1);
    room.receipt("b", { seen });
    const [again] = told(room.take(), "b", "room-event");
    assert.deepEqual(again?.type === "room-event" && again.events.map((one) => one.seq), [seen + 1, seen + 2]);
    room.receipt("b", { seen });
    assert.deepEqual(told(room.take(), "b", "room-event"), [], "that is under way now");
  });

  it("[LEDG8] tells at once who asks, and makes what it explains missing", () => {
    const room = joined("a", "b");
    const seen = room.state.seq;
    room.setMedia("a", sourcesWith({ camera: "live", microphone: "live", screen: "live" }));
    room.take();
    room.receipt("b", { seen, slots: room.place("b").slots.revision - 1, ask: true });
    const effects = room.take();
    assert.deepEqual(
      told(effects, "b").map((one) => one.type),
      ["room-event", "slots", "ledger"],
    );
    assert.equal(room.row("a", "screen", "b").standing, "missing");
    assert.equal(room.row("a", "screen", "b").replay?.step, "tell-again");
    assert.ok(steps(effects).includes("tell-again p-b"));
    assert.equal(room.row("b", "camera", "a").standing, "pending", "nobody else's row changes");
  });

  it("[LEDG8] tells the room whole when the events are no longer kept", () => {
    const room = new RoomBench("mesh", { settings: { eventTail: 4 } });
    room.join("a");
    room.join("b");
    for (let i = 0; i < 8; i++) room.setMedia("a", i % 2 === 0 ? LIVE : CAMERA);
    room.take();
    room.receipt("b", { seen: 3, ask: true });
    const [state] = told(room.take(), "b", "room-state");
    assert.ok(state?.type === "room-state");
    assert.equal(state.seq, room.state.seq);
    assert.deepEqual(state.room, room.state.snapshot);
  });

  it("[LEDG8] gives a pending row its time back when telling did not help at once", () => {
    const room = joined("a", "b");
    const seen = room.state.seq;
    room.setMedia("a", sourcesWith({ camera: "live", microphone: "live", screen: "live" }));
    room.receipt("b", { seen, ask: true });
    room.advance(500);
    assert.equal(room.row("a", "screen", "b").standing, "pending");
    room.advance(receiptWindowMs - 500);
    assert.equal(room.row("a", "screen", "b").standing, "missing");
    assert.equal(only(room.take(), "replay-over").at(0)?.why, "restarted");
  });
});
