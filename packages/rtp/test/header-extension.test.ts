import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  absoluteSendTime,
  ExtensionWriter,
  findExtension,
  readAudioLevel,
  readTextExtension,
  writeRtpHeader,
} from "@lodeline/rtp";
import { hex, parsed } from "./packets.ts";

const HEAD = "90 60 0001 00000002 00000003";
const place = { offset: 0, lengthBytes: 0 };

describe("header extensions", () => {
  it("[RTP3] finds one-byte elements, padding between them included", () => {
    // Id 1 of one byte, padding, id 4 of two bytes ("m0"), padding.
    const packet = parsed(hex(`${HEAD} bede0002 10 85 00 41 6d30 0000`));
    assert.deepEqual(readAudioLevel(packet, 1, place), { voice: true, levelDbov: 5 });
    assert.equal(readTextExtension(packet, 4, place), "m0");
    assert.equal(findExtension(packet, 2, place), false);
  });

  it("[RTP3] finds two-byte elements, empty ones too", () => {
    const packet = parsed(hex(`${HEAD} 1000 0003 01 00 00 20 02 6869 05 03 616263 00`));
    assert.equal(readTextExtension(packet, 0x20, place), "hi");
    assert.equal(readTextExtension(packet, 5, place), "abc");
    assert.equal(findExtension(packet, 1, place), true);
    assert.equal(place.lengthBytes, 0);
    assert.equal(readAudioLevel(packet, 1, place), undefined);
  });

  it("[RTP3] ends at an element that is too long, at id 15, and at an unknown profile", () => {
    assert.equal(findExtension(parsed(hex(`${HEAD} bede0001 1f000000`)), 1, place), false);
    assert.equal(findExtension(parsed(hex(`${HEAD} bede0001 f0 00 10 00`)), 1, place), false);
    assert.equal(findExtension(parsed(hex(`${HEAD} 1234 0001 10000000`)), 1, place), false);
    assert.equal(findExtension(parsed(hex(`${HEAD} 1000 0001 01 09 0000`)), 1, place), false);
    assert.equal(findExtension(parsed(hex("80 60 0001 00000002 00000003")), 1, place), false);
  });

  it("[RTP4] writes elements that are found again, padded to four bytes", () => {
    const bytes = new Uint8Array(64);
    const writer = new ExtensionWriter();
    writer.open(bytes, 12);
    writer.add(3, new TextEncoder().encode("mid"));
    writer.addByte(1, 0x7f);
    writer.addU24(14, 0x123456);
    const end = writer.close();
    assert.equal(end % 4, 0);
    writeRtpHeader(bytes, { marker: false, payloadType: 96, sequenceNumber: 1, timestamp: 2, ssrc: 3 }, true);
    const packet = parsed(bytes.subarray(0, end));
    assert.equal(packet.payloadBytes, 0);
    assert.equal(readTextExtension(packet, 3, place), "mid");
    assert.deepEqual(readAudioLevel(packet, 1, place), { voice: false, levelDbov: 127 });
    assert.equal(findExtension(packet, 14, place), true);
    assert.deepEqual([...bytes.subarray(place.offset, place.offset + 3)], [0x12, 0x34, 0x56]);
  });

  it("[RTP4] writes no block without an element", () => {
    const writer = new ExtensionWriter();
    writer.open(new Uint8Array(64), 12);
    assert.equal(writer.close(), 12);
  });

  it("[RTP4] counts send time in 6.18 fixed-point seconds that wrap at 64 s", () => {
    assert.equal(absoluteSendTime(0), 0);
    assert.equal(absoluteSendTime(1000), 1 << 18);
    assert.equal(absoluteSendTime(64_000), 0);
    assert.equal(absoluteSendTime(64_500), 1 << 17);
  });
});
