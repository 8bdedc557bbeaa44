import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { engineContestant } from "./engine-contestant.ts";
import { PACKET_BYTES } from "./load-peer.ts";
import { type Contestant, type Round, round } from "./pace.ts";
import { type Bench, median, type Row, row } from "./result.ts";
import { Sinks, sendTogether } from "./sinks.ts";
import { startMeasured } from "./worker-process.ts";

/**
 * Packets a second from the sender: for C about a fifth of what a core can do, for TypeScript, which costs many times that,
 * what plain Node keeps up with.
 */
const LOADS = [
  { receivers: 10, fast: 4_000, slow: 1_000 },
  { receivers: 100, fast: 600, slow: 150 },
];
const ROUNDS = 5;
const SETTLE_MS = 500;
const SPAN_MS = 1_000;

/**
 * CPU per forwarded packet of both packet paths, beside the least that C and that plain Node can do. The contestants take
 * turns in short rounds, so that what else the machine does hits all alike.
 */
export const forward: Bench = {
  name: "forward",
  about: `1 sender to 10 and to 100 receivers, ${PACKET_BYTES} byte packets, AES-128-GCM; cache, RTX, reports and feedback on`,
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
  const contestants = [
    await engineContestant(stack, sinks, { receivers, native: true, address: "127.0.0.1" }),
    await engineContestant(stack, sinks, { receivers, native: false, address: "127.0.0.1" }),
    await bound(stack, sinks, receivers, "C", "./c-forward-process.ts"),
    await bound(stack, sinks, receivers, "Node", "./plain-node-forward-process.ts"),
  ];
  const rounds = new Map<string, Round[]>(contestants.map(({ name }) => [name, []]));
  // The first round warms up caches and compilers and does not count.
  for (let turn = 0; turn <= ROUNDS; turn++) {
    for (const contestant of contestants) {
      const packetsPerSecond = contestant.name === "kernel" || contestant.name === "C" ? fast : slow;
      const pace = { packetsPerSecond, settleMs: SETTLE_MS, spanMs: SPAN_MS };
      const done = await round(contestant, pace, () => sinks.count);
      if (turn > 0) rounds.get(contestant.name)?.push(done);
    }
  }
  const micros = (name: string) => median((rounds.get(name) ?? []).map((one) => one.micros));
  for (const { name } of contestants) progress(`${receivers} receivers, ${name}: ${summary(rounds.get(name) ?? [])}`);
  return [
    row(`forward.kernel.${receivers}`, micros("kernel"), "us", "C: recvmmsg, GCM, sendmmsg, nothing else", micros("C")),
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
  const arrived = rounds.reduce((sum, one) => sum + one.arrived, 0);
  const loss = (100 * Math.max(0, sent - arrived)) / Math.max(1, sent);
  return (
    `${micros.toFixed(2)} us a packet, ${Math.round(1e6 / micros).toLocaleString("en-US")} packets/s on a core, ` +
    `${loss.toFixed(2)} % lost (${rounds.map((one) => one.micros.toFixed(1)).join(" ")})`
  );
}

async function bound(
  stack: AsyncDisposableStack,
  sinks: Sinks,
  receivers: number,
  name: string,
  file: string,
): Promise<Contestant> {
  const { ports } = stack.adopt(await sinks.open(receivers), (opened) => opened.close());
  const process = stack.use(await startMeasured<{ readonly port: number }>(file, { ports }));
  const out = stack.adopt(await openSocket(), (socket) => void socket.close());
  const packet = Buffer.alloc(PACKET_BYTES + 16, 0x80);
  return {
    name,
    process,
    sentName: "sent",
    burst: (packets) => sendTogether(out, "127.0.0.1", process.ready.port, new Array<Buffer>(packets).fill(packet)),
  };
}

async function openSocket(): Promise<Socket> {
  const socket = createSocket("udp4");
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return socket;
}
