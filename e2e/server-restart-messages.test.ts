import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import type { Signal } from "@lodeline/protocol";
import { NodeLink } from "./support/node-link.ts";
import { RestartingServer } from "./support/restarting-server.ts";

const KILLS = 10;
/** Each link says so many, a little slower than a server lets it. */
const EACH = 400;
const EVERY_MS = 25;
/** The log is cut at 4 MB, and the file holds no more than what is kept. */
const MOST_BYTES = 6 * 1024 * 1024;

/** One end of a call between two: says numbers at a steady pace, whatever happens to the server, and notes the other's. */
class Talker {
  readonly link: NodeLink;
  readonly heard: number[] = [];
  said = 0;
  readonly #to: string;
  readonly #session: string;
  #seq = 0;

  constructor(link: NodeLink, to: string, session: string) {
    this.link = link;
    this.#to = to;
    this.#session = session;
    link.onMessage = (message) => {
      if (message.type !== "signal") return;
      const { body } = message.signal;
      if (body.kind === "candidate") this.heard.push(Number(body.candidate?.candidate));
      else if (body.kind === "call:init") this.say({ kind: "accept" });
    };
  }

  say(body: Signal["body"]): void {
    const signal = { session: this.#session, epoch: 1, seq: ++this.#seq, body };
    this.link.send({ type: "signal", scope: "call", to: this.#to, signal });
  }

  sayNext(): void {
    if (this.said >= EACH) return;
    const candidate = { candidate: String(this.said++), sdpMid: "0", sdpMLineIndex: 0, usernameFragment: null };
    this.say({ kind: "candidate", candidate });
  }
}

describe("messages over kill -9 of the server", { timeout: 120_000 }, () => {
  it(`${KILLS} kills, ${4 * EACH} messages: none lost, none doubled, all in order, and the file stays small`, async (t) => {
    await using server = await RestartingServer.start();
    const links = await Promise.all(["ada", "ben", "cyd", "dan"].map((identity) => open(server, identity)));
    const talkers = links.map((link, n) => new Talker(link, links[n ^ 1]?.identity ?? "", `chat-${n >> 1}`));
    try {
      for (const n of [0, 2]) talkers[n]?.say({ kind: "call:init", audio: true, video: false, name: "x" });
      await pause(300);
      const pace = setInterval(() => {
        for (const talker of talkers) talker.sayNext();
      }, EVERY_MS);
      const sizes: number[] = [];
      for (let kill = 0; kill < KILLS; kill++) {
        await pause(600 + 200 * Math.random());
        await server.kill();
        await server.start();
        sizes.push(await sizeOf(server.directory));
      }
      const complete = () => talkers.every(({ heard }) => heard.length >= EACH);
      const giveUpAt = performance.now() + 30_000;
      while (!complete() && performance.now() < giveUpAt) await pause(20);
      await pause(300);
      clearInterval(pace);
      const expected = Array.from({ length: EACH }, (_, index) => index);
      for (const [n, { heard, link }] of talkers.entries()) {
        assert.deepEqual(heard, expected, `${n} of ${links.length} heard ${heard.length}`);
        assert.equal(link.renewed, 0);
        assert.ok(link.sockets > KILLS);
      }
      assert.ok(Math.max(...sizes) < MOST_BYTES, `the file grows: ${sizes}`);
      const said = talkers.reduce((sum, talker) => sum + talker.said, 0);
      t.diagnostic(`${said} messages over ${KILLS} kills, ${links.map(({ sockets }) => sockets)} sockets, same links`);
      t.diagnostic(`bytes of the data after each start: ${sizes}`);
    } finally {
      for (const link of links) link[Symbol.dispose]();
    }
  });
});

async function open(server: RestartingServer, identity: string): Promise<NodeLink> {
  const response = await fetch(`${server.url}/v1/token`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ room: "any", identity }),
  });
  const { token } = (await response.json()) as { token: string };
  const link = new NodeLink(`${server.url.replace("http", "ws")}/v1/link`, identity, token, { reconnectMaxMs: 400 });
  const giveUpAt = performance.now() + 10_000;
  while (link.link.state !== "open" && performance.now() < giveUpAt) await pause(10);
  return link;
}

/** Bytes of the data file and its log. */
async function sizeOf(directory: string): Promise<number> {
  const files = await Promise.all(["lodeline.db", "lodeline.db-wal"].map((file) => stat(join(directory, file))));
  return files.reduce((sum, { size }) => sum + size, 0);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
