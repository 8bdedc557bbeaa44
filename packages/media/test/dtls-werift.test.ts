import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { before, describe, it } from "node:test";
import { CipherContext, DtlsClient, DtlsServer, HashAlgorithm, NamedCurveAlgorithm, SignatureAlgorithm } from "werift";
import { createDtlsCertificate, type DtlsCertificate, fingerprintOf } from "../src/dtls/certificate.ts";
import { DtlsEnd } from "./dtls-pair.ts";

/** A peer of another implementation, joined to an end of ours in memory. */
async function joined(role: "client" | "server", ours: DtlsCertificate) {
  const theirs = await CipherContext.createSelfSignedCertificateWithKey(
    { signature: SignatureAlgorithm.ecdsa_3, hash: HashAlgorithm.sha256_4 },
    NamedCurveAlgorithm.secp256r1_23,
  );
  let toThem: (bytes: Buffer) => void = () => {};
  const fingerprint = fingerprintOf(new X509Certificate(theirs.certPem).raw, "sha-256");
  const end: DtlsEnd = new DtlsEnd(role, {
    certificate: ours,
    fingerprint,
    send: (bytes) => queueMicrotask(() => toThem(bytes)),
  });
  const options = {
    cert: theirs.certPem,
    key: theirs.keyPem,
    signatureHash: theirs.signatureHash,
    srtpProfiles: [7, 1],
    extendedMasterSecret: true,
    certificateRequest: true,
    transport: {
      type: "memory",
      address: ["0.0.0.0", 0],
      closed: false,
      set onData(receive: (bytes: Buffer) => void) {
        toThem = receive;
      },
      send: async (bytes: Buffer) => queueMicrotask(() => end.link.handle(Buffer.from(bytes), 0)),
      close: async () => {},
    } as never,
  };
  const peer = role === "client" ? new DtlsServer(options as never) : new DtlsClient(options as never);
  const connected = peer.onConnect.asPromise();
  end.link.start(0);
  if (peer instanceof DtlsClient) await peer.connect();
  await connected;
  while (end.link.state === "connecting") await new Promise((resolve) => setImmediate(resolve));
  return { end, peer };
}

describe("DTLS with another implementation (werift)", () => {
  let ours: DtlsCertificate;
  before(async () => {
    ours = await createDtlsCertificate();
  });

  for (const role of ["client", "server"] as const) {
    it(`[SEC1] [SEC3] connects as the ${role}, with the same keys, carries data and hears goodbye`, async () => {
      const { end, peer } = await joined(role, ours);
      assert.deepEqual(end.states, ["connecting", "connected"]);
      const exported = peer.extractSessionKeys(16, 12);
      assert.equal(end.keys?.profile, 7);
      assert.deepEqual(Buffer.from(end.keys?.local.key ?? []), exported.remoteKey);
      assert.deepEqual(Buffer.from(end.keys?.remote.key ?? []), exported.localKey);
      assert.deepEqual(Buffer.from(end.keys?.local.salt ?? []), exported.remoteSalt);
      const got: string[] = [];
      peer.onData.subscribe((bytes) => got.push(bytes.toString()));
      end.link.send(Buffer.from("to werift"));
      await peer.send(Buffer.from("from werift"));
      const turn = () => new Promise((resolve) => setImmediate(resolve));
      await turn();
      assert.deepEqual([got, end.data], [["to werift"], ["from werift"]]);
      let goodbyes = 0;
      peer.onClose.subscribe(() => goodbyes++);
      end.link.close();
      await turn();
      assert.equal(goodbyes, 1);
    });
  }
});
