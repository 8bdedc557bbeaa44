import type { Sources } from "@lodeline/protocol";
import { LoadLink } from "./load-links.ts";
import { LoadPeer } from "./load-peer.ts";
import { type Bench, quantile, type Row, row } from "./result.ts";
import { Sinks } from "./sinks.ts";
import { type Measured, startMeasured } from "./worker-process.ts";

const ADDRESS = "127.0.0.1";
const ROOM = "busy";
const RECEIVERS = 20;
/** Of the publisher, times the receivers. */
const PACKETS_PER_SECOND = 12_000;
const BURST_EVERY_MS = 5;
const SETTLE_MS = 2_000;
const SPAN_MS = 8_000;
/** Between two questions of one kind. */
const ASK_EVERY_MS = 20;

const OFF = { intent: "unpublished", mutedBy: null } as const;
const NOTHING: Sources = { microphone: OFF, camera: OFF, screen: OFF, "screen-audio": OFF };
const CAMERA: Sources = { ...NOTHING, camera: { intent: "live", mutedBy: null } };

interface Ready {
  readonly url: string;
  readonly linkUrl: string;
}

/** What was asked of a server, and how long each answer took, in ms. */
interface Answers {
  readonly command: number[];
  readonly join: number[];
  readonly status: number[];
}

/**
 * How promptly control answers in a room whose one media worker is busy, and where packets are moved in TypeScript has far
 * more to send than it can; beside the same room in quiet.
 */
export const control: Bench = {
  name: "control",
  about: `one publisher at ${PACKETS_PER_SECOND} packets/s to ${RECEIVERS}, on one media worker; commands, joins and requests meanwhile`,
  async run(progress) {
    const sinks = new Sinks();
    return [...(await beside("kernel", sinks, progress)), ...(await beside("typescript", sinks, progress))];
  },
};

/** Control beside media that is moved by the packet kernel, or in TypeScript, which is beyond what a worker can do. */
async function beside(
  path: "kernel" | "typescript",
  sinks: Sinks,
  progress: (text: string) => void,
): Promise<readonly Row[]> {
  await using stack = new AsyncDisposableStack();
  const options = {
    media: { workers: 1, addresses: [ADDRESS] },
    // The load sends no receipts, and nothing is to be repaired.
    timers: { receiptWindowMs: 600_000 },
  };
  const environment = process.env;
  process.env = path === "kernel" ? environment : { ...environment, LODELINE_NATIVE: "0" };
  const server = stack.use(await startMeasured<Ready>("./lodeline-process.ts", options));
  process.env = environment;
  const publisher = await joinWithMedia(server, "publisher", "sendonly");
  stack.defer(() => publisher.close());
  for (let index = 0; index < RECEIVERS; index++) {
    const receiver = await joinWithMedia(server, `receiver-${index}`, "recvonly");
    stack.defer(() => receiver.close());
    receiver.sinkInto(sinks);
  }
  const quiet = await asked(server.ready, SPAN_MS);
  progress(said(`${path}, in quiet`, quiet));
  const stop = send(publisher);
  await pause(SETTLE_MS);
  const arrived = sinks.count;
  await server.start();
  const busy = await asked(server.ready, SPAN_MS);
  const { cpuMs, wallMs } = await server.stop();
  stop();
  const rate = ((sinks.count - arrived) / wallMs) * 1000;
  progress(said(`${path}, beside media`, busy));
  progress(`${Math.round(rate)} packets/s arrived; the server used ${(cpuMs / wallMs).toFixed(2)} cores`);
  const rows = (["command", "join", "status"] as const).flatMap((what) =>
    [0.5, 0.99].map((share) => {
      const name = `control.${path}.${what}.p${100 * share}`;
      return row(name, quantile(busy[what], share), "ms", "the same in quiet", quantile(quiet[what], share));
    }),
  );
  const asSent = PACKETS_PER_SECOND * RECEIVERS;
  return [...rows, row(`control.${path}.media-rate`, rate, "packets/s", "as much as was sent", asSent)];
}

