import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseClientFrame, parseServerFrame, readServerFrame } from "@lodeline/protocol";

const OFF = { intent: "unpublished", mutedBy: null };
const LIVE = { intent: "live", mutedBy: null };

function join(camera: object): string {
  const sources = { microphone: OFF, camera, screen: OFF, "screen-audio": OFF };
  const message = { type: "join", id: "c1", room: "r", name: "Ada", sources };
  return JSON.stringify({ kind: "data", seq: 1, ack: 0, message });
}

function receipt(row: object): string {
  const told = { incarnation: 1, seen: 1, slots: 1, ledger: 1, published: [], received: [row] };
  return JSON.stringify({ kind: "data", seq: 1, ack: 0, message: { type: "receipt", ...told } });
}

const FACT = { value: true, version: 1, at: 0 };
const ROW = {
  subscription: "p_a:camera>p_b",
  publication: "p_a:camera",
  from: "p_a",
  to: "p_b",
  source: "camera",
  standing: "missing",
  facts: { intended: FACT, captured: FACT, sent: FACT, forwarded: FACT, received: FACT },
  replay: null,
};

function ledger(row: object): string {
  const message = { type: "ledger", revision: 1, rows: [row], removed: [], whole: true };
  return JSON.stringify({ kind: "data", seq: 1, ack: 0, message });
}

describe("end-to-end encryption on the wire", () => {
  it("[PROTO15] is said by a publication, and missing from what earlier clients say", () => {
    for (const camera of [LIVE, { ...LIVE, encryption: "sframe" }]) {
      const read = parseClientFrame(join(camera));
      assert.ok(read.ok && read.frame.kind === "data" && read.frame.message.type === "join");
      assert.deepEqual(read.frame.message.sources.camera, camera);
    }
    const other = parseClientFrame(join({ ...LIVE, encryption: "rot13" }));
    assert.equal(!other.ok && other.error.field, "message.sources.camera.encryption");
  });

  it("[PROTO15] a receipt may say why something cannot be read", () => {
    const row = { publication: "p_a:camera", received: false, count: 0 };
    for (const more of [{}, { unreadable: "missing-key" }, { unreadable: "failed" }]) {
      assert.ok(parseClientFrame(receipt({ ...row, ...more })).ok, JSON.stringify(more));
    }
    const other = parseClientFrame(receipt({ ...row, unreadable: "no idea" }));
    assert.equal(!other.ok && other.error.field, "message.received.0.unreadable");
  });

  it("[PROTO15] a ledger row with and without it is read by schema and by the client's reader", () => {
    for (const more of [{}, { encryption: "sframe" }, { encryption: "sframe", unreadable: "failed" }]) {
      const text = ledger({ ...ROW, ...more });
      const [strict, light] = [parseServerFrame(text), readServerFrame(text)];
      assert.ok(strict.ok && light.ok);
      assert.deepEqual(light.frame, strict.frame);
    }
  });

  it("[PROTO15] a call is begun with it or without", () => {
    for (const more of [{}, { encryption: "sframe" }]) {
      const body = { kind: "call:init", name: "Ada", audio: true, video: false, ...more };
      const message = { type: "signal", scope: "call", to: "bo", signal: { session: "s", epoch: 0, seq: 1, body } };
      assert.ok(parseClientFrame(JSON.stringify({ kind: "data", seq: 1, ack: 0, message })).ok);
    }
  });
});
