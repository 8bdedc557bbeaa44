import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { loadavg } from "node:os";
import { engineContestant } from "./engine-contestant.ts";
import { PACKET_BYTES } from "./load-peer.ts";
import { type Contestant, type Round, soundRound } from "./pace.ts";
import { ReceiverReports } from "./receiver-reports.ts";
import { type Bench, median, type Row, row } from "./result.ts";
import { Sinks, sendTogether } from "./sinks.ts";
import { startMeasured } from "./worker-process.ts";

/**
 * Packets a second from the sender: for C about a fifth of what a core can do, for TypeScript, which costs many times that,
 * what plain Node keeps up with. Each is measured at the same rate as its bound.
 */
const LOADS = [
  { receivers: 10, fast: 4_000, slow: 1_000 },
  { receivers: 100, fast: 600, slow: 150 },
];
const ROUNDS = 7;
/** Rounds before those that count: caches, and compilers, which work on for seconds with what a hundred receivers need. */
const WARM_UPS = 4;
const SETTLE_MS = 700;
const SPAN_MS = 1_000;

/**
 * CPU per forwarded packet of both packet paths, beside the least that C and that plain Node can do. The contestants take
 * turns in short rounds, so that what else the machine does hits all alike.
 */
export const forward: Bench = {
  name: "forward",
  about:
    `1 sender to 10 and to 100 receivers, ${PACKET_BYTES} byte packets, AES-128-GCM; cache, RTX, reports, feedback and ` +
    "statistics on",
  async run(progress) {
    const sinks = new Sinks();
    const rows: Row[] = [];
    // `--receivers=100` measures only that.
    const only = process.argv.find((word) => word.startsWith("--receivers="))?.split("=")[1];
    const loads = LOADS.filter(({ receivers }) => only === undefined || receivers === Number(only));
    for (const load of loads) rows.push(...(await compare(sinks, load, progress)));
    return rows;
  },
};

async function compare(sinks: Sinks, load: (typeof LOADS)[number], progress: (text: string) => void): Promise<Row[]> {
  const { receivers, fast, slow } = load;
  await using stack = new AsyncDisposableStack();
  const reports = stack.use(new ReceiverReports(sinks));
  const engine = { receivers, address: "127.0.0.1", reports };
  const contestants = [
    { rate: fast, is: await engineContestant(stack, sinks, { ...engine, native: true }) },
    { rate: fast, is: await bound(stack, sinks, receivers, "C", "./c-forward-process.ts", false) },
    { rate: fast, is: await bound(stack, sinks, receivers, "C, segmented", "./c-forward-process.ts", true) },
    { rate: slow, is: await engineContestant(stack, sinks, { ...engine, native: false }) },
    { rate: slow, is: await bound(stack, sinks, receivers, "Node", "./plain-node-forward-process.ts", false) },
  ];
  const rounds = new Map<string, Round[]>(contestants.map(({ is }) => [is.name, []]));
  // Who begins changes, since it has the caches to itself.
  for (let turn = 0; turn < WARM_UPS + ROUNDS; turn++) {
    for (let at = 0; at < contestants.length; at++) {
      const one = contestants[(turn + at) % contestants.length];
      if (one === undefined) continue;
      const pace = { packetsPerSecond: one.rate, settleMs: SETTLE_MS, spanMs: SPAN_MS, receivers };
      const done = await soundRound(one.is, pace, sinks);
      if (turn >= WARM_UPS) rounds.get(one.is.name)?.push(done);
    }
  }
  const micros = (name: string) => median((rounds.get(name) ?? []).map((one) => one.micros));
  for (const { is, rate } of contestants) {
    progress(`${receivers} receivers, ${rate} packets/s in, ${is.name}: ${summary(rounds.get(is.name) ?? [])}`);
  }
  progress(`${receivers} receivers: ${reports.sent} reports and feedbacks sent, ${reports.nacks} repairs asked for`);
  return [
    row(`forward.kernel.${receivers}`, micros("kernel"), "us", "C: recvmmsg, GCM, sendmmsg, nothing else", micros("C")),
    row(
      `forward.kernel-segmented.${receivers}`,
      micros("kernel"),
      "us",
      "the same C with segmentation offload",
      micros("C, segmented"),
    ),
    row(
      `forward.typescript.${receivers}`,
      micros("typescript"),
      "us",
      "Node: GCM, dgram.send, nothing else",
      micros("Node"),
    ),
  ];
}

function summary(rounds: readonly Round[]): string {
  const micros = median(rounds.map((one) => one.micros));
  const sent = rounds.reduce((sum, one) => sum + one.sent, 0);
  const lost = rounds.reduce((sum, one) => sum + one.lost, 0);
  const dropped = rounds.reduce((sum, one) => sum + one.dropped, 0);
  const again = rounds.reduce((sum, one) => sum + one.tries - 1, 0);
  return (
    `${micros.toFixed(2)} us a packet, ${Math.round(1e6 / micros).toLocaleString("en-US")} packets/s on a core, ` +
    `${((100 * lost) / Math.max(1, sent)).toFixed(2)} % lost, ${dropped} dropped by the load's own sockets ` +
    `(${rounds.map((one) => one.micros.toFixed(1)).join(" ")}; ${again} rounds repeated; load ${loadavg()[0]?.toFixed(1)})`
  );
}

async function bound(
  stack: AsyncDisposableStack,
  sinks: Sinks,
  receivers: number,
  name: string,
  file: string,
  segments: boolean,
): Promise<Contestant> {
  const { ports, ...opened } = await sinks.open(receivers);
  stack.defer(() => opened.close());
  const process = stack.use(await startMeasured<{ readonly port: number }>(file, { ports, segments }));
  const out = stack.adopt(await openSocket(), (socket) => void socket.close());
  let sequence = 0;
  // A header whose numbers go up, so that what comes can be counted; the rest need not be sealed for the work to be the same.
  const next = () => {
    const packet = Buffer.alloc(PACKET_BYTES + 16, 0x80);
    packet[1] = 96;
    packet.writeUInt16BE(sequence++ & 0xffff, 2);
    return packet;
  };
  return {
    name,
    process,
    sentName: "sent",
    sinks: opened.sinks,
    burst: (packets) => sendTogether(out, "127.0.0.1", process.ready.port, Array.from({ length: packets }, next)),
  };
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}
