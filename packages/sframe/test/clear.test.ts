import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError, seededRandom } from "@lodeline/base";
import { Vp8Descriptor } from "@lodeline/rtp";
import {
  type Bytes,
  CIPHER_SUITES,
  clearBytesOf,
  FrameSender,
  isVp8KeyFrame,
  KeyStore,
  SenderKeys,
} from "@lodeline/sframe";
import { bytes, hex } from "./vectors.ts";

const { subtle } = globalThis.crypto;
const suite = CIPHER_SUITES.AES_128_GCM_SHA256_128;
const SHARED = new Uint8Array(32).fill(7);
const CAMERA = Uint8Array.of(2);

/** RFC 6386 section 9.1: tag, start code, 640 and 360, then what is secret. */
const KEY_FRAME = Uint8Array.of(0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01, 0xaa, 0xbb, 0xcc, 0xdd);
const DELTA_FRAME = Uint8Array.of(0x31, 0x02, 0x00, 0xaa, 0xbb, 0xcc);

async function ends(): Promise<{ sender: FrameSender; keys: SenderKeys }> {
  const sender = new FrameSender({ subtle, suite, random: seededRandom(3) });
  await sender.use(0, SHARED, "ada");
  const shared = new KeyStore();
  shared.set(0, SHARED);
  return { sender, keys: new SenderKeys(subtle, suite, shared, "ada") };
}

/** As the server sees the first packet of a frame: an RTP payload with the shortest descriptor. */
function asServerSees(frame: Uint8Array): Vp8Descriptor {
  const payload = Uint8Array.of(0x10, ...frame);
  const descriptor = new Vp8Descriptor();
  assert.ok(descriptor.parse(payload, 0, payload.length));
  return descriptor;
}

describe("an encrypted frame", () => {
  it("[CLEAR1] of VP8 still tells the server key frame and size, and nothing more", async () => {
    const { sender, keys } = await ends();
    for (const frame of [KEY_FRAME, DELTA_FRAME]) {
      const hidden = await sender.protect("vp8", CAMERA, frame);
      const clear = frame === KEY_FRAME ? 10 : 3;
      assert.equal(hex(hidden.subarray(0, clear)), hex(frame.subarray(0, clear)));
      assert.ok(!hex(hidden.subarray(clear)).includes(hex(frame.subarray(clear))));
      const seen = asServerSees(hidden);
      assert.equal(seen.keyFrame, frame === KEY_FRAME);
      assert.deepEqual([seen.width, seen.height], frame === KEY_FRAME ? [640, 360] : [0, 0]);
      const opened = await keys.open("vp8", CAMERA, hidden);
      assert.equal(opened.kind === "ok" && hex(opened.frame), hex(frame));
    }
  });

  it("[CLEAR1] is told from other codecs by the first key frame", () => {
    assert.ok(isVp8KeyFrame(KEY_FRAME));
    assert.ok(!isVp8KeyFrame(DELTA_FRAME));
    assert.ok(!isVp8KeyFrame(KEY_FRAME.slice(0, 9)));
    // H.264 with start codes, AV1 with a temporal delimiter, a VP9 key frame.
    for (const other of [
      "000000016742e01f000000016801",
      "12000a0b0000002aafbfbfffe608",
      "824983420027f0167e0000000000",
    ]) {
      assert.ok(!isVp8KeyFrame(bytes(other)), other);
    }
  });

  it("[CLEAR1] of Opus has nothing readable but the SFrame header", async () => {
    const { sender, keys } = await ends();
    const frame = new Uint8Array(60).fill(0x5a);
    const hidden = await sender.protect("opus", CAMERA, frame);
    assert.equal(clearBytesOf("opus", hidden), 0);
    assert.ok(!hex(hidden).includes("5a5a5a"));
    const opened = await keys.open("opus", CAMERA, hidden);
    assert.equal(opened.kind === "ok" && hex(opened.frame), hex(frame));
  });

  it("[CLEAR1] is as short as frames get, and none that is shorter", async () => {
    const { sender, keys } = await ends();
    for (const length of [1, 2, 3, 4, 9, 10, 11]) {
      for (const codec of ["vp8", "opus"] as const) {
        const frame = KEY_FRAME.slice(0, length);
        if (codec === "vp8" && length > 0 && length < 10) {
          await assert.rejects(sender.protect(codec, CAMERA, frame), isMalformed);
          assert.equal((await keys.open(codec, CAMERA, frame)).kind, "malformed");
          continue;
        }
        const opened = await keys.open(codec, CAMERA, await sender.protect(codec, CAMERA, frame));
        assert.equal(opened.kind === "ok" && hex(opened.frame), hex(frame), `${codec} ${length}`);
      }
    }
  });

  it("[CLEAR2] is not authentic when its readable bytes are others", async () => {
    const { sender, keys } = await ends();
    const hidden = await sender.protect("vp8", CAMERA, KEY_FRAME);
    for (let at = 0; at < 10; at++) {
      const changed: Bytes = hidden.slice();
      changed[at] = (changed[at] as number) ^ 0x02;
      assert.equal((await keys.open("vp8", CAMERA, changed)).kind, "wrong-key", `byte ${at}`);
    }
    assert.equal((await keys.open("vp8", CAMERA, hidden)).kind, "ok");
  });
});

function isMalformed(thrown: unknown): boolean {
  return thrown instanceof LodelineError && thrown.code === "encryption/malformed";
}
