import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  CLOSE_CODES,
  DEFAULT_TIMERS,
  kindOf,
  LIMITS,
  parsePublicationId,
  publicationId,
  REPLAY_STEPS,
  replayStep,
  SOURCES,
  source,
  subscriptionId,
} from "@lodeline/protocol";

describe("names", () => {
  it("[PROTO10] a publication's id gives back participant and source", () => {
    for (const participant of ["p_1", "a:b", "a:camera", ">", "ö"]) {
      for (const one of SOURCES) {
        const id = publicationId(participant, one);
        assert.deepEqual(parsePublicationId(id), { participant, source: one });
        assert.equal(subscriptionId(id, "p_2"), `${id}>p_2`);
      }
    }
    for (const text of ["", "camera", ":camera", "p_1", "p_1:", "p_1:webcam", "p_1:toString"]) {
      assert.equal(parsePublicationId(text), undefined, text);
    }
  });

  it("[PROTO11] each source has one kind and is listed once; so is each step of a replay", () => {
    assert.deepEqual([...SOURCES].sort(), Object.values(source._zod.def.entries).sort());
    assert.equal(new Set(SOURCES).size, SOURCES.length);
    assert.deepEqual(
      SOURCES.map((one) => kindOf(one)),
      ["audio", "video", "video", "audio"],
    );
    assert.deepEqual([...REPLAY_STEPS].sort(), Object.values(replayStep._zod.def.entries).sort());
  });
});

describe("numbers", () => {
  it("[PROTO12] the timers fit each other", () => {
    const t = DEFAULT_TIMERS;
    const ordered: [string, number, number][] = [
      ["the caller's word decides, not the callee's", t.noAnswerMs, t.ringingMs],
      ["two heartbeats may be lost before the link is", 2 * t.heartbeatMs, t.linkLostMs],
      ["a lost link is found before its participant is gone", t.linkLostMs, t.leaseMs],
      ["suspicion comes before the end", t.suspectMs, t.leaseMs],
      ["a link may be resumed as long as its participant is there", t.leaseMs, t.resumeWindowMs],
      ["a reconnect succeeds within the lease", t.connectMs + t.reconnectMaxMs, t.leaseMs],
      ["receipts come more often than they are missed", t.receiptHeartbeatMs, t.receiptWindowMs],
      ["ICE is restarted more than once in a recovery", 2 * t.iceRestartMs, t.recoveryMs],
      ["an answer to the join is there before its command is given up", t.connectMs, t.commandMs],
      ["acknowledgements come before anybody asks after them", 5 * t.ackDelayMs, t.heartbeatMs],
      ["the first reconnect is not the longest", t.reconnectFirstMs, t.reconnectMaxMs],
    ];
    for (const [why, smaller, larger] of ordered) assert.ok(smaller < larger, `${why}: ${smaller} < ${larger}`);
    for (const [name, ms] of Object.entries(t)) assert.ok(Number.isFinite(ms) && ms > 0 && name.endsWith("Ms"), name);
  });

  it("[PROTO13] close codes are distinct and of the permitted ranges", () => {
    const codes = Object.values(CLOSE_CODES);
    assert.equal(new Set<number>(codes).size, codes.length);
    // RFC 6455 section 7.4.1 and the IANA registry for those below 3000, section 7.4.2 for 4000-4999.
    for (const code of codes)
      assert.ok([1000, 1001, 1009, 1013].includes(code) || (code >= 4000 && code < 5000), `${code}`);
  });

  it("[PROTO4] limits leave room for each other", () => {
    assert.ok(LIMITS.sdpLength < LIMITS.frameBytes);
    assert.ok(LIMITS.serverFrameLength <= LIMITS.linkBufferLength);
    assert.ok(LIMITS.frameBytes <= LIMITS.linkBufferLength);
    assert.ok(LIMITS.messagesPerSecond <= LIMITS.messageBurst);
  });
});
