import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DataOutbox, type DataPolicy } from "@lodeline/session";

function outbox(policy: DataPolicy) {
  const sent: string[] = [];
  return { sent, outbox: new DataOutbox<string>(policy, (data) => sent.push(data)) };
}

const QUEUE: DataPolicy = { kind: "queue", maxMessages: 3, maxBytes: 10 };
const NOT_OPEN = { code: "data/not-open" };
const FULL = { code: "data/queue-full" };

describe("data", () => {
  it("[SES48] with the policy to err nothing is sent before the channel is open", () => {
    const { sent, outbox: box } = outbox({ kind: "error" });
    assert.throws(() => box.send("a", 1), NOT_OPEN);
    box.opened();
    assert.equal(box.send("b", 1), "sent");
    box.closed();
    assert.throws(() => box.send("c", 1), NOT_OPEN);
    assert.deepEqual(sent, ["b"]);
  });

  it("[SES48] with a queue it waits, in order, up to the number and the size allowed", () => {
    const { sent, outbox: box } = outbox(QUEUE);
    assert.equal(box.send("a", 4), "queued");
    assert.equal(box.send("b", 4), "queued");
    assert.throws(() => box.send("too large", 3), FULL);
    assert.equal(box.send("c", 2), "queued");
    assert.throws(() => box.send("too many", 0), FULL);
    assert.equal(box.waiting, 3);
    box.opened();
    assert.equal(box.open, true);
    assert.equal(box.send("d", 100), "sent");
    assert.deepEqual(sent, ["a", "b", "c", "d"]);
    assert.equal(box.waiting, 0);
  });

  it("[SES48] what still waits when the channel closes is handed back", () => {
    const { sent, outbox: box } = outbox(QUEUE);
    box.send("a", 1);
    box.send("b", 1);
    assert.deepEqual(box.closed(), ["a", "b"]);
    assert.throws(() => box.send("c", 1), NOT_OPEN);
    assert.deepEqual(sent, []);
  });

  it("[SES48] a channel that closes while it is being flushed keeps the rest", () => {
    const sent: string[] = [];
    const left: string[] = [];
    const box = new DataOutbox<string>(QUEUE, (data) => {
      sent.push(data);
      left.push(...box.closed());
    });
    box.send("a", 1);
    box.send("b", 1);
    box.opened();
    assert.deepEqual([sent, left], [["a"], ["b"]]);
  });

  it("[SES48] a channel that throws while it is being flushed loses nothing and lets nothing overtake", () => {
    const sent: string[] = [];
    let full = true;
    const box = new DataOutbox<string>(QUEUE, (data) => {
      if (full && data === "b") throw new Error("full");
      sent.push(data);
    });
    for (const data of ["a", "b", "c"]) box.send(data, 1);
    assert.throws(() => box.opened(), /full/);
    assert.throws(() => box.send("d", 1), /full/);
    assert.equal(box.waiting, 2);
    full = false;
    box.send("d", 1);
    assert.deepEqual(sent, ["a", "b", "c", "d"]);
  });
});
