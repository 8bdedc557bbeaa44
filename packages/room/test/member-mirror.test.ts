import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS, type Pair } from "@lodeline/protocol";
import { only, sourcesWith } from "./support/bench.ts";
import { CAMERA, MemberBench, person, row, sent } from "./support/member-bench.ts";

const { receiptHeartbeatMs } = DEFAULT_TIMERS;

describe("gaps", () => {
  it("[MEM5] in the events are asked for, and nothing is applied beyond them", () => {
    const member = new MemberBench().inside(person("a"));
    const effects = member.event({ kind: "locked", locked: true, by: "a" }, 1);
    const [receipt] = sent(effects, "receipt");
    assert.equal(receipt?.ask, true);
    assert.equal(receipt.seen, 5);
    const { phase } = member.state;
    assert.ok(phase.kind === "in" && !phase.mirror.room.locked);
    assert.deepEqual(sent(member.event({ kind: "locked", locked: false, by: "a" }), "receipt"), [], "asked already");
    member.advance(250);
    assert.equal(sent(member.event({ kind: "locked", locked: true, by: "a" }), "receipt").length, 1);
  });

  it("[MEM5] are closed by a whole room", () => {
    const member = new MemberBench().inside(person("a"));
    const room = { ...member.room(person("b", CAMERA)), locked: true };
    const effects = member.hears({ type: "room-state", seq: 40, room, why: "missed" });
    assert.equal(only(effects, "pair-over")[0]?.remote, "a");
    assert.equal(only(effects, "expect")[0]?.publication, "b:camera");
    assert.deepEqual(member.hears({ type: "room-state", seq: 39, room: member.room(), why: "late" }), []);
  });

  it("[MEM5] show in a slot or a row of a publication never heard of", () => {
    const member = new MemberBench("sfu").inside(person("a"));
    const table = { revision: 1, slots: [{ mid: "v0", publication: "a:camera" }] };
    assert.equal(sent(member.hears({ type: "slots", table }), "receipt")[0]?.ask, true);
    const other = new MemberBench("sfu").inside(person("a"));
    const rows = [row("a:camera", "me", false)];
    const told = other.hears({ type: "ledger", revision: 1, rows, removed: [], whole: false });
    assert.equal(sent(told, "receipt")[0]?.ask, true);
  });

  it("[MEM5] do not come of what was said to a place that was left, however late it is", () => {
    const member = new MemberBench("sfu").inside(person("a", CAMERA));
    const late = { revision: 9, slots: [] };
    assert.deepEqual(only(member.hears({ type: "slots", to: "earlier", table: late }), "slots"), []);
    member.hears({ type: "ledger", to: "earlier", revision: 9, rows: [], removed: [], whole: true });
    const table = { revision: 1, slots: [{ mid: "v0", publication: "a:camera" }] };
    assert.equal(only(member.hears({ type: "slots", to: "me", table }), "slots").length, 1);
    const rows = [row("a:camera", "me", false)];
    const told = member.hears({ type: "ledger", to: "me", revision: 1, rows, removed: [], whole: false });
    assert.deepEqual(sent(told, "receipt"), [], "nothing is missing");
    const { phase } = member.state;
    assert.ok(phase.kind === "in");
    assert.equal(phase.mirror.ledgerRevision, 1);
  });

  it("[MEM5] in the ledger are asked for; the whole ledger closes them", () => {
    const member = new MemberBench().inside(person("a", CAMERA));
    const rows = [row("a:camera", "me", false)];
    const effects = member.hears({ type: "ledger", revision: 3, rows, removed: [], whole: false });
    const [receipt] = sent(effects, "receipt");
    assert.deepEqual([receipt?.ask, receipt?.ledger], [true, 0]);
    member.hears({ type: "ledger", revision: 4, rows: [], removed: [], whole: true });
    const { phase } = member.state;
    assert.ok(phase.kind === "in");
    assert.deepEqual([phase.mirror.ledgerRevision, phase.mirror.ledger], [4, {}]);
  });
});

