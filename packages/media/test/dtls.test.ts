import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { before, describe, it } from "node:test";
import { integer, seededRandom } from "@lodeline/base";
import { DtlsServer } from "werift";
import { createDtlsCertificate, type DtlsCertificate, fingerprintOf } from "../src/dtls/certificate.ts";
import { DtlsLink, type DtlsState } from "../src/dtls/dtls-link.ts";
import { keyExchangeIsProven } from "../src/dtls/key-exchange-proof.ts";
import type { SrtpKeys } from "../src/srtp/srtp-keys.ts";

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

describe("the DTLS link", () => {
  /** A handshake with a server in memory; `announced` is what the offer said. */
  async function handshake(options: { announced?: string; key?: string; lose?: number }) {
    const data: string[] = [];
    const datagrams: Buffer[] = [];
    const ours = await createDtlsCertificate();
    const theirs = await createDtlsCertificate();
    let toServer: (bytes: Buffer) => void = () => {};
    let lose = options.lose ?? 0;
    let keys: SrtpKeys | undefined;
    const states: string[] = [];
    const ended = Promise.withResolvers<DtlsState>();
    const link: DtlsLink = new DtlsLink({
      certificate: ours,
      fingerprints: [{ hash: "sha-256", value: options.announced ?? theirs.fingerprint }],
      events: {
        onState: (state, reason) => {
          states.push(reason === undefined ? state : `${state}: ${reason}`);
          if (state === "connected" || state === "failed") ended.resolve(state);
        },
        onKeys: (exported) => {
          keys = exported;
        },
        onData: (bytes) => data.push(bytes.toString()),
        send: (bytes) => {
          if (lose-- <= 0) queueMicrotask(() => toServer(bytes));
        },
      },
    });
    const server = new DtlsServer({
      cert: theirs.certificatePem,
      key: options.key ?? theirs.privateKeyPem,
      signatureHash: theirs.signatureHash,
      srtpProfiles: [7, 1],
      extendedMasterSecret: true,
      certificateRequest: true,
      transport: {
        type: "memory",
        address: ["0.0.0.0", 0],
        closed: false,
        set onData(receive: (bytes: Buffer) => void) {
          toServer = receive;
        },
        send: async (bytes: Buffer) => {
          datagrams.push(Buffer.from(bytes));
          queueMicrotask(() => link.handle(bytes));
        },
        close: async () => {},
      } as never,
    });
    link.start(0);
    return { link, server, states, ended: ended.promise, keys: () => keys, data, datagrams };
  }

  it("[SEC3] connects, with the same keys on both sides", async () => {
    const { link, server, states, ended, keys } = await handshake({});
    assert.equal(await ended, "connected");
    assert.deepEqual(states, ["connecting", "connected"]);
    const exported = server.extractSessionKeys(16, 12);
    assert.deepEqual(keys()?.local, { key: exported.remoteKey, salt: exported.remoteSalt });
    assert.deepEqual(keys()?.remote, { key: exported.localKey, salt: exported.localSalt });
    assert.equal(keys()?.profile, 7);
    link.close();
    assert.equal(link.state, "closed");
  });

  it("[SEC4] carries data both ways, each record once, and says and hears goodbye", async () => {
    const { link, server, states, ended, data, datagrams } = await handshake({});
    await ended;
    const got: string[] = [];
    server.onData.subscribe((bytes) => got.push(bytes.toString()));
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 20; i++) {
      link.send(Buffer.from(`to ${i}`));
      await server.send(Buffer.from(`from ${i}`));
    }
    await turn();
    const expected = (word: string) => Array.from({ length: 20 }, (_, i) => `${word} ${i}`);
    assert.deepEqual(got, expected("to"));
    assert.deepEqual(data, expected("from"));
    for (const datagram of datagrams) link.handle(datagram);
    assert.equal(data.length, 20, "nothing repeated is heard");
    let goodbye = 0;
    server.onClose.subscribe(() => goodbye++);
    link.close();
    await turn();
    assert.deepEqual([goodbye, states.at(-1)], [1, "closed"]);
  });

  it("[SEC3] fails when the certificate is not the announced one", async () => {
    const { states, ended, keys } = await handshake({ announced: Array(32).fill("AA").join(":") });
    assert.equal(await ended, "failed");
    assert.match(states.at(-1) ?? "", /fingerprint/);
    assert.equal(keys(), undefined);
  });

  it("[SEC3] fails when the certificate is the announced one but the key is not", async () => {
    const { privateKeyPem } = await createDtlsCertificate();
    const { states, ended, keys } = await handshake({ key: privateKeyPem });
    assert.equal(await ended, "failed");
    assert.match(states.at(-1) ?? "", /not signed by the certificate/);
    assert.equal(keys(), undefined);
  });

  it("[SEC3] repeats a lost hello when the path is alive, and not too often", async () => {
    const { link, ended } = await handshake({ lose: 1 });
    link.pathAlive(59);
    link.pathAlive(60);
    assert.equal(await ended, "connected");
    link.pathAlive(1000);
  });

  it("[SEC4] drops garbage at any time, and a goodbye in clear", async () => {
    const { link, ended, states } = await handshake({});
    const random = seededRandom(3);
    const garbage = () => Buffer.from(Array.from({ length: integer(random, 60) }, () => 20 + integer(random, 44)));
    assert.equal(await ended, "connected");
    for (let round = 0; round < 500; round++) link.handle(garbage());
    // close_notify in epoch 0, and a record of an unknown type in epoch 1.
    link.handle(Buffer.from("15fefd000000000000000900020100", "hex"));
    link.handle(Buffer.from("3ffefd000100000000000900020100", "hex"));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(states, ["connecting", "connected"]);
  });
});