function said(when: string, answers: Answers): string {
  const parts = Object.entries(answers).map(
    ([what, times]) => `${what} p50 ${quantile(times, 0.5).toFixed(1)} p99 ${quantile(times, 0.99).toFixed(1)} ms`,
  );
  return `${when}: ${parts.join(", ")}`;
}

/** A member of the room whose media is connected. */
async function joinWithMedia(
  server: Measured<Ready>,
  name: string,
  direction: "sendonly" | "recvonly",
): Promise<LoadPeer> {
  const link = await LoadLink.open(server.ready.linkUrl, name);
  return LoadPeer.offer(direction, ADDRESS, async (sdp) => {
    const sends = direction === "sendonly" ? [{ mid: "0", source: "camera" as const }] : [];
    const receives = direction === "recvonly" ? [{ mid: "0", kind: "video" as const }] : [];
    const session = { session: `s-${name}`, offer: { sdp, sends, receives } };
    const sources = direction === "sendonly" ? CAMERA : NOTHING;
    const join = { type: "join", id: "join", room: ROOM, name, topology: "sfu", sources, session } as const;
    return link.ask(join, (answer) => {
      if (answer.type === "error") throw new Error(JSON.stringify(answer));
      if (answer.type === "joined") return answer.answer?.sdp;
      return answer.type === "signal" && answer.signal.body.kind === "answer" ? answer.signal.body.sdp : undefined;
    });
  });
}

/** Sends until the result is called. */
function send(publisher: LoadPeer): () => void {
  const begun = performance.now();
  let sent = 0;
  let lastKeyFrameAtMs = -Infinity;
  const pacer = setInterval(() => {
    const now = performance.now();
    const packets = Math.ceil(((now - begun) / 1000) * PACKETS_PER_SECOND - sent);
    if (packets <= 0) return;
    // Nobody here answers a wish for a key frame.
    const keyFrame = now - lastKeyFrameAtMs > 500;
    if (keyFrame) lastKeyFrameAtMs = now;
    publisher.burst(packets, keyFrame);
    sent += packets;
  }, BURST_EVERY_MS);
  return () => clearInterval(pacer);
}

/** Asks for `spanMs`, one of each kind after the other. */
async function asked(ready: Ready, spanMs: number): Promise<Answers> {
  const member = await LoadLink.open(ready.linkUrl, "member");
  await member.ask({ type: "join", id: "member", room: ROOM, name: "", topology: "sfu", sources: NOTHING }, (answer) =>
    answer.type === "joined" ? true : undefined,
  );
  const answers: Answers = { command: [], join: [], status: [] };
  const until = performance.now() + spanMs;
  for (let count = 1; performance.now() < until; count++) {
    answers.command.push(await timed(() => command(member, count)));
    answers.join.push(await timed(() => joinAndLeave(ready.linkUrl)));
    answers.status.push(await timed(async () => void (await (await fetch(`${ready.url}/healthz`)).text())));
    await pause(ASK_EVERY_MS);
  }
  member.send({ type: "leave", id: "over" });
  member.close();
  return answers;
}

/** Says what is published: checked, put into the room's log, and acknowledged. */
function command(member: LoadLink, count: number): Promise<boolean> {
  const id = `m${count}`;
  const microphone = { intent: count % 2 === 0 ? "live" : "muted", mutedBy: null } as const;
  const sources = { ...NOTHING, microphone };
  // The join was the first revision.
  return member.ask({ type: "media-state", id, revision: count + 1, sources }, (answer) => {
    if (answer.type === "error") throw new Error(JSON.stringify(answer));
    return answer.type === "ok" && answer.id === id ? true : undefined;
  });
}

/** Opens a link, joins the busy room, and is gone again. */
async function joinAndLeave(linkUrl: string): Promise<void> {
  const link = await LoadLink.open(linkUrl, "guest");
  await link.ask({ type: "join", id: "guest", room: ROOM, name: "", topology: "sfu", sources: NOTHING }, (answer) =>
    answer.type === "joined" ? true : undefined,
  );
  await link.ask({ type: "leave", id: "leave" }, (answer) => (answer.type === "ok" ? true : undefined));
  link.close();
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