describe("receipts", () => {
  const flows = (received: boolean, count = 1) =>
    ({
      kind: "observed",
      published: [{ source: "camera", captured: true, sent: true }],
      received: [{ publication: "a:camera", received, count }],
    }) as const;

  it("[MEM6] go at once when something changed and else with the heartbeat", () => {
    const member = new MemberBench().inside(person("a", CAMERA));
    member.feed({ kind: "tick" });
    member.take();
    const [first] = sent(member.feed(flows(true)), "receipt");
    assert.deepEqual(first?.received, [{ publication: "a:camera", received: true, count: 1 }]);
    assert.deepEqual(first.published, [{ source: "camera", captured: true, sent: true }]);
    assert.deepEqual(sent(member.feed(flows(true, 30)), "receipt"), []);
    member.take();
    for (let confirm = 0; confirm < 2; confirm++) {
      member.advance(299);
      assert.deepEqual(member.take(), []);
      member.advance(1);
      const soon = sent(member.take(), "receipt");
      assert.deepEqual(
        soon.map(({ received }) => received),
        [[]],
        "soon after news, and nothing new",
      );
    }
    member.advance(receiptHeartbeatMs - 1);
    assert.deepEqual(member.take(), []);
    member.advance(1);
    const [beat] = sent(member.take(), "receipt");
    assert.equal(beat?.received.length, 1, "the fifth, which names all");
    assert.equal(sent(member.feed(flows(false, 30)), "receipt").length, 1);
  });

  it("[MEM6] come soon after news of the room, and what is news already hurries none", () => {
    const member = new MemberBench().inside(person("a", CAMERA));
    member.advance(10_000);
    member.take();
    const since = member.state.observed.nextAt ?? 0;
    member.hears({ type: "ledger", revision: 1, rows: [], removed: [], whole: true });
    const soon = member.state.observed.nextAt ?? 0;
    assert.ok(soon <= since);
    member.advance(100);
    member.hears({ type: "ledger", revision: 2, rows: [], removed: [], whole: true });
    assert.equal(member.state.observed.nextAt, soon);
  });

  it("[MEM6] name all rows in every fifth", () => {
    const member = new MemberBench().inside(person("a", CAMERA));
    member.feed(flows(true, 7));
    member.take();
    member.advance(receiptHeartbeatMs * 12);
    const named = sent(member.take(), "receipt").map((one) => one.received.length);
    assert.equal(named.length, 13, "two soon after the news, then the heartbeats");
    assert.deepEqual(
      named.flatMap((n, i) => (n > 0 ? [i] : [])).map((i, j, all) => (j === 0 ? 5 : i - (all[j - 1] ?? 0))),
      [5, 5, 5].slice(0, named.filter((n) => n > 0).length),
    );
  });

  it("[MEM6] wait for an open link, and are whole then", () => {
    const member = new MemberBench().inside(person("a", CAMERA));
    member.feed(flows(true));
    member.feed({ kind: "link", open: false });
    member.take();
    member.feed(flows(false));
    member.advance(10_000);
    assert.deepEqual(sent(member.take(), "receipt"), []);
    const [receipt] = sent(member.feed({ kind: "link", open: true }), "receipt");
    assert.deepEqual(receipt?.received, [{ publication: "a:camera", received: false, count: 1 }]);
  });

  it("[MEM6] are not sent without a place", () => {
    const member = new MemberBench();
    assert.deepEqual(sent(member.feed(flows(true)), "receipt"), []);
    assert.equal(member.machine.deadline(member.state), undefined);
  });

  it("[MEM7] correct the room where it believes otherwise", () => {
    const member = new MemberBench().inside(person("a", CAMERA));
    member.feed(flows(true));
    member.take();
    const tells = (received: boolean, revision: number) =>
      sent(
        member.hears({ type: "ledger", revision, rows: [row("a:camera", "me", received)], removed: [], whole: false }),
        "receipt",
      );
    assert.deepEqual(tells(true, 1), []);
    assert.deepEqual(tells(false, 2)[0]?.received, [{ publication: "a:camera", received: true, count: 1 }]);
  });
});

