import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { before, describe, it } from "node:test";
import { createDtlsCertificate, type DtlsCertificate, fingerprintOf } from "../src/dtls/certificate.ts";
import { keyExchangeIsProven } from "../src/dtls/key-exchange-proof.ts";

describe("DTLS", () => {
  let certificate: DtlsCertificate;
  let der: Buffer;
  const clientRandom = Buffer.alloc(32, 1);
  const serverRandom = Buffer.alloc(32, 2);
  // named_curve, x25519, a point of 32 bytes.
  const params = Buffer.concat([Buffer.from([3, 0, 29, 32]), Buffer.alloc(32, 5)]);

  const keyExchange = (
    key: Parameters<typeof sign>[2],
    over = Buffer.concat([clientRandom, serverRandom, params]),
    hash = 4,
    kind = 3,
  ) => {
    const signature = sign("sha256", over, key);
    const head = Buffer.from([hash, kind, signature.length >> 8, signature.length & 0xff]);
    return Buffer.concat([params, head, signature]);
  };

  before(async () => {
    certificate = await createDtlsCertificate();
    der = new X509Certificate(certificate.certificatePem).raw;
  });

  it("[SEC3] believes the holder of the certificate's key", () => {
    const key = createPrivateKey(certificate.privateKeyPem);
    assert.equal(keyExchangeIsProven(keyExchange(key), der, clientRandom, serverRandom), true);
  });

  it("[SEC3] does not believe somebody else who shows the same certificate", () => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    assert.equal(keyExchangeIsProven(keyExchange(privateKey), der, clientRandom, serverRandom), false);
  });

  it("[SEC3] does not believe a key exchange of another handshake, a cut one, or another kind of signature", () => {
    const key = createPrivateKey(certificate.privateKeyPem);
    const good = keyExchange(key);
    assert.equal(keyExchangeIsProven(good, der, Buffer.alloc(32, 3), serverRandom), false);
    assert.equal(keyExchangeIsProven(good, der, clientRandom, Buffer.alloc(32, 3)), false);
    assert.equal(keyExchangeIsProven(keyExchange(key, undefined, 2), der, clientRandom, serverRandom), false);
    assert.equal(keyExchangeIsProven(keyExchange(key, undefined, 4, 1), der, clientRandom, serverRandom), false);
    for (let length = 0; length < good.length; length++) {
      assert.equal(
        keyExchangeIsProven(good.subarray(0, length), der, clientRandom, serverRandom),
        false,
        `length ${length}`,
      );
    }
  });

  it("[SEC3] announces the fingerprint of its own certificate", () => {
    assert.equal(certificate.fingerprint, fingerprintOf(der, "sha-256"));
    assert.match(certificate.fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  });
});
