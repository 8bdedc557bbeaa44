import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isRtcp, RTP_HEADER_BYTES, RtpPacket, writeRtpHeader } from "@lodeline/rtp";
import { hex, parsed } from "./packets.ts";

const FIXED = "80 e0 1234 89abcdef 01020304";

describe("RTP packets", () => {
  it("[RTP1] reads the fixed header", () => {
    const packet = parsed(hex(`${FIXED} aabb`));
    assert.equal(packet.marker, true);
    assert.equal(packet.payloadType, 96);
    assert.equal(packet.sequenceNumber, 0x1234);
    assert.equal(packet.timestamp, 0x89abcdef);
    assert.equal(packet.ssrc, 0x01020304);
    assert.equal(packet.payloadOffset, 12);
    assert.equal(packet.payloadBytes, 2);
  });

  it("[RTP1] steps over CSRCs and the extension, and leaves padding out", () => {
    const packet = parsed(hex("b1 60 0001 00000002 00000003 cafebabe bede0001 10ff0000 aabbcc 000003"));
    assert.equal(packet.payloadOffset, 12 + 4 + 8);
    assert.equal(packet.extensionProfile, 0xbede);
    assert.equal(packet.extensionOffset, 20);
    assert.equal(packet.extensionBytes, 4);
    assert.equal(packet.paddingBytes, 3);
    assert.equal(packet.payloadBytes, 3);
  });

  const malformed = {
    "too short": "80 e0 1234 89abcdef 010203",
    "version 1": "40 e0 1234 89abcdef 01020304",
    "more CSRCs than bytes": "81 e0 1234 89abcdef 01020304",
    "an extension without a head": "90 e0 1234 89abcdef 01020304 bede",
    "an extension longer than the packet": "90 e0 1234 89abcdef 01020304 bede0002 10ff0000",
    "a padding count of 0": "a0 e0 1234 89abcdef 01020304 aa00",
    "padding into the header": "a0 e0 1234 89abcdef 01020304 aa03",
  };
  for (const [what, bytes] of Object.entries(malformed)) {
    it(`[RTP1] refuses ${what}`, () => assert.equal(new RtpPacket().parse(hex(bytes)), false));
  }

  it("[RTP1] takes a protected packet's padding bit for what it is: not to be read yet", () => {
    const packet = new RtpPacket();
    assert.equal(packet.parseHeader(hex("a0 e0 1234 89abcdef 01020304 aa00")), true);
    assert.equal(packet.payloadBytes, 2);
  });

  it("[RTP1] takes the length it is given", () => {
    const packet = new RtpPacket();
    assert.equal(packet.parse(hex(`${FIXED} aabbccdd`), 14), true);
    assert.equal(packet.payloadBytes, 2);
    assert.equal(packet.parse(hex(FIXED), 20), false);
  });

  it("[RTP2] writes what it reads", () => {
    const fields = { marker: true, payloadType: 127, sequenceNumber: 65535, timestamp: 0xffffffff, ssrc: 0xfffffffe };
    const bytes = new Uint8Array(RTP_HEADER_BYTES);
    writeRtpHeader(bytes, fields, false);
    const { marker, payloadType, sequenceNumber, timestamp, ssrc } = parsed(bytes);
    assert.deepEqual({ marker, payloadType, sequenceNumber, timestamp, ssrc }, fields);
  });

  it("[RTP5] tells RTCP by its second byte", () => {
    for (const type of [192, 200, 206, 223]) assert.equal(isRtcp(Uint8Array.of(0x80, type)), true);
    for (const type of [0, 96, 127, 224, 255]) assert.equal(isRtcp(Uint8Array.of(0x80, type)), false);
  });
});
