import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { DEFAULT_TIMERS } from "@lodeline/protocol";
import type { ConnectionState } from "@lodeline/session";
import { activeAnswerer, activeOfferer, OneEnd, offer, reasonOf, sdp } from "./one-end.ts";

const { iceRestartMs, negotiatingMs, recoveryMs } = DEFAULT_TIMERS;

function transport(end: OneEnd, connection: ConnectionState): void {
  end.feed({ kind: "transport", session: "s1", connection });
}

function settle(end: OneEnd, epoch: number): void {
  end.feed({ kind: "offer-created", session: "s1", epoch, offer: offer(`L${epoch}`) });
  end.hear("s1", epoch, { kind: "answer", sdp: sdp(`R${epoch}`) });
  end.feed({ kind: "answer-applied", session: "s1", epoch });
}

describe("interruption", () => {
  for (const connection of ["disconnected", "failed"] as const) {
    it(`[SES41] ${connection} leaves the session Active and interrupted, and the offerer restarts ICE at once`, () => {
      const end = activeOfferer();
      transport(end, connection);
      assert.equal(end.kind, "Active");
      assert.ok(end.state.kind === "Active" && end.state.interrupted && end.state.media);
      assert.deepEqual(end.events("interrupted"), [{ kind: "interrupted", session: "s1", connection }]);
      assert.deepEqual(end.of("create-offer").at(-1), {
        kind: "create-offer",
        session: "s1",
        epoch: 2,
        iceRestart: true,
      });
    });
  }

  it("[SES41] the answerer asks for the restart at once, and again every iceRestartMs", () => {
    const end = activeAnswerer();
    transport(end, "disconnected");
    const asked = () => end.sent("negotiation-needed").length;
    assert.equal(asked(), 1);
    assert.equal(end.sent("negotiation-needed")[0]?.body.iceRestart, true);
    end.advance(iceRestartMs - 1);
    assert.equal(asked(), 1);
    end.advance(1);
    assert.equal(asked(), 2);
    end.advance(iceRestartMs);
    assert.equal(asked(), 3);
  });

  it("[SES41] the offerer restarts again every iceRestartMs, each in a new epoch, answered or not", () => {
    const end = activeOfferer();
    transport(end, "disconnected");
    settle(end, 2);
    end.advance(iceRestartMs);
    end.advance(iceRestartMs);
    assert.deepEqual(
      end.of("create-offer").map((effect) => effect.epoch),
      [1, 2, 3, 4],
    );
  });

  it("[SES42] connected ends the interruption; the session never left Active and nothing was undone", () => {
    const end = activeOfferer();
    transport(end, "disconnected");
    settle(end, 2);
    end.advance(400);
    transport(end, "connected");
    assert.deepEqual(end.events("recovered"), [{ kind: "recovered", session: "s1", durationMs: 400 }]);
    assert.deepEqual(end.path, ["OutgoingInit", "Negotiating", "Active"]);
    assert.equal(end.of("undo").length, 0);
    end.advance(100_000);
    assert.equal(end.kind, "Active");
    assert.equal(end.of("create-offer").length, 2);
    assert.equal(end.machine.deadline(end.state), undefined);
  });

  it("[SES42] a restart that still waits when the transport is back is dropped", () => {
    const end = activeOfferer();
    transport(end, "disconnected");
    end.feed({ kind: "offer-created", session: "s1", epoch: 2, offer: offer("L2") });
    end.feed({ kind: "renegotiate", why: "x", iceRestart: true });
    transport(end, "connected");
    end.hear("s1", 2, { kind: "answer", sdp: sdp("R2") });
    end.feed({ kind: "answer-applied", session: "s1", epoch: 2 });
    end.advance(100_000);
    assert.equal(end.of("create-offer").length, 2);
  });

  it("[SES43] an interruption of recoveryMs ends with connection-failed, and not a millisecond earlier", () => {
    for (const end of [activeOfferer(), activeAnswerer()]) {
      transport(end, "disconnected");
      end.advance(recoveryMs - 1);
      assert.equal(end.kind, "Active");
      end.advance(1);
      assert.equal(end.kind, "Ending");
      end.performAll("s1");
      assert.equal(reasonOf(end), "connection-failed");
      assert.equal(end.sent("hangup").length, 1);
      assert.equal(end.ended.receipt.clean, true);
    }
  });

  it("[SES43] a transport that somebody else closes ends the session", () => {
    const end = activeOfferer();
    transport(end, "closed");
    end.performAll("s1");
    assert.equal(reasonOf(end), "connection-failed");
    assert.equal(end.ended.by, "world");
  });

  it("[SES44] ICE is restarted at most once in iceRestartMs, however often the transport flaps", () => {
    const end = activeOfferer();
    let before = end.of("create-offer").length;
    for (let i = 0; i < 60; i++) {
      transport(end, i % 3 === 0 ? "disconnected" : i % 3 === 1 ? "failed" : "connected");
      end.advance(100);
      const count = end.of("create-offer").length;
      assert.ok(count - before <= 1);
      before = count;
    }
    assert.ok(end.of("create-offer").length <= 2 + 6000 / iceRestartMs, `${end.of("create-offer").length} offers`);
    assert.ok(end.of("create-offer").length >= 3);
  });

  it("[SES44] a question that the last restart has answered starts none; one asked since does, in its time", () => {
    const end = activeOfferer();
    transport(end, "disconnected");
    end.hear("s1", 1, { kind: "negotiation-needed", why: "transport disconnected", iceRestart: true });
    settle(end, 2);
    transport(end, "connected");
    assert.equal(end.of("create-offer").length, 2);
    end.hear("s1", 2, { kind: "negotiation-needed", why: "transport disconnected", iceRestart: true });
    assert.equal(end.of("create-offer").length, 2);
    end.advance(iceRestartMs - 1);
    assert.equal(end.of("create-offer").length, 2);
    end.advance(1);
    assert.equal(end.of("create-offer").length, 3);
  });

  it("[SES44] a question asked twice, or while an offer is being answered, is one", () => {
    const offerer = activeOfferer();
    for (let i = 0; i < 2; i++) {
      offerer.hear("s1", 1, { kind: "negotiation-needed", why: "transport disconnected", iceRestart: true });
    }
    settle(offerer, 2);
    offerer.advance(10 * iceRestartMs);
    assert.equal(offerer.of("create-offer").length, 2);
    const answerer = activeAnswerer();
    answerer.hear("s1", 2, { kind: "offer", offer: offer("R2") });
    transport(answerer, "disconnected");
    assert.equal(answerer.sent("negotiation-needed").length, 0);
    answerer.feed({ kind: "answer-created", session: "s1", epoch: 2, sdp: sdp("L2") });
    answerer.advance(iceRestartMs);
    assert.equal(answerer.sent("negotiation-needed").length, 1);
  });

  it("[SES45] a transport that fails before it was connected gets a restart; negotiatingMs still holds", () => {
    const end = new OneEnd();
    end.call("s1");
    end.hear("s1", 0, { kind: "accept" });
    end.performAll("s1");
    settle(end, 1);
    transport(end, "connecting");
    transport(end, "failed");
    assert.deepEqual(
      end.of("create-offer").map((effect) => effect.iceRestart),
      [false, true],
    );
    assert.equal(end.events("interrupted").length, 0);
    end.advance(negotiatingMs);
    end.performAll("s1");
    assert.equal(reasonOf(end), "connection-failed");
  });
});
