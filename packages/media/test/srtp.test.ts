import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import { encodePli, RtpPacket } from "@lodeline/rtp";
import { RtpHeader, SrtcpSession, SrtpSession } from "werift";
import { openGcm, sealGcm, writeGcmRtpNonce } from "../src/srtp/srtp-cipher.ts";
import { deriveSessionKeys, masterKeyBytes, SRTP_PROFILE, type SrtpProfile, saltBytes } from "../src/srtp/srtp-keys.ts";
import { SrtpReceiver } from "../src/srtp/srtp-receiver.ts";
import { SrtpSender } from "../src/srtp/srtp-sender.ts";

const bytes = (text: string) => Buffer.from(text.replace(/\s/g, ""), "hex");

function master(profile: SrtpProfile) {
  return { key: Buffer.alloc(masterKeyBytes(profile), 7), salt: Buffer.alloc(saltBytes(profile), 9) };
}

/** A packet with an extension and `length` bytes of payload. */
function packet(sequenceNumber: number, length = 50, ssrc = 0xcafe): Buffer {
  const out = Buffer.concat([
    bytes("90 60 0000 00000bb8 00000000 bede0001 10ff0000"),
    Buffer.alloc(length, sequenceNumber & 0xff),
  ]);
  out.writeUInt16BE(sequenceNumber, 2);
  out.writeUInt32BE(ssrc, 8);
  return out;
}

function protect(sender: SrtpSender, plain: Buffer): Buffer {
  const out = Buffer.concat([plain, Buffer.alloc(sender.overheadBytes)]);
  return out.subarray(0, sender.protectRtp(out, 20, plain.length, plain.readUInt32BE(8), plain.readUInt16BE(2)));
}

function unprotect(receiver: SrtpReceiver, datagram: Buffer): Buffer | undefined {
  const copy = Buffer.from(datagram);
  const view = new RtpPacket();
  if (!view.parseHeader(copy)) return undefined;
  const length = receiver.unprotectRtp(copy, view);
  return length < 0 ? undefined : copy.subarray(0, length);
}

describe("SRTP keys and ciphers", () => {
  it("[SEC1] derives the keys of RFC 3711 section B.3", () => {
    const keys = deriveSessionKeys(
      SRTP_PROFILE.aes128CmHmacSha1Bits80,
      { key: bytes("E1F97A0D3E018BE0D64FA32C06DE4139"), salt: bytes("0EC675AD498AFEEBB6960B3AABE6") },
      "rtp",
    );
    assert.equal(keys.encryption.export().toString("hex"), "c61e7a93744f39ee10734afe3ff7a087");
    assert.equal(keys.salt.toString("hex"), "30cbbc08863d8c85d49db34a9ae1");
    assert.equal(keys.authentication.export().toString("hex"), "cebe321f6ff7716b6fd4ab49af256a156d38baa4");
  });

  it("[SEC1] protects the packet of RFC 7714 section 16.1.1", () => {
    const keys = {
      encryption: createSecretKey(bytes("000102030405060708090a0b0c0d0e0f")),
      gcm: "aes-128-gcm" as const,
      authentication: createSecretKey(Buffer.alloc(20)),
      salt: bytes("517569642070726f2071756f"),
    };
    const plain = bytes(
      `8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573`,
    );
    const nonce = Buffer.alloc(12);
    writeGcmRtpNonce(nonce, keys.salt, 0x5501a0b2, 0xf17b);
    assert.equal(nonce.toString("hex"), "51753c6580c2726f20718414");
    const out = Buffer.concat([plain, Buffer.alloc(16)]);
    sealGcm(keys, nonce, plain.subarray(0, 12), out, 12, plain.length);
    assert.equal(
      out.subarray(12).toString("hex"),
      "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce",
    );
    assert.equal(openGcm(keys, nonce, plain.subarray(0, 12), out, 12, plain.length), true);
    assert.deepEqual(out.subarray(0, plain.length), plain);
    // Section 16.2.1: the same under AES-256.
    const long = {
      ...keys,
      encryption: createSecretKey(Buffer.from(Array.from({ length: 32 }, (_, index) => index))),
      gcm: "aes-256-gcm" as const,
    };
    sealGcm(long, nonce, plain.subarray(0, 12), out, 12, plain.length);
    assert.equal(
      out.subarray(12).toString("hex"),
      "32b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
    );
  });
});

