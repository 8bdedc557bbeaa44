import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineError } from "@lodeline/base";
import {
  CIPHER_SUITES,
  type CipherSuiteName,
  encodeHeader,
  FrameKey,
  makeAead,
  parseHeader,
  ratchet,
} from "@lodeline/sframe";
import { AEADS, bytes, FRAMES, HEADERS, hex } from "./vectors.ts";

const { subtle } = globalThis.crypto;

describe("headers", () => {
  for (const [kid, ctr, header] of HEADERS) {
    it(`[SF1] of kid ${kid} and ctr ${ctr} are ${header}`, () => {
      const [wantedKid, wantedCtr] = [BigInt(`0x${kid}`), BigInt(`0x${ctr}`)];
      assert.equal(hex(encodeHeader(wantedKid, wantedCtr)), header);
      assert.deepEqual(parseHeader(bytes(`${header}aabb`)), {
        kid: wantedKid,
        ctr: wantedCtr,
        lengthBytes: header.length / 2,
      });
    });
  }

  it("[SF1] are read in a longer form than need be", () => {
    assert.deepEqual(parseHeader(bytes("9900010002")), { kid: 1n, ctr: 2n, lengthBytes: 5 });
  });

  it("[SF1] that are cut off are malformed, at every length", () => {
    const whole = encodeHeader(0xffff_ffff_ffffn, 0xffffn);
    for (let length = 0; length < whole.length; length++) {
      assert.throws(() => parseHeader(whole.subarray(0, length)), isMalformed);
    }
  });

  it("[SF1] of more than 64 bits are refused", () => {
    assert.throws(() => encodeHeader(1n << 64n, 0n), TypeError);
    assert.throws(() => encodeHeader(0n, -1n), TypeError);
  });
});

describe("ciphertexts", () => {
  for (const [name, ciphertext] of Object.entries(AEADS.ciphertexts)) {
    it(`[SF2] of the AEAD of ${name} are the RFC's`, async () => {
      const aead = await makeAead(subtle, CIPHER_SUITES[name as CipherSuiteName], bytes(AEADS.key));
      const sealed = await aead.seal(bytes(AEADS.nonce), bytes(AEADS.aad), bytes(AEADS.plaintext));
      assert.equal(hex(sealed), ciphertext);
      const opened = await aead.open(bytes(AEADS.nonce), bytes(AEADS.aad), sealed);
      assert.equal(hex(opened ?? bytes("")), AEADS.plaintext);
    });
  }

  for (const [name, ciphertext] of Object.entries(FRAMES.ciphertexts)) {
    it(`[SF2] of whole frames with ${name} are the RFC's`, async () => {
      const key = await FrameKey.derive(
        subtle,
        CIPHER_SUITES[name as CipherSuiteName],
        FRAMES.kid,
        bytes(FRAMES.baseKey),
      );
      const frame = await key.encrypt(FRAMES.ctr, bytes(FRAMES.metadata), bytes(FRAMES.plaintext));
      assert.equal(hex(frame), ciphertext);
      assert.equal(hex((await key.decrypt(bytes(FRAMES.metadata), frame)) ?? bytes("")), FRAMES.plaintext);
    });

    it(`[SF3] with ${name} are not authentic when any bit is another`, async () => {
      const suite = CIPHER_SUITES[name as CipherSuiteName];
      const key = await FrameKey.derive(subtle, suite, FRAMES.kid, bytes(FRAMES.baseKey));
      for (let at = 5; at < bytes(ciphertext).length; at++) {
        const frame = bytes(ciphertext);
        frame[at] = (frame[at] as number) ^ (1 << (at % 8));
        assert.equal(await key.decrypt(bytes(FRAMES.metadata), frame), undefined, `byte ${at}`);
      }
      assert.equal(await key.decrypt(bytes("00"), bytes(ciphertext)), undefined);
      for (const length of [5, 6, 8, ciphertext.length / 2 - 1]) {
        assert.equal(await key.decrypt(bytes(FRAMES.metadata), bytes(ciphertext).slice(0, length)), undefined);
      }
    });
  }

  it("[SF3] of another key are refused by name", async () => {
    const suite = CIPHER_SUITES.AES_128_GCM_SHA256_128;
    const key = await FrameKey.derive(subtle, suite, 1n, bytes(FRAMES.baseKey));
    assert.throws(() => key.decrypt(bytes(""), bytes(FRAMES.ciphertexts.AES_128_GCM_SHA256_128)), isMalformed);
  });

  it("[KEY1] a ratcheted key is as long as the hash and another", async () => {
    for (const suite of Object.values(CIPHER_SUITES)) {
      const next = await ratchet(subtle, suite, bytes(FRAMES.baseKey));
      assert.equal(next.length, suite.hashBytes);
      assert.notEqual(hex(next).slice(0, 32), FRAMES.baseKey);
    }
  });
});

function isMalformed(thrown: unknown): boolean {
  return thrown instanceof LodelineError && thrown.code === "encryption/malformed";
}
