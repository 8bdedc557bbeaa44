import assert from "node:assert/strict";
import { constants, createECDH, createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { before, describe, it } from "node:test";
import { integer, type Random, seededRandom } from "@lodeline/base";
import { ByteReader, Malformed, u16Vector, vector } from "../src/dtls/byte-reader.ts";
import { createDtlsCertificate, type DtlsCertificate } from "../src/dtls/certificate.ts";
import { DtlsRecords } from "../src/dtls/dtls-records.ts";
import { HandshakeFlight } from "../src/dtls/handshake-flight.ts";
import { encodeHandshake, HANDSHAKE } from "../src/dtls/handshake-messages.ts";
import { HandshakeReassembly } from "../src/dtls/handshake-reassembly.ts";
import { createKeyAgreement, GROUPS } from "../src/dtls/key-agreement.ts";
import { prf } from "../src/dtls/prf.ts";
import { certificateKey, SIGNATURE_SCHEMES, signatureIsGood } from "../src/dtls/signature-schemes.ts";
import { DtlsEnd, DtlsPair } from "./dtls-pair.ts";

const bytes = (text: string) => Buffer.from(text.replace(/\s/g, ""), "hex");

function pick<T>(random: Random, from: readonly T[]): T {
  return from[integer(random, from.length)] as T;
}

describe("the parts of DTLS", () => {
  it("[DTLS2] the pseudorandom function gives the TLS working group's test vector", () => {
    const out = prf(
      "sha256",
      bytes("9bbe436ba940f017b17652849a71db35"),
      "test label",
      bytes("a0ba9f936cda311827a6f796ffd5198c"),
      100,
    );
    assert.equal(
      out.toString("hex"),
      "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7" +
        "077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66",
    );
  });

  it("[DTLS2] agrees on a secret in both groups, and on none with a point that is none", () => {
    for (const group of Object.values(GROUPS)) {
      const ours = createKeyAgreement(group);
      const theirs = createKeyAgreement(group);
      assert.deepEqual(ours.agree(theirs.publicKey), theirs.agree(ours.publicKey));
      assert.equal(ours.publicKey.length, group === GROUPS.x25519 ? 32 : 65);
      for (const bad of [Buffer.alloc(32), Buffer.alloc(65, 4), Buffer.alloc(0), theirs.publicKey.subarray(1)])
        assert.throws(() => ours.agree(bad), Malformed);
    }
    const compressed = createECDH("prime256v1").generateKeys("hex", "compressed");
    assert.throws(() => createKeyAgreement(GROUPS.secp256r1).agree(Buffer.from(compressed, "hex")), Malformed);
  });

  it("[DTLS2] believes signatures by RSA and ECDSA keys, each only in its own scheme", () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const signed = Buffer.from("what was said");
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
    const byPss = sign("sha256", signed, { key: privateKey, ...pss });
    const byPkcs = sign("sha384", signed, privateKey);
    assert.equal(signatureIsGood(publicKey, 0x0804, signed, byPss), true);
    assert.equal(signatureIsGood(publicKey, 0x0501, signed, byPkcs), true);
    assert.equal(signatureIsGood(publicKey, 0x0401, signed, byPkcs), false, "another hash");
    assert.equal(signatureIsGood(publicKey, 0x0501, signed, byPss), false, "another padding");
    assert.equal(signatureIsGood(publicKey, 0x0403, signed, byPss), false, "another kind of key");
    assert.equal(signatureIsGood(publicKey, 0x0201, signed, byPss), false, "SHA-1");
    assert.ok(!SIGNATURE_SCHEMES.includes(0x0201));
    assert.equal(certificateKey(Buffer.from("no certificate")), undefined);
    assert.equal(createPublicKey(privateKey).asymmetricKeyType, "rsa");
  });

  it("[DTLS3] puts fragments together in any order, overlapping and doubled", () => {
    const random = seededRandom(6);
    const messages = [3000, 0, 17, 1200].map((lengthBytes, sequence) => ({
      type: HANDSHAKE.certificate,
      sequence,
      body: Buffer.from(Array.from({ length: lengthBytes }, () => integer(random, 256))),
    }));
    for (let round = 0; round < 50; round++) {
      const fragments = messages.flatMap((message) => {
        const cuts = [0, ...Array.from({ length: 6 }, () => integer(random, message.body.length + 1))].sort(
          (a, b) => a - b,
        );
        const whole = [...cuts, message.body.length];
        return cuts.map((from, index) =>
          encodeHandshake(message, Math.max(0, from - integer(random, 20)), whole[index + 1] ?? 0),
        );
      });
      const shuffled = [...fragments, ...fragments].sort(() => integer(random, 3) - 1);
      const reassembly = new HandshakeReassembly();
      const got: Buffer[] = [];
      for (const fragment of shuffled) {
        reassembly.handle(fragment, false);
        for (let next = reassembly.poll(); next; next = reassembly.poll()) got.push(next.body);
      }
      assert.deepEqual(
        got,
        messages.map(({ body }) => body),
      );
      assert.equal(reassembly.malformed, 0);
    }
  });

  it("[DTLS3] keeps no more than a few messages of bounded size, and starts anew where fragments contradict", () => {
    const reassembly = new HandshakeReassembly();
    const message = (sequence: number, lengthBytes: number) => {
      const head = Buffer.alloc(12 + 1);
      head[0] = HANDSHAKE.certificate;
      head.writeUIntBE(lengthBytes, 1, 3);
      head.writeUInt16BE(sequence, 4);
      head.writeUIntBE(1, 9, 3);
      return head;
    };
    reassembly.handle(message(0, 16_385), false);
    reassembly.handle(message(8, 10), false);
    reassembly.handle(message(0, 0), false);
    reassembly.handle(Buffer.alloc(5), false);
    assert.equal(reassembly.malformed, 4);
    // A forged first fragment of another length; then the true message.
    reassembly.handle(message(0, 500), false);
    reassembly.handle(encodeHandshake({ type: HANDSHAKE.certificate, sequence: 0, body: Buffer.from("true") }), false);
    assert.equal(reassembly.poll()?.body.toString(), "true");
    // Finished counts only when it was protected, and nothing else is protected.
    reassembly.handle(encodeHandshake({ type: HANDSHAKE.finished, sequence: 1, body: Buffer.alloc(12) }), false);
    assert.equal(reassembly.poll(), undefined);
    reassembly.handle(encodeHandshake({ type: HANDSHAKE.finished, sequence: 1, body: Buffer.alloc(12) }), true);
    assert.equal(reassembly.poll()?.type, HANDSHAKE.finished);
  });

  it("[DTLS3] cuts what does not fit in a datagram", () => {
    const sent: Buffer[] = [];
    const records = new DtlsRecords();
    const flight = new HandshakeFlight(records, (datagram) => sent.push(datagram));
    const body = Buffer.from(Array.from({ length: 5000 }, (_, index) => index & 0xff));
    flight.send([{ kind: "message", message: { type: 11, sequence: 0, body }, isProtected: false }], 0, false);
    assert.ok(sent.length >= 5);
    for (const datagram of sent) assert.ok(datagram.length <= 1200, `${datagram.length}`);
    const reassembly = new HandshakeReassembly();
    const reader = new DtlsRecords();
    for (const datagram of sent.reverse())
      for (const record of reader.open(datagram)) reassembly.handle(record.plain, false);
    assert.deepEqual(reassembly.poll()?.body, body);
  });

  it("[DTLS2] reads no further than there is", () => {
    assert.throws(() => new ByteReader(bytes("03 0102")).vector(1), Malformed);
    assert.throws(() => new ByteReader(bytes("0003 010203")).u16Vector(2), Malformed);
    assert.throws(() => new ByteReader(bytes("01")).u16(), Malformed);
    assert.deepEqual(new ByteReader(u16Vector(2, [1, 500])).u16Vector(2), [1, 500]);
    assert.deepEqual(vector(3, bytes("aa"), bytes("bb")), bytes("000002aabb"));
  });
});

