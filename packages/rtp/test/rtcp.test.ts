import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import {
  encodeBye,
  encodeFir,
  encodeNack,
  encodePli,
  encodeReceiverReport,
  encodeRemb,
  encodeSenderReport,
  encodeSourceDescription,
  joinRtcp,
  parseRtcp,
} from "@lodeline/rtp";
import { hex } from "./packets.ts";

const block = {
  ssrc: 0xdeadbeef,
  fractionLost: 255,
  cumulativeLost: -3,
  highestSequence: 0x00012345,
  jitter: 77,
  lastSenderReport: 0xfedcba98,
  delaySinceLastSenderReport: 65536,
};

describe("RTCP", () => {
  it("[RTCP1] keeps every field of every packet", () => {
    const report = {
      ssrc: 1,
      ntpSeconds: 0xe0000000,
      ntpFraction: 0x80000000,
      rtpTimestamp: 0xffffffff,
      packetCount: 5,
      octetCount: 6,
    };
    const compound = joinRtcp([
      encodeSenderReport({ ...report, blocks: [block] }),
      encodeReceiverReport(2, [block, block]),
      encodeSourceDescription(3, "someone"),
      encodeBye([4, 5]),
      encodePli(6, 7),
      encodeFir(8, 9, 250),
      encodeRemb(10, 1_500_000, [11, 12]),
      encodeNack(13, 14, [15]),
    ]);
    assert.deepEqual(parseRtcp(compound), [
      { kind: "sender-report", ...report, blocks: [block] },
      { kind: "receiver-report", ssrc: 2, blocks: [block, block] },
      { kind: "source-description", chunks: [{ ssrc: 3, cname: "someone" }] },
      { kind: "bye", ssrcs: [4, 5] },
      { kind: "pli", senderSsrc: 6, mediaSsrc: 7 },
      { kind: "fir", senderSsrc: 8, entries: [{ ssrc: 9, commandSequence: 250 }] },
      { kind: "remb", senderSsrc: 10, bitrateBps: 1_500_000, ssrcs: [11, 12] },
      { kind: "nack", senderSsrc: 13, mediaSsrc: 14, sequenceNumbers: [15] },
    ]);
  });

  it("[RTCP1] ends every source description chunk with a zero, whatever the name's length", () => {
    for (let length = 0; length < 12; length++) {
      const cname = "x".repeat(length);
      const bytes = encodeSourceDescription(1, cname);
      assert.equal(bytes.length % 4, 0);
      assert.equal(bytes.at(-1), 0);
      assert.deepEqual(parseRtcp(bytes), [{ kind: "source-description", chunks: [{ ssrc: 1, cname }] }]);
    }
  });

  it("[RTCP2] skips an unknown type and stops at a malformed one", () => {
    const unknown = hex("80 cf 0001 00000001");
    const tooLong = hex("81 c9 0010 00000001");
    const kinds = (...packets: Uint8Array[]) => parseRtcp(joinRtcp(packets)).map(({ kind }) => kind);
    assert.deepEqual(kinds(unknown, encodePli(1, 2)), ["pli"]);
    assert.deepEqual(kinds(encodePli(1, 2), tooLong, encodePli(1, 2)), ["pli"]);
    assert.deepEqual(kinds(hex("00000000"), encodePli(1, 2)), []);
  });

  it("[RTCP2] ignores padding, and an application message that is no REMB", () => {
    assert.deepEqual(parseRtcp(hex("a1 cb 0002 00000007 00000004")), [{ kind: "bye", ssrcs: [7] }]);
    assert.deepEqual(parseRtcp(hex("8f ce 0004 00000001 00000000 58585858 01000001")), []);
  });

  it("[RTCP3] packs what lies within 17 numbers into one item, across the wrap", () => {
    assert.equal(encodeNack(1, 2, [65530, 65535, 0, 10]).length, 12 + 4);
    assert.equal(encodeNack(1, 2, [65530, 11]).length, 12 + 8);
    const random = seededRandom(7);
    for (let round = 0; round < 200; round++) {
      const missing: number[] = [];
      let at = integer(random, 65536);
      for (let i = 0; i <= integer(random, 30); i++) {
        at = (at + 1 + integer(random, 40)) & 0xffff;
        missing.push(at);
      }
      assert.deepEqual(parseRtcp(encodeNack(1, 2, missing)), [
        { kind: "nack", senderSsrc: 1, mediaSsrc: 2, sequenceNumbers: missing },
      ]);
    }
  });

  it("[RTCP4] keeps 18 bits of a bitrate and never says more than it was given", () => {
    for (const bitrateBps of [0, 1, 262_143, 262_144, 3_100_000, 1e9, 1e12]) {
      const [packet] = parseRtcp(encodeRemb(1, bitrateBps, [2]));
      assert.ok(packet?.kind === "remb");
      assert.ok(packet.bitrateBps <= bitrateBps && packet.bitrateBps >= bitrateBps * (1 - 2 ** -17));
    }
  });
});
