import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Recipient } from "@lodeline/hub";
import type { ServerMessage } from "@lodeline/protocol";
import { MessageFaults } from "../src/faults.ts";

const to: Recipient = { link: "lk_1", identity: "ada", room: "den", participant: "p_1" };
const ok: ServerMessage = { type: "ok", id: "c1" };
const left: ServerMessage = {
  type: "room-event",
  room: "den",
  events: [{ seq: 1, at: 0, event: { kind: "peer-left", participant: "p_2", reason: "left" } }],
};

describe("message faults", () => {
  it("[FLT1] lose as many messages as they say, and no others", () => {
    const faults = new MessageFaults();
    faults.add({ participant: "p_1", type: "ok", count: 2 });
    assert.equal(faults.intercept({ ...to, participant: "p_9" }, ok), true);
    assert.equal(faults.intercept(to, left), true);
    assert.deepEqual(
      [faults.intercept(to, ok), faults.intercept(to, ok), faults.intercept(to, ok)],
      [false, false, true],
    );
    assert.equal(faults.left, 0);
  });

  it("[FLT1] may be narrowed to an event", () => {
    const faults = new MessageFaults();
    faults.add({ participant: "p_1", type: "room-event", event: "media-state" });
    assert.equal(faults.intercept(to, left), true);
    faults.add({ participant: "p_1", type: "room-event", event: "peer-left" });
    assert.equal(faults.intercept(to, left), false);
    assert.equal(faults.left, 1);
  });
});
