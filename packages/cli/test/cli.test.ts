import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createTokens, parseSigningKeys } from "@lodeline/server";
import { devBanner } from "../src/banner.ts";
import { runCli } from "../src/cli.ts";
import { joinLink } from "../src/join-link.ts";

interface Ran {
  readonly code: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

async function run(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const out: string[] = [];
  const err: string[] = [];
  const terminal = {
    out: (line: string) => void out.push(line),
    err: (line: string) => void err.push(line),
    environment,
  };
  return { code: await runCli(args, terminal), out, err };
}

const newKey = async () => (await run(["key"])).out[0] ?? "";
const verifierOf = (key: string) => createTokens(parseSigningKeys(key, "test"), () => Date.now());

describe("lodeline", () => {
  it("[CLI1] shows its help and its version", async () => {
    for (const args of [["--help"], ["-h"], ["help"], ["dev", "--help"]]) {
      const { code, out } = await run(args);
      assert.equal(code, 0);
      assert.match(out.join(), /lodeline serve/);
    }
    assert.match((await run(["--version"])).out.join(), /^lodeline \d+\.\d+\.\d+$/);
  });

  it("[CLI7] lists the faults there are", async () => {
    const { code, out } = await run(["dev", "--fault", "help"]);
    assert.equal(code, 0);
    for (const name of ["msg", "tcp", "udp", "media", "server", "device"])
      assert.match(out.join(), new RegExp(`^${name}`, "m"));
  });

  const key = `lk:${"s".repeat(32)}`;
  const wrong: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /lodeline dev/],
    [["fly"], /no command "fly"/],
    [["dev", "--fast"], /--fast/],
    [["dev", "now"], /now/],
    [["dev", "--port"], /port/],
    [["dev", "--port", "seven"], /--port is a whole number/],
    [["dev", "--port", "65536"], /--port is a whole number/],
    [["dev", "--log-level", "loud"], /--log-level is one of/],
    [["dev", "--fault", "fire"], /no fault "fire"/],
    [["dev", "--fault", "udp:loss=5%", "--fault", "udp:loss"], /takes a share/],
    [["dev", "--fault", "device:pull"], /developer panel/],
    [["serve", "--fault", "server:kill"], /--fault/],
    [["dev", "--speakers", "few"], /--speakers is a whole number from 0 to \d+/],
    [["dev", "--workers", "many"], /--workers is a whole number from 0 to 256/],
    [["serve", "--media-ports", "40000"], /--media-ports is a range/],
    [["media"], /share is needed/],
    [["media", "--key-file", "/nowhere/at/all"], /cannot be read: ENOENT/],
    [["dev", "--media", "127.0.0.1:7881"], /share is needed/],
    [["dev", "--media", "127.0.0.1:7881", "--workers", "2"], /--workers is an option of `lodeline media`/],
    [["serve", "--key-file", "/nowhere/at/all"], /cannot be read: ENOENT/],
    [["token", "--room", "den"], /--identity is needed/],
    [["token", "--identity", "ada"], /--room is needed/],
    [["token", "--identity", "ada", "--room", "den", "--ttl", "long"], /--ttl is a duration/],
    [["token", "--identity", "ada", "--room", "den", "--ttl", "0s"], /--ttl is a duration/],
    [["token", "--identity", "ada", "--room", "den", "--url", "elsewhere"], /no http address/],
    [["token", "--identity", "lodeline-server", "--room", "den"], /the server's own/],
  ];
  it("[CLI8] refuses addresses that a media process cannot be at", async () => {
    const environment = { LODELINE_MEDIA_KEY: key, LODELINE_KEY: key };
    for (const args of [
      ["media", "--listen", "nowhere"],
      ["serve", "--no-data", "--media", "nowhere"],
    ]) {
      const { code, out, err } = await run(args, environment);
      assert.deepEqual([code, out], [2, []]);
      assert.match(err.join("\n"), /host:port or unix:\/path.*"nowhere".*\[config\/invalid\]/);
    }
  });

  for (const [args, reason] of wrong) {
    it(`[CLI1] refuses \`lodeline ${args.join(" ")}\``, async () => {
      const { code, out, err } = await run(args, { LODELINE_KEY: key });
      assert.deepEqual([code, out], [2, []]);
      assert.match(err.join("\n"), reason);
      assert.doesNotMatch(err.join("\n"), /s{32}/);
    });
  }

  it("[CLI2] says how to make a key", async () => {
    for (const args of [["serve"], ["token", "--identity", "ada", "--room", "den"]]) {
      const { code, err } = await run(args);
      assert.equal(code, 2);
      assert.match(err.join(), /lodeline key.*\[config\/no-key\]/);
    }
  });

  it("[CLI3] makes a key that a server takes", async () => {
    const { code, out, err } = await run(["key"]);
    assert.deepEqual([code, out.length, err.length], [0, 1, 0]);
    assert.equal(parseSigningKeys(out[0] ?? "", "test").length, 1);
    assert.notEqual(out[0], await newKey());
  });

  it("[CLI4] makes a token that a server verifies", async () => {
    const own = await newKey();
    const args = ["token", "--room", "den", "--identity", "ada", "--name", "Ada", "--admin", "--ttl", "10m"];
    const { out } = await run(args, { LODELINE_KEY: own });
    const { identity, name, grants } = await verifierOf(own).verify(out[0] ?? "");
    assert.deepEqual([identity, name, grants.role, grants.room], ["ada", "Ada", "moderator", "den"]);
    const { iat, exp } = JSON.parse(Buffer.from(out[0]?.split(".")[1] ?? "", "base64url").toString());
    assert.equal(exp - iat, 600);
  });

  it("[CLI4] makes a link with the token in its fragment", async () => {
    const own = await newKey();
    const args = ["token", "--room", "the den", "--identity", "ada", "--url", "https://lode.example.org"];
    const link = new URL((await run(args, { LODELINE_KEY: own })).out[0] ?? "");
    assert.equal(`${link.origin}${link.pathname}${link.search}`, "https://lode.example.org/r/the%20den");
    await verifierOf(own).verify(link.hash.slice("#token=".length));
  });

  it("[CLI5] prefers the key file", async () => {
    const directory = await mkdtemp(join(tmpdir(), "lodeline-key-"));
    try {
      const [inFile, inEnvironment] = [await newKey(), await newKey()];
      const file = join(directory, "keys");
      await writeFile(file, `# signing keys\n${inFile}\n`);
      const args = ["token", "--room", "den", "--identity", "ada", "--key-file", file];
      const { out } = await run(args, { LODELINE_KEY: inEnvironment });
      await verifierOf(inFile).verify(out[0] ?? "");
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it("[CLI6] shows where to go", () => {
    const url = "http://127.0.0.1:7880";
    const links = { url, join: joinLink(url, "den"), moderate: joinLink(url, "den", "t.o.k") };
    const banner = devBanner(links, true).join("\n");
    assert.match(banner, /running at http:\/\/127\.0\.0\.1:7880\n/);
    assert.match(banner, /Join a room +http:\/\/127\.0\.0\.1:7880\/r\/den\n/);
    assert.match(banner, /moderator +http:\/\/127\.0\.0\.1:7880\/r\/den#token=t\.o\.k\n/);
    assert.match(devBanner(links, false).join("\n"), /not built/);
  });
});