describe("DTLS and hostile bytes", () => {
  let one: DtlsCertificate;
  let other: DtlsCertificate;
  /** What each side says in a good handshake. */
  let said: { client: Buffer[]; server: Buffer[] };

  before(async () => {
    one = await createDtlsCertificate();
    other = await createDtlsCertificate();
    const good = new DtlsPair({ certificate: one }, { certificate: other }, { random: seededRandom(1) });
    good.run();
    said = { client: good.client.sent, server: good.server.sent };
  });

  const mutate = (random: Random, datagram: Buffer): Buffer => {
    const copy = Buffer.from(datagram);
    for (let edits = 1 + integer(random, 4); edits > 0; edits--) {
      // Mostly the headers and length fields, where parsers break.
      const at = integer(random, 4) === 0 ? integer(random, copy.length) : integer(random, Math.min(copy.length, 120));
      copy[at] = pick(random, [0, 1, 0x7f, 0x80, 0xff, integer(random, 256)]);
    }
    const cut = integer(random, 5) === 0 ? integer(random, copy.length) : copy.length;
    return copy.subarray(0, cut);
  };

  for (const role of ["client", "server"] as const) {
    it(`[SEC4] 4,000 mutated flights never make the ${role} throw or connect, and what it keeps is bounded`, () => {
      const random = seededRandom(role === "client" ? 11 : 12);
      const end = () =>
        new DtlsEnd(role, { certificate: one, fingerprint: other.fingerprint, cookies: false, send: () => {} });
      let current = end();
      current.link.start(0);
      let sentBytes = 0;
      let now = 0;
      for (let round = 0; round < 4000; round++) {
        const from = role === "client" ? said.server : said.client;
        current.link.handle(mutate(random, pick(random, from)), now++);
        current.link.tick(now);
        assert.notEqual(current.link.state, "connected");
        if (current.link.state !== "failed" && round % 50 !== 49) continue;
        sentBytes += current.sent.reduce((sum, datagram) => sum + datagram.length, 0);
        current = end();
        current.link.start(now);
      }
      assert.ok(sentBytes > 0);
    });
  }
});
