import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LodelineProcess } from "./support/lodeline-process.ts";
import { NodeLink } from "./support/node-link.ts";

const DEV = ["dev", "--port", "0", "--media-address", "127.0.0.1", "--faults"];

/** Asks the server to break something. */
async function breakOn(url: string, spec: string): Promise<string> {
  const headers = { "content-type": "application/json" };
  const reply = await fetch(`${url}/v1/faults`, { method: "POST", headers, body: JSON.stringify({ spec }) });
  assert.equal(reply.status, 201, await reply.clone().text());
  return ((await reply.json()) as { id: string }).id;
}

const activeOn = async (url: string) =>
  ((await (await fetch(`${url}/v1/faults`)).json()) as { active: { id: string; spec: string }[] }).active;

async function until(what: string, fits: () => boolean, withinMs = 10_000): Promise<number> {
  const beganAtMs = performance.now();
  while (!fits()) {
    assert.ok(performance.now() - beganAtMs < withinMs, `never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return performance.now() - beganAtMs;
}

describe("lodeline dev breaks on purpose", () => {
  it("begins with the faults of its command line, and ends them when asked", async () => {
    using lodeline = new LodelineProcess([
      ...DEV,
      "--fault",
      "msg:lose,type=joined,count=3",
      "--fault",
      "udp:loss=1%@1m",
    ]);
    const [, url = ""] = await lodeline.says(/(http:\/\/127\.0\.0\.1:\d+)/);
    const active = await activeOn(url);
    assert.deepEqual(
      active.map(({ spec }) => spec),
      ["msg:lose,type=joined,count=3", "udp:loss=1%@1m"],
    );
    assert.equal((await fetch(`${url}/v1/faults/${active[0]?.id}`, { method: "DELETE" })).status, 204);
    assert.equal((await activeOn(url)).length, 1);
    assert.equal((await fetch(`${url}/v1/faults`, { method: "DELETE" })).status, 204);
    assert.deepEqual(await activeOn(url), []);
    lodeline.signal("SIGINT");
    assert.equal((await lodeline.ended).code, 0, lodeline.err);
  });

  it("freezes for as long as it was told, and its links go on", async () => {
    using lodeline = new LodelineProcess(DEV);
    const [, url = ""] = await lodeline.says(/(http:\/\/127\.0\.0\.1:\d+)/);
    using link = new NodeLink(`${url.replace("http", "ws")}/v1/link`, "ada", await tokenOf(url));
    await until("the link is open", () => link.link.state === "open");
    await breakOn(url, "server:freeze=1s");
    await new Promise((resolve) => setTimeout(resolve, 100));
    const askedAtMs = performance.now();
    await fetch(`${url}/healthz`);
    const tookMs = performance.now() - askedAtMs;
    assert.ok(tookMs > 600 && tookMs < 3_000, `${tookMs} ms`);
    assert.deepEqual([link.renewed, link.sockets], [0, 1]);
  });

  it("dies without a word and is back on its port, where its links find it", async () => {
    using lodeline = new LodelineProcess(DEV);
    const [, url = ""] = await lodeline.says(/(http:\/\/127\.0\.0\.1:\d+)/);
    using link = new NodeLink(`${url.replace("http", "ws")}/v1/link`, "ada", await tokenOf(url));
    await until("the link is open", () => link.link.state === "open");
    await breakOn(url, "server:kill,down=300ms");
    await until("the link broke", () => link.states.includes("interrupted"));
    const tookMs = await until("the link is open again", () => link.link.state === "open");
    console.log(`killed and restarted: the link was back after ${tookMs.toFixed(0)} ms`);
    assert.equal((await fetch(`${url}/healthz`)).status, 200);
    lodeline.signal("SIGINT");
    assert.equal((await lodeline.ended).code, 0, lodeline.err);
    assert.match(lodeline.err, /killed on purpose/);
  });
});

async function tokenOf(url: string): Promise<string> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ room: "den", identity: "ada" });
  return ((await (await fetch(`${url}/v1/token`, { method: "POST", headers, body })).json()) as { token: string })
    .token;
}
