import assert from "node:assert/strict";
import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { before, describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import { createDtlsCertificate, type DtlsCertificate, fingerprintOf } from "../src/dtls/certificate.ts";
import { DTLS_TIMEOUT_MS } from "../src/dtls/dtls-link.ts";
import { SRTP_PROFILE } from "../src/srtp/srtp-keys.ts";
import { DtlsPair, type EndOptions, type Wire } from "./dtls-pair.ts";

describe("DTLS", () => {
  let one: DtlsCertificate;
  let other: DtlsCertificate;

  before(async () => {
    one = await createDtlsCertificate();
    other = await createDtlsCertificate();
  });

  const pair = (
    options: { client?: Partial<EndOptions>; server?: Partial<EndOptions>; wire?: Partial<Wire> } = {},
  ): DtlsPair =>
    new DtlsPair(
      { certificate: one, ...options.client },
      { certificate: other, ...options.server },
      { random: seededRandom(1), ...options.wire },
    );

  it("[SEC3] makes a certificate that others can read, and announces its fingerprint", () => {
    const read = new X509Certificate(one.certificatePem);
    assert.deepEqual(read.raw, one.der);
    assert.equal(read.verify(read.publicKey), true, "signed by itself");
    assert.equal(read.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
    assert.ok(Date.parse(read.validFrom) < Date.now() && Date.parse(read.validTo) > Date.now());
    assert.equal(one.fingerprint, fingerprintOf(read.raw, "sha-256"));
    assert.match(one.fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
    assert.equal(read.fingerprint256, one.fingerprint);
  });

  it("[SEC1] [SEC3] connects in two round trips, with the same keys on both sides and GCM", () => {
    const joined = pair();
    joined.run();
    assert.deepEqual(joined.client.states, ["connecting", "connected"]);
    assert.deepEqual(joined.server.states, ["connecting", "connected"]);
    assert.deepEqual(joined.client.keys?.local, joined.server.keys?.remote);
    assert.deepEqual(joined.client.keys?.remote, joined.server.keys?.local);
    assert.notDeepEqual(joined.client.keys?.local, joined.client.keys?.remote);
    assert.equal(joined.client.keys?.profile, SRTP_PROFILE.aeadAes128Gcm);
    assert.equal(joined.now, 4, "four flights of 1 ms");
    assert.equal(joined.client.sent.length + joined.server.sent.length, 4);
  });

  it("[SEC1] agrees on the server's favourite profile, and on AES-256 and counter mode where that is all there is", () => {
    for (const profile of Object.values(SRTP_PROFILE)) {
      const joined = pair({ client: { profiles: [profile] } });
      joined.run();
      assert.equal(joined.server.keys?.profile, profile);
      assert.equal(joined.server.keys?.local.key.length, profile === SRTP_PROFILE.aeadAes256Gcm ? 32 : 16);
      assert.equal(joined.server.keys?.local.salt.length, profile === SRTP_PROFILE.aes128CmHmacSha1Bits80 ? 14 : 12);
      assert.deepEqual(joined.client.keys?.remote, joined.server.keys?.local);
    }
    const none = pair({ client: { profiles: [1] }, server: { profiles: [7, 8] } });
    none.run();
    assert.match(none.server.states.at(-1) ?? "", /^failed: no SRTP profile in common/);
  });

  it("[SEC3] asks for a cookie where told to, and costs a round trip", () => {
    const joined = pair({ server: { cookies: true } });
    joined.run();
    assert.deepEqual([joined.client.link.state, joined.server.link.state, joined.now], ["connected", "connected", 6]);
    // Before the cookie came back it said less than it was asked.
    assert.ok((joined.server.sent[0]?.length ?? 0) < (joined.client.sent[0]?.length ?? 0));
  });

  it("[SEC3] fails when the certificate is not the announced one, in either role", () => {
    const wrong = Array(32).fill("AA").join(":");
    const client = pair({ server: { announced: wrong } });
    client.run();
    assert.match(client.client.states.at(-1) ?? "", /^failed: the certificate does not fit its fingerprint/);
    assert.equal(client.client.keys, undefined);
    const server = pair({ client: { announced: wrong } });
    server.run();
    assert.match(server.server.states.at(-1) ?? "", /^failed: the certificate does not fit its fingerprint/);
    assert.equal(server.server.keys, undefined);
  });

  it("[SEC3] fails when the certificate is the announced one but the key is not, in either role", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const privateKeyPem = String(privateKey.export({ format: "pem", type: "pkcs8" }));
    const server = pair({ server: { certificate: { ...other, privateKeyPem } } });
    server.run();
    assert.match(server.client.states.at(-1) ?? "", /^failed: the key exchange is not signed by the certificate/);
    assert.equal(server.client.keys, undefined);
    const client = pair({ client: { certificate: { ...one, privateKeyPem } } });
    client.run();
    assert.match(client.server.states.at(-1) ?? "", /^failed: the handshake is not signed by the certificate/);
    assert.equal(client.server.keys, undefined);
  });

  it("[DTLS1] sends a flight again after 50 ms, then after twice as long each time, and gives up after 30 s", () => {
    const joined = pair({ wire: { loss: 1 } });
    joined.client.link.start(0);
    const times: number[] = [];
    let now = 0;
    while (joined.client.link.state === "connecting") {
      now = joined.client.link.deadlineMs ?? assert.fail("no deadline");
      joined.client.link.tick(now);
      times.push(now);
    }
    assert.deepEqual(times.slice(0, 8), [50, 150, 350, 750, 1550, 3150, 6150, 9150]);
    assert.equal(now, DTLS_TIMEOUT_MS);
    assert.match(joined.client.states.at(-1) ?? "", /^failed: no answer in 30000 ms/);
  });

  it("[DTLS1] connects over a wire that loses, doubles and reorders, whatever is lost", () => {
    for (let seed = 1; seed <= 150; seed++) {
      const wire = { random: seededRandom(seed), loss: 0.3, doubled: 0.2, delayMs: 40 };
      const joined = pair({ wire, server: { cookies: seed % 2 === 0 } });
      joined.run();
      assert.equal(joined.client.states.at(-1), "connected", `client, seed ${seed}`);
      assert.equal(joined.server.states.at(-1), "connected", `server, seed ${seed}`);
      assert.deepEqual(joined.client.keys?.local, joined.server.keys?.remote);
    }
  });

  it("[SEC4] damaged datagrams delay a handshake and neither break it nor throw", () => {
    let connected = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const joined = pair({ wire: { random: seededRandom(seed), damage: 0.3, delayMs: 10 } });
      joined.run();
      for (const { states } of [joined.client, joined.server]) assert.ok(states.length >= 2, `seed ${seed}`);
      if (joined.client.link.state === "connected" && joined.server.link.state === "connected") connected++;
    }
    // A changed byte in what both sides sign (a random, a public key) must fail; elsewhere it must not.
    assert.ok(connected > 50, `${connected} of 150`);
  });

  it("[SEC4] carries data both ways, each record once, and says and hears goodbye", () => {
    const joined = pair();
    joined.run();
    const { client, server } = joined;
    for (let i = 0; i < 20; i++) {
      client.link.send(Buffer.from(`up ${i}`));
      server.link.send(Buffer.from(`down ${i}`));
    }
    joined.run();
    assert.deepEqual([client.data.length, server.data.length], [20, 20]);
    for (const datagram of [...client.sent]) server.link.handle(datagram, joined.now);
    for (const datagram of [...server.sent]) client.link.handle(datagram, joined.now);
    assert.deepEqual([client.data.length, server.data.length], [20, 20], "nothing repeated is heard");
    client.link.close();
    joined.run();
    assert.deepEqual([client.states.at(-1), server.states.at(-1)], ["closed", "closed"]);
    server.link.send(Buffer.from("late"));
    joined.run();
    assert.equal(client.data.length, 20);
  });

  it("[SEC4] never uses a record number twice, retransmissions and goodbye included", () => {
    const joined = pair({ wire: { random: seededRandom(5), loss: 0.4 } });
    joined.run();
    joined.client.link.send(Buffer.from("x"));
    joined.client.link.close();
    const numbers = joined.client.sent.flatMap((datagram) => {
      const found: string[] = [];
      for (let at = 0; at < datagram.length; at += 13 + datagram.readUInt16BE(at + 11))
        found.push(datagram.toString("hex", at + 3, at + 11));
      return found;
    });
    assert.ok(numbers.length > 6);
    assert.equal(new Set(numbers).size, numbers.length);
  });

  it("[SEC4] believes no alert and no message in clear once connected, and no alert in clear before", () => {
    const joined = pair();
    const fatal = Buffer.from("15fefd000000000000000900020228", "hex");
    joined.client.link.start(0);
    joined.client.link.handle(fatal, 0);
    joined.run();
    assert.equal(joined.client.link.state, "connected");
    const random = seededRandom(3);
    const garbage = () => Buffer.from(Array.from({ length: integer(random, 60) }, () => 20 + integer(random, 44)));
    for (let round = 0; round < 500; round++) joined.client.link.handle(garbage(), joined.now);
    // close_notify in epoch 0, and a record of an unknown type in epoch 1.
    joined.client.link.handle(Buffer.from("15fefd000000000000000900020100", "hex"), joined.now);
    joined.client.link.handle(Buffer.from("3ffefd000100000000000900020100", "hex"), joined.now);
    assert.deepEqual(joined.client.states, ["connecting", "connected"]);
  });

  it("[SEC4] a client that never stops repeating itself gets one answer in 20 ms at most", () => {
    const joined = pair();
    joined.run();
    const { client, server } = joined;
    const finished = client.sent.at(-1) ?? assert.fail("nothing sent");
    const before = server.sent.length;
    for (let round = 0; round < 100; round++) server.link.handle(finished, joined.now + round);
    // Record numbers that were seen are refused: the repetition is a copy, not a message.
    assert.equal(server.sent.length, before);
    const hello = client.sent[0] ?? assert.fail("nothing sent");
    const waiting = pair();
    for (let round = 0; round < 100; round++) waiting.server.link.handle(hello, round);
    assert.ok(waiting.server.sent.length <= 6, `${waiting.server.sent.length} answers in 100 ms`);
  });
});