for (const [name, profile] of Object.entries(SRTP_PROFILE)) {
  describe(`SRTP with ${name}`, () => {
    const pair = () => ({
      sender: new SrtpSender(profile, master(profile)),
      receiver: new SrtpReceiver(profile, master(profile)),
    });
    const other = (profile: 1 | 7) => {
      const { key, salt } = master(profile);
      const keys = { localMasterKey: key, localMasterSalt: salt, remoteMasterKey: key, remoteMasterSalt: salt };
      return { rtp: new SrtpSession({ profile, keys }), rtcp: new SrtcpSession({ profile, keys }) };
    };

    it("[SEC1] survives the way, reordering and 140,000 packets' worth of rollover", () => {
      const { sender, receiver } = pair();
      const random = seededRandom(4);
      let waiting: Buffer[] = [];
      for (let at = 60_000; at < 200_000; at += 97) {
        const plain = packet(at & 0xffff, integer(random, 100));
        waiting.push(protect(sender, plain));
        if (waiting.length === 4) {
          for (const each of waiting.reverse()) assert.ok(unprotect(receiver, each));
          waiting = [];
        }
      }
      assert.deepEqual(receiver.refusals, { replayed: 0, forged: 0 });
    });

    // werift has no AES-256; its packets are held by the RFC's own above.
    if (profile !== SRTP_PROFILE.aeadAes256Gcm) {
      it("[SEC1] is read by, and reads, an independent implementation", () => {
        const { sender, receiver } = pair();
        const { rtp, rtcp } = other(profile);
        for (const sequenceNumber of [65_534, 65_535, 0, 1]) {
          const plain = packet(sequenceNumber);
          assert.deepEqual(rtp.decrypt(protect(sender, plain)), plain);
        }
        const second = other(profile).rtp;
        for (const sequenceNumber of [65_534, 65_535, 0, 1]) {
          const plain = packet(sequenceNumber);
          assert.deepEqual(
            unprotect(receiver, second.encrypt(plain.subarray(20), RtpHeader.deSerialize(plain))),
            plain,
          );
        }
        const pli = Buffer.from(encodePli(1, 2));
        assert.deepEqual(Buffer.from(rtcp.decrypt(sender.protectRtcp(pli))), pli);
        assert.deepEqual(receiver.unprotectRtcp(Buffer.from(other(profile).rtcp.encrypt(pli))), pli);
      });
    }

    it("[SEC2] accepts each packet once, RTP and RTCP", () => {
      const { sender, receiver } = pair();
      const one = protect(sender, packet(5));
      assert.ok(unprotect(receiver, one));
      assert.equal(unprotect(receiver, one), undefined);
      const report = sender.protectRtcp(encodePli(1, 2));
      assert.ok(receiver.unprotectRtcp(Buffer.from(report)));
      assert.equal(receiver.unprotectRtcp(Buffer.from(report)), undefined);
      assert.deepEqual(receiver.refusals, { replayed: 2, forged: 0 });
    });

    it("[SEC2] refuses any changed bit and any cut, and takes the true packet afterwards", () => {
      const { sender, receiver } = pair();
      const good = protect(sender, packet(5));
      const report = sender.protectRtcp(encodePli(1, 2));
      const random = seededRandom(9);
      for (let round = 0; round < 500; round++) {
        const changed = Buffer.from(good);
        // Not in the first byte: that would be another header, and so no RTP at all.
        const at = 1 + integer(random, changed.length - 1);
        changed[at] = (changed[at] ?? 0) ^ (1 << integer(random, 8));
        assert.equal(unprotect(receiver, changed), undefined);
        const other = Buffer.from(report);
        const place = integer(random, other.length);
        other[place] = (other[place] ?? 0) ^ (1 << integer(random, 8));
        assert.equal(receiver.unprotectRtcp(other), undefined);
      }
      for (let length = 20; length < good.length; length++)
        assert.equal(unprotect(receiver, good.subarray(0, length)), undefined);
      for (let length = 0; length < report.length; length++)
        assert.equal(receiver.unprotectRtcp(Buffer.from(report.subarray(0, length))), undefined);
      assert.ok(unprotect(receiver, good));
      assert.ok(receiver.unprotectRtcp(report));
    });
  });
}
