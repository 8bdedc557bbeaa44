import assert from "node:assert/strict";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { CLOSE_CODES } from "@lodeline/protocol";
import { LodelineProcess } from "./support/lodeline-process.ts";
import { RawLink } from "./support/raw-link.ts";

const DEV = ["dev", "--port", "0", "--media-address", "127.0.0.1"];
const hang = (what: "room" | "media") => new URL(`./support/hang-${what}.ts`, import.meta.url).href;

/** Starts it and gives its address. */
async function start(args: readonly string[], options?: ConstructorParameters<typeof LodelineProcess>[1]) {
  const lodeline = new LodelineProcess(args, options);
  const [, url = ""] = await lodeline.says(/(http:\/\/127\.0\.0\.1:\d+)/);
  return { lodeline, url, linkUrl: `${url.replace("http", "ws")}/v1/link` };
}

/** Waits for its end; gives the exit code and how long it took. */
async function end(lodeline: LodelineProcess, signal: NodeJS.Signals) {
  const startedAt = performance.now();
  lodeline.signal(signal);
  const { code } = await lodeline.ended;
  return { code, tookMs: performance.now() - startedAt };
}

describe("lodeline dev", () => {
  it("prints where to go, and is there", async () => {
    const { lodeline, url } = await start([...DEV, "--room", "the den"]);
    using _ = lodeline;
    const [, join = ""] = await lodeline.says(/Join a room +(\S+)/);
    const [, moderate = ""] = await lodeline.says(/as moderator +(\S+)/);
    assert.equal(join, `${url}/r/the%20den`);
    assert.equal((await fetch(join)).status, 200);
    assert.deepEqual(await (await fetch(`${url}/healthz`)).json(), { status: "ok" });
    const authorization = `Bearer ${new URL(moderate).hash.slice("#token=".length)}`;
    assert.equal((await fetch(`${url}/v1/rooms/cellar`, { headers: { authorization } })).status, 403);
    assert.equal((await end(lodeline, "SIGINT")).code, 0);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`tells everyone and ends within 3 s at ${signal}`, async () => {
      const { lodeline, linkUrl } = await start(DEV);
      using _ = lodeline;
      const links = await Promise.all([1, 2, 3].map((n) => RawLink.greet(linkUrl, { name: `guest ${n}` })));
      for (const link of links.slice(1)) assert.equal((await link.join("den", { topology: "mesh" })).type, "joined");
      using silent = await RawLink.open(linkUrl);
      const { code, tookMs } = await end(lodeline, signal);
      assert.equal(code, 0, lodeline.err);
      assert.ok(tookMs < 3_000, `took ${tookMs} ms`);
      for (const link of [...links, silent]) {
        assert.equal((await link.closed).code, CLOSE_CODES.goingAway);
        assert.ok(link.frames.some((frame) => frame.kind === "fatal" && frame.code === "server/draining"));
      }
    });
  }

  it("ends within 3 s although a client does not answer", async () => {
    const { lodeline, linkUrl } = await start(DEV);
    using _ = lodeline;
    using deaf = await RawLink.greet(linkUrl);
    deaf.stopListening();
    const { tookMs } = await end(lodeline, "SIGTERM");
    assert.ok(tookMs < 3_000, `took ${tookMs} ms`);
  });

  it("is ended by its watchdog when a room hangs, and says which", async () => {
    const { lodeline, linkUrl } = await start(DEV, { preload: hang("room") });
    using _ = lodeline;
    using link = await RawLink.greet(linkUrl);
    await link.join("cellar", { topology: "mesh" });
    const { code, tookMs } = await end(lodeline, "SIGINT");
    assert.equal(code, 1);
    assert.ok(tookMs >= 2_900 && tookMs < 4_000, `took ${tookMs} ms`);
    assert.match(lodeline.err, /Forced to end after 3 s\. Still hanging: room cellar\./);
  });

  it("names media that hangs, and ends all the same", async () => {
    const { lodeline } = await start(DEV, { preload: hang("media") });
    using _ = lodeline;
    const { code, tookMs } = await end(lodeline, "SIGINT");
    assert.equal(code, 1);
    assert.ok(tookMs < 3_500, `took ${tookMs} ms`);
    assert.match(lodeline.err, /media transports: \[timeout\] The media engine did not close within 2500 ms/);
  });

  it("ends at once at a second signal", async () => {
    const { lodeline, linkUrl } = await start(DEV, { preload: hang("room") });
    using _ = lodeline;
    using __ = await RawLink.greet(linkUrl);
    lodeline.signal("SIGINT");
    await lodeline.says(/The rooms hang\./);
    // Two signals within 300 ms count as one press of a key.
    await new Promise((resolve) => setTimeout(resolve, 400));
    const { code, tookMs } = await end(lodeline, "SIGINT");
    assert.equal(code, 130);
    assert.ok(tookMs < 3_000, `took ${tookMs} ms`);
  });

  it("says why when its port is taken", async () => {
    const other = createHttpServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    using lodeline = new LodelineProcess(["dev", "--port", String(port)]);
    assert.equal((await lodeline.ended).code, 2);
    assert.match(lodeline.err, new RegExp(`127\\.0\\.0\\.1:${port} cannot be used: another program listens there`));
    other.close();
  });

  it("stays on loopback", async () => {
    using lodeline = new LodelineProcess(["dev", "--port", "0", "--host", "0.0.0.0"]);
    assert.equal((await lodeline.ended).code, 2);
    assert.match(lodeline.err, /loopback alone/);
  });
});

