import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Pair, Sources } from "@lodeline/protocol";
import { WebSocket } from "ws";
import { LoadLink } from "./load-links.ts";
import { type Bench, median, type Row, row } from "./result.ts";
import { type Measured, startMeasured } from "./worker-process.ts";

const PAIRS = 50;
const IN_FLIGHT = 8;
const SPAN_MS = 4_000;
const RUNS = 3;
const WARM_UP_CONNECTIONS = 500;
const IDLE_CONNECTIONS = 5_000;
/**
 * V8's young generation grows with the rate of garbage, up to tens of megabytes, whatever is kept. It belongs to the
 * process and not to a connection, so it is held small in both processes while connections are weighed.
 */
const SMALL_YOUNG_GENERATION = ["--max-semi-space-size=1"];
const OFF = { intent: "unpublished", mutedBy: null } as const;
const NOTHING: Sources = { microphone: OFF, camera: OFF, screen: OFF, "screen-audio": OFF };
/** A candidate line of the usual length, so that a message is about 300 bytes. */
const CANDIDATE =
  "candidate:842163049 1 udp 1677729535 203.0.113.7 46154 typ srflx raddr 10.0.0.17 rport 46154 generation 0";

interface Ready {
  readonly url: string;
  readonly linkUrl: string;
}

/** Messages a second per core, and bytes per idle connection, beside a bare WebSocket echo. */
export const signaling: Bench = {
  name: "signaling",
  about: `${PAIRS} pairs relay candidates through the server; then ${IDLE_CONNECTIONS.toLocaleString("en-US")} idle connections`,
  async run(progress) {
    const ours: number[] = [];
    const kept: number[] = [];
    const bare: number[] = [];
    for (let run = 1; run <= RUNS; run++) {
      ours.push(await relayed());
      kept.push(await relayedAndKept());
      bare.push(await echoed());
      progress(
        `run ${run} of ${RUNS}: ${Math.round(ours.at(-1) ?? 0)} relayed, ${Math.round(kept.at(-1) ?? 0)} with storage, ${Math.round(bare.at(-1) ?? 0)} echoed, per core and second`,
      );
    }
    const bytes = await idleBytes(progress);
    const rows: Row[] = [
      row("signaling.messages-per-core", median(ours), "messages/s", "a bare ws echo of the same text", median(bare)),
      row("signaling.messages-per-core-kept", median(kept), "messages/s", "the same without storage", median(ours)),
      row(
        "signaling.bytes-per-connection",
        bytes.ours,
        "bytes",
        "an idle bare ws connection that said as much (resident memory)",
        bytes.bare,
      ),
    ];
    return rows;
  },
};

/** Candidates relayed between the two of each mesh pair: one in, checked, numbered, one out. */
async function relayed(options: object = {}): Promise<number> {
  await using server = await startMeasured<Ready>("./lodeline-process.ts", options);
  const pairs: RelayPair[] = [];
  for (let index = 0; index < PAIRS; index++) pairs.push(await openPair(server.ready.linkUrl, `bench-${index}`));
  let count = 0;
  for (const pair of pairs) pair.start(() => count++);
  const rate = await measure(server, () => count);
  for (const pair of pairs) pair.close();
  return rate;
}

/** As {@link relayed}, by a server that keeps every message and number before it goes on. */
async function relayedAndKept(): Promise<number> {
  const directory = await mkdtemp(join(tmpdir(), "lodeline-bench-"));
  try {
    return await relayed({ storage: { directory } });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface RelayPair {
  start(onRelayed: () => void): void;
  close(): void;
}

async function openPair(linkUrl: string, room: string): Promise<RelayPair> {
  const one = await LoadLink.open(linkUrl, "one");
  const other = await LoadLink.open(linkUrl, "other");
  const place = { type: "join", room, name: "", topology: "mesh", sources: NOTHING } as const;
  const a = await one.ask({ ...place, id: "j1" }, (answer) =>
    answer.type === "joined" ? answer.participant : undefined,
  );
  const pair = await other.ask({ ...place, id: "j2" }, (answer): Pair | undefined =>
    answer.type === "joined" ? answer.room.pairs[0] : undefined,
  );
  let seq = 0;
  const sendOne = () =>
    other.send({
      type: "signal",
      scope: "room",
      to: a,
      signal: {
        session: pair.session,
        epoch: 1,
        seq: ++seq,
        body: {
          kind: "candidate",
          candidate: { candidate: CANDIDATE, sdpMid: "0", sdpMLineIndex: 0, usernameFragment: "hK3x" },
        },
      },
    });
  return {
    start(onRelayed) {
      one.onMessage = (message) => {
        if (message.type !== "signal") return;
        onRelayed();
        sendOne();
      };
      for (let index = 0; index < IN_FLIGHT; index++) sendOne();
    },
    close() {
      one.close();
      other.close();
    },
  };
}

/** The bound: the same number of sockets, a text of the same length, no protocol. */
async function echoed(): Promise<number> {
  await using server = await startMeasured<{ readonly url: string }>("./plain-ws-process.ts");
  const text = JSON.stringify({ padding: "x".repeat(300) });
  const sockets = await openBare(server.ready.url, PAIRS);
  let count = 0;
  for (const socket of sockets) {
    socket.on("message", () => {
      count++;
      socket.send(text);
    });
    for (let index = 0; index < IN_FLIGHT; index++) socket.send(text);
  }
  const rate = await measure(server, () => count);
  for (const socket of sockets) socket.terminate();
  return rate;
}

async function measure(server: Measured<unknown>, count: () => number): Promise<number> {
  // The first second warms the server's compiler up and is not counted.
  await pause(1_000);
  await server.start();
  const before = count();
  await pause(SPAN_MS);
  const { cpuMs } = await server.stop();
  return (count() - before) / (cpuMs / 1000);
}

async function idleBytes(progress: (text: string) => void): Promise<{ ours: number; bare: number }> {
  await using server = await startMeasured<Ready>("./lodeline-process.ts", {}, SMALL_YOUNG_GENERATION);
  const ours = await growth(server, (count) => openIdle(server.ready.linkUrl, count));
  await using plain = await startMeasured<{ readonly url: string }>(
    "./plain-ws-process.ts",
    {},
    SMALL_YOUNG_GENERATION,
  );
  const bare = await growth(plain, (count) => openGreeted(plain.ready.url, count));
  progress(`idle: ${Math.round(ours)} bytes each, bare ${Math.round(bare)}`);
  return { ours, bare };
}

/** Resident memory for each connection beyond the first ones, which also pay for code and caches that all share. */
async function growth(server: Measured<unknown>, open: (count: number) => Promise<unknown>): Promise<number> {
  await open(WARM_UP_CONNECTIONS);
  const before = await server.memory();
  await open(IDLE_CONNECTIONS);
  const after = await server.memory();
  return (after.rss - before.rss) / IDLE_CONNECTIONS;
}

/** Bare connections that have each said one text of a hello's length and got one back, as every link has. */
async function openGreeted(url: string, count: number): Promise<void> {
  for (const socket of await openBare(url, count)) {
    const answered = once(socket, "message");
    socket.send("x".repeat(300));
    await answered;
  }
}

async function openIdle(linkUrl: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await LoadLink.open(linkUrl, "idle");
}

async function openBare(url: string, count: number): Promise<WebSocket[]> {
  const sockets: WebSocket[] = [];
  for (let index = 0; index < count; index++) {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, "open");
    sockets.push(socket);
  }
  return sockets;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
