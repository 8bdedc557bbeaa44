import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  av1StartsKeyFrame,
  h264StartsKeyFrame,
  PayloadInspector,
  Vp8Descriptor,
  Vp9Descriptor,
  writePictureId,
} from "@lodeline/rtp";
import { hex, parsed } from "./packets.ts";

/** A VP8 key frame's header for 640x360, as RFC 6386 section 9.1 lays it out. */
const VP8_KEY = "10 02 00 9d 01 2a 8002 6801";

function vp8(text: string): Vp8Descriptor | undefined {
  const bytes = hex(text);
  const descriptor = new Vp8Descriptor();
  return descriptor.parse(bytes, 0, bytes.length) ? descriptor : undefined;
}

function vp9(text: string): Vp9Descriptor | undefined {
  const bytes = hex(text);
  const descriptor = new Vp9Descriptor();
  return descriptor.parse(bytes, 0, bytes.length) ? descriptor : undefined;
}

describe("payload descriptors", () => {
  it("[PAY1] reads VP8 with a 15-bit picture id, TL0PICIDX and temporal layer", () => {
    const descriptor = vp8(`90 e0 9234 56 a1 ${VP8_KEY}`);
    assert.ok(descriptor);
    assert.deepEqual(
      [descriptor.lengthBytes, descriptor.pictureIdBits, descriptor.pictureId, descriptor.pictureIdOffset],
      [6, 15, 0x1234, 2],
    );
    assert.deepEqual([descriptor.hasTl0PicIdx, descriptor.tl0PicIdx, descriptor.tl0PicIdxOffset], [true, 0x56, 4]);
    assert.deepEqual([descriptor.temporalLayer, descriptor.startOfFrame, descriptor.keyFrame], [2, true, true]);
    assert.deepEqual([descriptor.hasTemporalLayer, descriptor.layerSync], [true, true]);
    const key = vp8("90 90 34 e1 01");
    assert.deepEqual([key?.hasTemporalLayer, key?.temporalLayer, key?.layerSync], [false, 0, false], "KEYIDX alone");
    assert.deepEqual([descriptor.width, descriptor.height], [640, 360]);
  });

  it("[PAY1] reads VP8 with a 7-bit picture id and without any", () => {
    assert.deepEqual([vp8("90 80 34 01")?.pictureIdBits, vp8("90 80 34 01")?.pictureId], [7, 0x34]);
    const bare = vp8("00 01");
    assert.deepEqual([bare?.lengthBytes, bare?.pictureIdBits, bare?.startOfFrame], [1, 0, false]);
  });

  it("[PAY1] refuses VP8 that is cut short", () => {
    for (const text of ["", "80", "80 80", "80 80 80", "80 40", "80 20"]) assert.equal(vp8(text), undefined, text);
  });

  it("[PAY2] reads VP9 in non-flexible mode with layers and structure", () => {
    // I, L, B, V; 15-bit picture id; T=1 S=0; TL0PICIDX; two spatial layers with sizes and a group of one picture.
    const descriptor = vp9("aa 8101 20 07 38 0140 00b4 0280 0168 01 04 05 ff");
    assert.ok(descriptor);
    assert.deepEqual([descriptor.pictureIdBits, descriptor.pictureId, descriptor.pictureIdOffset], [15, 0x101, 1]);
    assert.deepEqual([descriptor.temporalLayer, descriptor.spatialLayer, descriptor.tl0PicIdx], [1, 0, 7]);
    assert.deepEqual([descriptor.width, descriptor.height, descriptor.lengthBytes], [640, 360, 17]);
    assert.equal(descriptor.keyFrame, true);
  });

  it("[PAY2] reads VP9 in flexible mode with references, which has no TL0PICIDX", () => {
    const descriptor = vp9("f8 05 22 03 02 ff");
    assert.ok(descriptor);
    assert.deepEqual([descriptor.pictureIdBits, descriptor.pictureId, descriptor.hasTl0PicIdx], [7, 5, false]);
    assert.deepEqual([descriptor.spatialLayer, descriptor.lengthBytes, descriptor.keyFrame], [1, 5, false]);
  });

  it("[PAY2] refuses VP9 that is cut short", () => {
    for (const text of ["", "80", "80 80", "20", "20 00", "50", "50 01 01", "02", "02 18 00", "02 08", "02 08 01"]) {
      assert.equal(vp9(text), undefined, text);
    }
  });

  it("[PAY3] knows key frames by their first packet", () => {
    assert.equal(vp8(`10 ${VP8_KEY}`)?.keyFrame, true);
    assert.equal(vp8("10 11 02 00")?.keyFrame, false, "an interframe");
    assert.equal(vp8(`00 ${VP8_KEY}`)?.keyFrame, false, "not the start");
    assert.equal(vp8(`11 ${VP8_KEY}`)?.keyFrame, false, "not the first partition");
    assert.equal(vp9("08 ff")?.keyFrame, true);
    assert.equal(vp9("48 ff")?.keyFrame, false, "predicted");
    assert.equal(vp9("00 ff")?.keyFrame, false, "not the beginning");
    const h264 = (text: string) => h264StartsKeyFrame(hex(text), 0, hex(text).length);
    assert.equal(h264("67 42e01f"), true, "SPS");
    assert.equal(h264("78 0002 6742 0002 68ce 0001 65"), true, "aggregate with SPS");
    assert.equal(h264("78 0002 68ce 0002 6742"), true, "SPS second");
    assert.equal(h264("78 0002 68ce 0001 65"), false, "aggregate without SPS");
    assert.equal(h264("7c 85 00"), false, "fragment of an IDR slice: its SPS came before");
    assert.equal(h264("41 00"), false);
    assert.equal(h264(""), false);
    assert.equal(av1StartsKeyFrame(hex("18 0a"), 0, 2), true);
    assert.equal(av1StartsKeyFrame(hex("10 32"), 0, 2), false);
  });

  it("[PAY3] inspects by codec, and forgets the packet before", () => {
    const inspector = new PayloadInspector();
    inspector.inspect("vp8", parsed(hex(`80 60 0001 00000002 00000003 90 e0 9234 56 a1 ${VP8_KEY}`)));
    assert.deepEqual([inspector.keyFrame, inspector.pictureId, inspector.width], [true, 0x1234, 640]);
    assert.deepEqual([inspector.temporalLayer, inspector.layerSync], [2, true]);
    inspector.inspect("vp8", parsed(hex("80 60 0001 00000002 00000003")));
    assert.deepEqual([inspector.keyFrame, inspector.pictureIdBits, inspector.width], [false, 0, 0]);
    assert.deepEqual([inspector.temporalLayer, inspector.layerSync], [-1, false]);
    inspector.inspect("vp8", parsed(hex("80 60 0001 00000002 00000003 90 20 a1 01")));
    assert.equal(inspector.temporalLayer, -1, "without a picture id nothing could be left out unseen");
    inspector.inspect("opus", parsed(hex("80 60 0001 00000002 00000003 ff")));
    assert.equal(inspector.keyFrame, true, "a receiver may begin with any audio packet");
  });

  it("[PAY4] writes a picture id in the width it was read", () => {
    for (const [text, id] of [
      ["90 80 9234 01", 0x7fff],
      ["90 80 34 01", 0x7f],
    ] as const) {
      const bytes = hex(text);
      const descriptor = new Vp8Descriptor();
      descriptor.parse(bytes, 0, bytes.length);
      const { lengthBytes } = descriptor;
      writePictureId(bytes, descriptor.pictureIdOffset, descriptor.pictureIdBits, id);
      assert.equal(descriptor.parse(bytes, 0, bytes.length), true);
      assert.equal(descriptor.pictureId, id);
      assert.equal(descriptor.lengthBytes, lengthBytes);
    }
  });
});