describe("lodeline serve", () => {
  it("does not start without a key, and says how to make one", async () => {
    using lodeline = new LodelineProcess(["serve", "--port", "0"]);
    assert.equal((await lodeline.ended).code, 2);
    assert.match(lodeline.err, /lodeline key.*\[config\/no-key\]/);
    assert.equal(lodeline.out, "");
  });

  it("lets in who has a token of its key, and logs without naming anybody", async () => {
    using keyMaker = new LodelineProcess(["key"]);
    await keyMaker.ended;
    const environment = { LODELINE_KEY: keyMaker.out.trim() };
    using tokenMaker = new LodelineProcess(["token", "--room", "den", "--identity", "ada@example.org"], {
      environment,
    });
    await tokenMaker.ended;
    const token = tokenMaker.out.trim();

    const args = [
      "serve",
      "--port",
      "0",
      "--host",
      "127.0.0.1",
      "--media-address",
      "127.0.0.1",
      "--log-level",
      "debug",
      "--no-data",
    ];
    const { lodeline, url, linkUrl } = await start(args, { environment });
    using _ = lodeline;
    using stranger = await RawLink.open(linkUrl);
    stranger.sendFrame({ kind: "hello", version: 1, name: "Eve" });
    assert.equal((await stranger.closed).code, CLOSE_CODES.unauthorized);
    using ada = await RawLink.greet(linkUrl, { token });
    assert.equal((await ada.join("den", { topology: "mesh" })).type, "joined");
    assert.equal((await fetch(`${url}/v1/rooms`)).status, 401);
    assert.equal((await fetch(`${url}/v1/token`, { method: "POST" })).status, 400);
    assert.equal((await end(lodeline, "SIGTERM")).code, 0);

    const lines = lodeline.err.trim().split("\n");
    for (const line of lines) assert.ok(JSON.parse(line).event, line);
    assert.ok(lines.some((line) => JSON.parse(line).event === "participant joined"));
    for (const secret of ["ada@example.org", token, environment.LODELINE_KEY.split(":")[1] ?? "?"]) {
      assert.ok(!lodeline.err.includes(secret), `the log holds ${secret}`);
    }
    // Its own addresses are the operator's business and stand there in clear; a peer's never do.
    const own = ["server ready", "media socket"];
    const others = lines.filter((line) => !own.includes(JSON.parse(line).event));
    assert.ok(
      !others.join().includes("127.0.0.1"),
      others.find((line) => line.includes("127.0.0.1")),
    );
  });
});
