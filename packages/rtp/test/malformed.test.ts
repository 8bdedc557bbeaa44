import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import {
  encodeNack,
  encodeReceiverReport,
  encodeRemb,
  encodeSourceDescription,
  findExtension,
  joinRtcp,
  type PayloadCodec,
  PayloadInspector,
  parseRtcp,
  RtpPacket,
  readTextExtension,
  unwrapRtx,
} from "@lodeline/rtp";
import { hex } from "./packets.ts";

const RTP_SEEDS = [
  "90 e0 1234 89abcdef 01020304 bede0002 10 85 00 41 6d30 0000 90 e0 9234 56 a1 10 02 00 9d 01 2a 8002 6801",
  "b1 60 0001 00000002 00000003 cafebabe 1000 0003 01 00 00 20 02 6869 05 03 616263 00 aa 8101 20 07 38 0140 00b4 0280 0168 01 04 05 02",
  "80 60 0001 00000002 00000003 78 0002 6742 0002 68ce 0001 65",
];

const RTCP_SEED = joinRtcp([
  encodeReceiverReport(2, []),
  encodeSourceDescription(3, "someone"),
  encodeRemb(10, 1_500_000, [11, 12]),
  encodeNack(13, 14, [15, 20, 60]),
]);

/** Changes, cuts or lengthens a good packet. */
function damage(bytes: Uint8Array, random: ReturnType<typeof seededRandom>): Uint8Array {
  const damaged = Uint8Array.from(
    { length: integer(random, bytes.length + 8) },
    (_, i) => bytes[i] ?? integer(random, 256),
  );
  for (let i = integer(random, 6); i > 0 && damaged.length > 0; i--)
    damaged[integer(random, damaged.length)] = integer(random, 256);
  return damaged;
}

describe("malformed input", () => {
  it("[RTP6] 60,000 damaged RTP packets are parsed or refused, and what is found lies within them", () => {
    const random = seededRandom(1);
    const packet = new RtpPacket();
    const inspector = new PayloadInspector();
    const place = { offset: 0, lengthBytes: 0 };
    let accepted = 0;
    for (let round = 0; round < 60_000; round++) {
      const bytes = damage(hex(RTP_SEEDS[round % RTP_SEEDS.length] ?? ""), random);
      if (!packet.parse(bytes)) continue;
      accepted++;
      assert.ok(packet.payloadOffset + packet.payloadBytes + packet.paddingBytes === bytes.length);
      for (const codec of ["vp8", "vp9", "h264", "av1", "opus"] satisfies PayloadCodec[]) {
        inspector.inspect(codec, packet);
        if (inspector.pictureIdBits !== 0) {
          assert.ok(inspector.pictureIdOffset + (inspector.pictureIdBits === 15 ? 2 : 1) <= packet.payloadBytes);
        }
        if (inspector.hasTl0PicIdx) assert.ok(inspector.tl0PicIdxOffset < packet.payloadBytes);
      }
      for (let id = 1; id < 16; id++) {
        if (findExtension(packet, id, place)) assert.ok(place.offset + place.lengthBytes <= packet.payloadOffset);
        readTextExtension(packet, id, place);
      }
      if (unwrapRtx(packet, 1, 96)) assert.ok(packet.payloadBytes >= 0);
    }
    assert.ok(accepted > 1000, "some damage must leave a packet, or nothing behind the first check is tried");
  });

  it("[RTP6] 60,000 damaged RTCP compounds are parsed or refused", () => {
    const random = seededRandom(2);
    let parts = 0;
    for (let round = 0; round < 60_000; round++) {
      for (const part of parseRtcp(damage(RTCP_SEED, random))) {
        parts++;
        if (part.kind === "nack") assert.ok(part.sequenceNumbers.every((number) => number >= 0 && number <= 65_535));
      }
    }
    assert.ok(parts > 1000);
  });
});