describe("expectations", () => {
  it("[MEM7] begin and end with what is live and shown", () => {
    const member = new MemberBench().inside(person("a"));
    const both = sourcesWith({ camera: "live", microphone: "live" });
    assert.deepEqual(
      only(member.media("a", both), "expect").map((one) => [one.publication, one.track]),
      [
        ["a:microphone", "audio"],
        ["a:camera", "video"],
      ],
    );
    const hidden = { publication: "a:camera", width: 0, height: 0, visible: false, priority: 0 };
    const effects = member.feed({ kind: "view", views: [hidden] });
    assert.equal(only(effects, "forget")[0]?.publication, "a:camera");
    assert.deepEqual(sent(effects, "view")[0]?.views, [hidden]);
    assert.equal(only(member.feed({ kind: "view", views: [] }), "expect")[0]?.publication, "a:camera");
    const gone = member.event({ kind: "peer-left", participant: "a", reason: "left" });
    assert.equal(only(gone, "forget").length, 2);
  });

  it("[MEM7] begin anew when another session carries them", () => {
    const member = new MemberBench().inside(person("a", CAMERA));
    member.feed({ kind: "observed", published: [], received: [{ publication: "a:camera", received: true, count: 1 }] });
    const pair: Pair = { a: "a", b: "me", session: "new", initiatorId: "a" };
    const back = person("a", CAMERA, { incarnation: 2 });
    const effects = member.event({ kind: "peer-joined", participant: back, pairs: [pair] });
    assert.deepEqual(
      effects.filter((one) => one.kind === "expect" || one.kind === "forget").map((one) => one.kind),
      ["forget", "expect"],
    );
    assert.deepEqual(member.state.observed.received, {});
  });

  it("[MEM8] of pairs: begins them with their role and ends them", () => {
    const member = new MemberBench().inside();
    const pair: Pair = { a: "a", b: "me", session: "a.1", initiatorId: "a" };
    const came = member.event({ kind: "peer-joined", participant: person("a"), pairs: [pair] });
    assert.deepEqual(only(came, "pair"), [{ kind: "pair", pair, remote: "a", role: "answerer" }]);
    const renewed = { ...pair, session: "a.2", initiatorId: "me" };
    const effects = member.event({ kind: "pair-renewed", pair: renewed, why: "x" });
    assert.deepEqual(
      effects.slice(0, 2).map((one) => one.kind),
      ["pair-over", "pair"],
    );
    assert.equal(only(effects, "pair")[0]?.role, "offerer");
    assert.equal(only(effects, "pair-over")[0]?.reason, "renewed");
    const foreign: Pair = { a: "b", b: "c", session: "b.1", initiatorId: "b" };
    assert.deepEqual(only(member.event({ kind: "pair-renewed", pair: foreign, why: "x" }), "pair"), []);
    const left = member.event({ kind: "peer-left", participant: "a", reason: "left" });
    assert.deepEqual(
      only(left, "pair-over").map((one) => [one.session, one.reason]),
      [["a.2", "left"]],
    );
  });

  it("[MEM19] of what the ledger says is kept back: none, but a slot", () => {
    const both = sourcesWith({ microphone: "live" });
    const member = new MemberBench("sfu").inside(person("a", both), person("b"));
    const says = (revision: number, held?: "silent" | "speaking") => {
      const line = { ...row("a:microphone", "me", false), ...(held === undefined ? {} : { held }) };
      const effects = member.hears({ type: "ledger", revision, rows: [line], removed: [], whole: true });
      return [...only(effects, "forget"), ...only(effects, "expect")];
    };
    assert.deepEqual(says(1), []);
    assert.deepEqual(says(2, "silent"), [{ kind: "forget", publication: "a:microphone" }]);
    assert.deepEqual(says(3, "speaking"), []);
    member.feed({ kind: "receives", audio: 1, video: 1 });
    const [slots] = only(member.media("b", both), "need-slots");
    assert.equal(slots?.audio, 2, "one for the other, which may be let in at any moment");
    assert.deepEqual(says(4), [{ kind: "expect", publication: "a:microphone", track: "audio" }]);
  });

  it("[MEM9] of slots: asks for more, once for each number", () => {
    const member = new MemberBench("sfu").inside(person("a", CAMERA), person("b"), person("c"));
    assert.deepEqual(only(member.media("b", CAMERA), "need-slots"), [{ kind: "need-slots", audio: 1, video: 2 }]);
    assert.deepEqual(only(member.media("b", sourcesWith({}), 3), "need-slots"), []);
    assert.deepEqual(only(member.media("b", CAMERA, 4), "need-slots"), [], "that was asked for");
    assert.deepEqual(only(member.media("c", CAMERA), "need-slots"), [{ kind: "need-slots", audio: 1, video: 3 }]);
    member.feed({ kind: "receives", audio: 1, video: 6 });
    const more = sourcesWith({ camera: "live", screen: "live" });
    assert.deepEqual(only(member.media("c", more, 3), "need-slots"), []);
  });
});
