import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createServer, type LodelineServer } from "@lodeline/server";
import { heapBytes, held } from "./support/held.ts";
import { makeOffer } from "./support/offer.ts";
import { NO_SOURCES, RawLink } from "./support/raw-link.ts";

/** The first rounds compile and cache; from then on nothing may grow. */
const WARM_UP_ROUNDS = 100;
const ROUNDS = 100;
const HEAP_SLACK_KB = 512;

async function until(what: string, done: () => boolean): Promise<void> {
  for (let i = 0; i < 300 && !done(); i++) await sleep(20);
  assert.ok(done(), what);
}

/** Waits until no kind of resource is held more often than it was; sockets are let go some turns after they are closed. */
async function heldNoMoreThan(before: Readonly<Record<string, number>>): Promise<void> {
  let now = held();
  const settled = () => {
    now = held();
    return Object.keys(now).every((kind) => (now[kind] ?? 0) <= (before[kind] ?? 0));
  };
  await until("everything is let go", settled).catch(() =>
    assert.fail(`held ${JSON.stringify(now)}, before ${JSON.stringify(before)}`),
  );
}

/** Joins an sfu room with a whole offer, gets its answer, leaves, says bye. */
async function visit(server: LodelineServer, round: number): Promise<void> {
  using link = await RawLink.greet(server.linkUrl, { name: `guest ${round}` });
  const sdp = makeOffer([
    { kind: "audio", direction: "sendonly" },
    { kind: "video", direction: "sendonly" },
    { kind: "audio", direction: "recvonly" },
    { kind: "video", direction: "recvonly" },
  ]);
  const sends = [
    { mid: "0", source: "microphone" as const },
    { mid: "1", source: "camera" as const },
  ];
  const receives = [
    { mid: "2", kind: "audio" as const },
    { mid: "3", kind: "video" as const },
  ];
  const session = { session: `s_${round}`, offer: { sdp, sends, receives } };
  const live = { intent: "live" as const, mutedBy: null };
  const sources = { ...NO_SOURCES, microphone: live, camera: live };
  link.send({ type: "join", id: "join", room: `den ${round % 3}`, name: "", topology: "sfu", sources, session });
  const joined = await link.message(({ type }) => type === "joined" || type === "error");
  assert.ok(joined.type === "joined" && joined.answer, JSON.stringify(joined));
  assert.equal(joined.answer.sdp.match(/^m=/gm)?.length, 5);
  link.send({ type: "leave", id: "leave" });
  await link.message((message) => message.type === "ok" && message.id === "leave");
  link.sendFrame({ kind: "bye", reason: "done" });
  await link.closed;
}

describe("a server that people come to and leave", () => {
  it(`holds no more after ${WARM_UP_ROUNDS + ROUNDS} joins and leaves than after ${WARM_UP_ROUNDS}`, async () => {
    await using server = await createServer({ access: { kind: "open" }, port: 0, media: { addresses: ["127.0.0.1"] } });
    const idle = held();
    const empty = () => {
      const { sockets, links, rooms, participants, transports } = server.status();
      return sockets + links + rooms + participants + transports === 0;
    };
    for (let round = 0; round < WARM_UP_ROUNDS; round++) await visit(server, round);
    await until("everything is given back after the first rounds", empty);
    await heldNoMoreThan(idle);
    const heapBefore = heapBytes();
    for (let round = 0; round < ROUNDS; round++) await visit(server, round);
    await until(`everything is given back: ${JSON.stringify(server.hub.status())}`, empty);
    await heldNoMoreThan(idle);
    await until("the hub holds nothing and waits for nothing", () => {
      const { timers, sessions, calls, identities } = server.hub.status();
      return timers + sessions + calls + identities === 0;
    });
    const grownKb = (heapBytes() - heapBefore) / 1024;
    assert.ok(grownKb < HEAP_SLACK_KB, `the heap grew by ${Math.round(grownKb)} kB`);
  });

  it("leaves nothing behind when it is closed", async () => {
    const before = held();
    await using server = await createServer({ access: { kind: "open" }, port: 0, media: { addresses: ["127.0.0.1"] } });
    using link = await RawLink.greet(server.linkUrl);
    await link.join("den");
    const report = await server.close();
    await link.closed;
    assert.deepEqual(report.hung, []);
    await heldNoMoreThan(before);
  });
});
