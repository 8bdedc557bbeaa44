import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import { createReconciler, type ReconcilerEffect, type ReconcilerInput, standingOf } from "@lodeline/session";

const { receiptWindowMs, leaseMs } = DEFAULT_TIMERS;

/** A reconciler in virtual time, with everything it wanted and when. */
function reconciler() {
  const machine = createReconciler({ timers: DEFAULT_TIMERS });
  const log: (ReconcilerEffect & { readonly atMs: number })[] = [];
  let state = machine.initial;
  let now = 0;
  const feed = (input: ReconcilerInput | { readonly kind: "tick" }) => {
    const result = machine.step(state, input, now);
    state = result.state;
    for (const effect of result.effects) log.push({ ...effect, atMs: now });
  };
  const advance = (ms: number) => {
    const until = now + ms;
    for (let due = machine.deadline(state); due !== undefined && due <= until; due = machine.deadline(state)) {
      now = Math.max(now, due);
      feed({ kind: "tick" });
    }
    now = until;
  };
  return {
    feed,
    advance,
    log,
    expect: (publication: string, count?: number) =>
      feed({ kind: "expect", publication, mediaKind: "video", since: now, count }),
    observe: (publication: string, count: number) => feed({ kind: "observed", publication, count }),
    standing: (publication: string) => standingOf(state, publication),
    receiver: (publication: string) => state.rows.find((row) => row.publication === publication)?.receiver,
    requests: () => log.filter((entry) => entry.kind === "request-replay").map((entry) => entry.atMs),
    deadline: () => machine.deadline(state),
  };
}

describe("reconciler", () => {
  it("[SES49] an expected publication is pending, and missing exactly one receipt window later", () => {
    const it = reconciler();
    assert.equal(it.standing("p:camera"), "off");
    it.expect("p:camera");
    assert.deepEqual([it.standing("p:camera"), it.receiver("p:camera")], ["pending", "Connected"]);
    it.advance(receiptWindowMs - 1);
    assert.equal(it.standing("p:camera"), "pending");
    it.advance(1);
    assert.deepEqual([it.standing("p:camera"), it.receiver("p:camera")], ["missing", "ReplayRequested"]);
    assert.deepEqual(it.log, [
      { kind: "standing", publication: "p:camera", standing: "pending", atMs: 0 },
      { kind: "standing", publication: "p:camera", standing: "missing", atMs: receiptWindowMs },
      {
        kind: "request-replay",
        publication: "p:camera",
        why: `No frame decoded for ${receiptWindowMs} ms (count none).`,
        atMs: receiptWindowMs,
      },
    ]);
  });

  it("[SES49] an expectation repeated changes nothing, and one of the past is judged by its own time", () => {
    const it = reconciler();
    it.expect("p:camera");
    it.advance(receiptWindowMs - 1);
    it.expect("p:camera");
    it.advance(1);
    assert.equal(it.standing("p:camera"), "missing");
  });

  it("[SES50] a count that moves makes it received; one that stands still makes it missing again", () => {
    const it = reconciler();
    it.expect("p:camera", 0);
    for (let count = 1; count <= 10; count++) {
      it.advance(500);
      it.observe("p:camera", count);
    }
    assert.deepEqual([it.standing("p:camera"), it.receiver("p:camera")], ["received", "LiveMedia"]);
    assert.equal(it.log.length, 2, "told once");
    it.observe("p:camera", 10);
    it.advance(receiptWindowMs - 1);
    assert.equal(it.standing("p:camera"), "received");
    it.observe("p:camera", 10);
    it.advance(1);
    assert.equal(it.standing("p:camera"), "missing");
    it.observe("p:camera", 11);
    assert.equal(it.standing("p:camera"), "received");
  });

  it("[SES51] what a slot counted before proves nothing, and neither does a counter that began anew", () => {
    const it = reconciler();
    it.expect("p:camera");
    it.observe("p:camera", 5000);
    assert.equal(it.standing("p:camera"), "pending");
    it.observe("p:camera", 3);
    assert.equal(it.standing("p:camera"), "pending");
    it.observe("p:camera", 4);
    assert.equal(it.standing("p:camera"), "received");
    it.observe("p:camera", 0);
    it.advance(receiptWindowMs);
    assert.equal(it.standing("p:camera"), "missing");
  });

  it("[SES51] a base given with the expectation makes the first count evidence", () => {
    const it = reconciler();
    it.expect("p:camera", 10);
    it.observe("p:camera", 11);
    assert.equal(it.standing("p:camera"), "received");
  });

  it("[SES52] the request is repeated with doubling waits up to the lease, and anew after it moved", () => {
    const it = reconciler();
    it.expect("p:camera", 0);
    it.advance(60_000);
    const waits = it.requests().map((at, index, all) => at - (all[index - 1] ?? 0));
    assert.deepEqual(waits, [2000, 2000, 4000, 8000, leaseMs, leaseMs]);
    it.observe("p:camera", 1);
    const before = it.requests().length;
    it.advance(receiptWindowMs);
    assert.equal(it.requests().length, before + 1);
    it.advance(receiptWindowMs);
    assert.equal(it.requests().length, before + 2);
  });

  it("[SES52] what is forgotten is off, asked for no more and has no deadline; others are left alone", () => {
    const it = reconciler();
    it.expect("p:camera");
    it.expect("q:camera");
    it.feed({ kind: "forget", publication: "p:camera" });
    it.feed({ kind: "forget", publication: "p:camera" });
    it.observe("p:camera", 9);
    assert.equal(it.standing("p:camera"), "off");
    assert.equal(it.log.filter((entry) => entry.kind === "standing" && entry.standing === "off").length, 1);
    it.advance(receiptWindowMs);
    assert.deepEqual(
      it.log.filter((entry) => entry.kind === "request-replay").map((entry) => entry.publication),
      ["q:camera"],
    );
    it.feed({ kind: "forget", publication: "q:camera" });
    assert.equal(it.deadline(), undefined);
  });
});
