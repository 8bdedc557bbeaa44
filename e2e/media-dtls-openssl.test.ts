import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { createDtlsCertificate, DtlsLink, type DtlsRole, fingerprintOf, type SrtpKeys } from "@lodeline/media/interop";

const run = promisify(execFile);
const hasOpenssl = spawnSync("openssl", ["version"]).status === 0;

/** OpenSSL's names, and bytes of keying material. RFC 5764 section 4.1.2, RFC 7714 section 14.2. */
const PROFILES = { SRTP_AEAD_AES_128_GCM: 56, SRTP_AEAD_AES_256_GCM: 88, SRTP_AES128_CM_SHA1_80: 60 } as const;
type ProfileName = keyof typeof PROFILES;

/** One end of ours on a real socket. */
async function openEnd(role: DtlsRole, fingerprint: string, cookies: boolean) {
  const socket: Socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  const certificate = await createDtlsCertificate();
  let port = 0;
  let keys: SrtpKeys | undefined;
  const ended = Promise.withResolvers<string>();
  const data: string[] = [];
  const link = new DtlsLink({
    role,
    certificate,
    fingerprints: [{ hash: "sha-256", value: fingerprint }],
    profiles: [7, 8, 1],
    cookies,
    events: {
      onState: (state, reason) => {
        if (state === "connected" || state === "failed") ended.resolve(reason ?? state);
      },
      onKeys: (exported) => {
        keys = exported;
      },
      onData: (bytes) => data.push(bytes.toString()),
      send: (bytes) => socket.send(bytes, port, "127.0.0.1"),
    },
  });
  socket.on("message", (bytes, from) => {
    port = from.port;
    link.handle(bytes, performance.now());
  });
  const timer = setInterval(() => link.tick(performance.now()), 20);
  return {
    link,
    ended: ended.promise,
    data,
    localPort: socket.address().port,
    connect(to: number) {
      port = to;
      link.start(performance.now());
    },
    /** As the exporter gave it: client key, server key, client salt, server salt. */
    material(): string {
      if (!keys) return "";
      const [client, server] = role === "client" ? [keys.local, keys.remote] : [keys.remote, keys.local];
      return Buffer.concat([client.key, server.key, client.salt, server.salt]).toString("hex").toUpperCase();
    },
    close() {
      link.close();
      clearInterval(timer);
      socket.close();
    },
  };
}

/** Waits until what a process prints matches. */
async function printed(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  let text = "";
  return new Promise((resolve, reject) => {
    const look = (chunk: Buffer) => {
      text += chunk.toString();
      const found = pattern.exec(text);
      if (found) resolve(found);
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    child.on("exit", () => reject(new Error(`openssl ended and had not said ${pattern}: ${text.slice(-1500)}`)));
  });
}

describe("DTLS with OpenSSL", { skip: hasOpenssl ? false : "no openssl command here", timeout: 60_000 }, () => {
  let folder: string;
  const fingerprints: Record<string, string> = {};
  const file = (name: string) => join(folder, name);

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "lodeline-dtls-"));
    const kinds = { ec: ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"], rsa: ["rsa:2048"] };
    for (const [kind, options] of Object.entries(kinds)) {
      const out = ["-nodes", "-keyout", file(`${kind}.key`), "-out", file(`${kind}.pem`), "-subj", "/CN=test"];
      await run("openssl", ["req", "-x509", "-newkey", ...options, ...out]);
      const pem = await readFile(file(`${kind}.pem`), "utf8");
      fingerprints[kind] = fingerprintOf(Buffer.from(pem.replace(/-----[^-]+-----/g, ""), "base64"), "sha-256");
    }
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const common = (kind: "ec" | "rsa", profile: ProfileName) => [
    ...["-dtls1_2", "-cert", file(`${kind}.pem`), "-key", file(`${kind}.key`), "-use_srtp", profile],
    ...["-keymatexport", "EXTRACTOR-dtls_srtp", "-keymatexportlen", String(PROFILES[profile])],
  ];

  const cases: [kind: "ec" | "rsa", profile: ProfileName, extra: boolean][] = [
    ["ec", "SRTP_AEAD_AES_128_GCM", false],
    ["rsa", "SRTP_AEAD_AES_256_GCM", true],
    ["ec", "SRTP_AES128_CM_SHA1_80", true],
  ];
  for (const [kind, profile, extra] of cases) {
    it(`is its client: ${kind} certificate, ${profile}${extra ? ", with a cookie and AES-256" : ""}`, async () => {
      const probe = createSocket("udp4");
      probe.bind(0, "127.0.0.1");
      await once(probe, "listening");
      const { port } = probe.address();
      probe.close();
      await once(probe, "close");
      const more = extra ? ["-listen", "-cipher", "AES256"] : [];
      const server = spawn("openssl", [
        "s_server",
        "-port",
        String(port),
        "-Verify",
        "1",
        ...common(kind, profile),
        ...more,
      ]);
      const ours = await openEnd("client", fingerprints[kind] ?? "", false);
      try {
        await printed(server, /ACCEPT/);
        ours.connect(port);
        const material = printed(server, /Keying material: ([0-9A-F]+)/);
        assert.equal(await ours.ended, "connected");
        assert.equal((await material)[1], ours.material());
        ours.link.send(Buffer.from("hello openssl\n"));
        await printed(server, /hello openssl/);
        server.stdin.write("hello lodeline\n");
        while (ours.data.length === 0) await new Promise((resolve) => setImmediate(resolve));
        assert.deepEqual(ours.data, ["hello lodeline\n"]);
      } finally {
        ours.close();
        server.kill("SIGKILL");
      }
    });

    it(`is its server: ${kind} certificate, ${profile}${extra ? ", with a cookie and AES-256" : ""}`, async () => {
      const ours = await openEnd("server", fingerprints[kind] ?? "", extra);
      const more = extra ? ["-cipher", "AES256"] : [];
      const address = `127.0.0.1:${ours.localPort}`;
      const client = spawn("openssl", ["s_client", "-connect", address, ...common(kind, profile), ...more]);
      try {
        const material = printed(client, /Keying material: ([0-9A-F]+)/);
        assert.equal(await ours.ended, "connected");
        assert.equal((await material)[1], ours.material());
        ours.link.send(Buffer.from("hello openssl\n"));
        await printed(client, /hello openssl/);
      } finally {
        ours.close();
        client.kill("SIGKILL");
      }
    });
  }
});
