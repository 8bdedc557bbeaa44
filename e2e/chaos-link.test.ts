import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { describe, it } from "node:test";
import type { Signal } from "@lodeline/protocol";
import { NodeLink } from "./support/node-link.ts";
import { startServer } from "./support/server.ts";

const CLIENTS = 10;
const MESSAGES = 40_000;
const CUTS = Number(process.env.CUTS ?? 200);
const EACH = MESSAGES / CLIENTS;
/** A client has at most so many messages under way to the server ... */
const IN_FLIGHT = 40;
/** ... and is at most so far ahead of what it has heard: a link keeps 1024 messages for a client that is away. */
const AHEAD = 300;
const WITHIN_MS = Number(process.env.WITHIN ?? 90_000);

/** One of a pair that talk through the server: says its numbers in order, and writes down those of the other. */
class Talker {
  readonly link: NodeLink;
  readonly to: string;
  readonly session: string;
  readonly heard: number[] = [];
  #said = 0;
  #talking = false;

  constructor(link: NodeLink, to: string, session: string) {
    this.link = link;
    this.to = to;
    this.session = session;
    link.onChange = () => this.#talk();
  }

  /** Says a body to the other. */
  say(body: Signal["body"]): void {
    const signal = { session: this.session, epoch: 1, seq: ++this.#said, body };
    this.link.send({ type: "signal", scope: "call", to: this.to, signal });
  }

  start(): void {
    this.#talking = true;
    this.#talk();
  }

  get said(): number {
    return this.#numbers;
  }

  #numbers = 0;

  #talk(): void {
    const most = Math.min(EACH, this.heard.length + AHEAD);
    while (this.#talking && this.#numbers < most && this.link.link.unacknowledged < IN_FLIGHT) {
      const text = `candidate:${this.#numbers++} 1 udp 1677729535 203.0.113.7 46154 typ host generation 0`;
      const candidate = { candidate: text, sdpMid: "0", sdpMLineIndex: 0, usernameFragment: null };
      this.say({ kind: "candidate", candidate });
    }
  }
}

describe("links on a network that breaks", () => {
  it(`${CLIENTS} clients, ${CUTS} cuts at random bytes, ${MESSAGES} messages: none lost, none doubled, all in order`, async () => {
    const seed = Number(process.env.SEED ?? randomInt(2 ** 31));
    console.log(`seed ${seed}; run it again with SEED=${seed}`);
    const server = await startServer({ faults: "network", rate: null });
    const links: NodeLink[] = [];
    const talkers: Talker[] = [];
    try {
      for (let n = 0; n < CLIENTS; n++) {
        const identity = `talker-${n}`;
        // A socket lives for less than a second here: the wait that grows with every short-lived one stays short.
        const timers = { reconnectMaxMs: 400 };
        links.push(new NodeLink(server.linkUrl, identity, await server.createToken({ identity }), timers));
      }
      await Promise.all(links.map((link) => until(() => link.link.state === "open")));
      for (const [n, link] of links.entries()) {
        const talker = new Talker(link, `talker-${n ^ 1}`, `chat-${n >> 1}`);
        talkers.push(talker);
        link.onMessage = (message) => {
          if (message.type !== "signal") return;
          const { body } = message.signal;
          if (body.kind === "candidate") talker.heard.push(Number(body.candidate.candidate.slice(10).split(" ", 1)[0]));
          if (body.kind === "call:init") talker.say({ kind: "accept" });
          if (body.kind === "call:init" || body.kind === "accept") talker.start();
        };
      }
      const startMs = performance.now();
      const { faults } = server;
      assert.ok(faults);
      const cut = faults.start(`tcp:cut=48k,cuts=${CUTS},seed=${seed}`);
      // Beside the cuts the network also stops for a while, each way and both.
      const stalls = ["up", "down", "both"].map((way, n) => faults.start(`tcp:stall=${way}@${2 * n + 1}s+400ms`));
      faults.start("tcp:delay=2ms");
      for (const [n, talker] of talkers.entries()) {
        if (n % 2 === 0) talker.say({ kind: "call:init", name: talker.link.identity, audio: true, video: false });
      }
      const total = () => talkers.reduce((sum, { heard }) => sum + heard.length, 0);
      await until(
        () => total() >= MESSAGES,
        WITHIN_MS,
        () => report(talkers, faults.counters(cut)),
      );
      // One that came twice would come late: what is still under way has time to.
      await until(() => links.every(({ link }) => link.state === "open" && link.unacknowledged === 0));
      const { cuts } = faults.counters(cut) ?? {};
      const tookMs = performance.now() - startMs;
      const sockets = links.reduce((sum, link) => sum + link.sockets, 0);
      const renewed = links.reduce((sum, link) => sum + link.renewed, 0);
      console.log(
        `${CLIENTS} clients, ${cuts} cuts, ${sockets} sockets, ${total()} messages end to end ` +
          `(${2 * total()} over links) in ${(tookMs / 1000).toFixed(1)} s; new links: ${renewed}`,
      );
      const lost = talkers.reduce((sum, { heard }) => sum + EACH - new Set(heard).size, 0);
      const doubled = talkers.reduce((sum, { heard }) => sum + heard.length - new Set(heard).size, 0);
      const late = talkers.reduce(
        (sum, { heard }) => sum + heard.filter((n, at) => n < (heard[at - 1] ?? 0)).length,
        0,
      );
      console.log(`lost ${lost}, doubled ${doubled}, out of order ${late}`);
      assert.deepEqual([lost, doubled, late, renewed], [0, 0, 0, 0]);
      assert.ok((cuts ?? 0) >= 190, `${cuts} cuts`);
      assert.ok(sockets >= CLIENTS + 190 * 0.9, `${sockets} sockets`);
      assert.deepEqual(
        stalls.map((id) => faults.active.some((one) => one.id === id)),
        [false, false, false],
      );
    } finally {
      for (const link of links) link[Symbol.dispose]();
      await server.close();
    }
  });
});

function report(talkers: readonly Talker[], counters: object | undefined): string {
  const each = talkers.map(
    ({ link, heard, said }) =>
      `${link.identity} ${link.link.state} said ${said} renewed ${link.renewed} heard ${heard.length} open ${link.link.unacknowledged}`,
  );
  return `${JSON.stringify(counters)}; ${each.join("; ")}`;
}

async function until(fits: () => boolean, withinMs = 20_000, tell: () => string = () => ""): Promise<void> {
  const giveUpAtMs = performance.now() + withinMs;
  while (!fits()) {
    if (performance.now() > giveUpAtMs) throw new Error(`not within ${withinMs} ms: ${tell()}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
