import { readFileSync } from "node:fs";
import { loadavg } from "node:os";
import { engineContestant } from "./engine-contestant.ts";
import { Janus } from "./janus.ts";
import { LoadPeer, PACKET_BYTES } from "./load-peer.ts";
import { inNamespace, NAMESPACE_ADDRESS, runInNamespace } from "./namespace.ts";
import { type Contestant, type Round, soundRound } from "./pace.ts";
import { ReceiverReports } from "./receiver-reports.ts";
import { type Bench, median, type Row, row } from "./result.ts";
import { Sinks } from "./sinks.ts";

const RECEIVERS = 10;
const PACKETS_PER_SECOND = 1_200;
const ROUNDS = 5;
const SETTLE_MS = 500;
/** Janus's CPU is read in ticks of 10 ms. */
const SPAN_MS = 2_000;
const ROOM = 4242;

/** CPU per forwarded packet of Janus over ours, under the same load on the same machine. */
export const peers: Bench = {
  name: "peers",
  about: `1 sender to ${RECEIVERS} receivers, ${PACKET_BYTES} byte packets, AES-128-GCM: Debian's Janus and our engine in turns`,
  onlyByName: true,
  async run(progress) {
    if (!inNamespace()) {
      runInNamespace("peers");
      return JSON.parse(readFileSync(new URL("../results/peers.json", import.meta.url), "utf8")) as Row[];
    }
    await using stack = new AsyncDisposableStack();
    const sinks = new Sinks();
    const reports = stack.use(new ReceiverReports(sinks));
    const ours = await engineContestant(stack, sinks, {
      receivers: RECEIVERS,
      native: true,
      address: NAMESPACE_ADDRESS,
      reports,
    });
    const best = await janusContestant(stack, sinks, reports, { name: "janus-best", eventLoops: 1, port: 8188 });
    const plain = await janusContestant(stack, sinks, reports, { name: "janus-default", eventLoops: 0, port: 8189 });
    const contestants = [ours, best, plain];
    const rounds = new Map<string, Round[]>(contestants.map(({ name }) => [name, []]));
    const load = { packetsPerSecond: PACKETS_PER_SECOND, settleMs: SETTLE_MS, spanMs: SPAN_MS, receivers: RECEIVERS };
    // The first round warms up and does not count.
    for (let turn = 0; turn <= ROUNDS; turn++) {
      for (let at = 0; at < contestants.length; at++) {
        const contestant = contestants[(turn + at) % contestants.length] ?? ours;
        const done = await soundRound(contestant, load, sinks);
        if (turn > 0) rounds.get(contestant.name)?.push(done);
      }
    }
    const micros = (name: string) => median((rounds.get(name) ?? []).map((one) => one.micros));
    for (const { name } of contestants) progress(summary(name, rounds.get(name) ?? []));
    return [
      row("peers.janus-best", micros("janus-best"), "us", "our engine, packet kernel", micros("kernel")),
      row("peers.janus-default", micros("janus-default"), "us", "our engine, packet kernel", micros("kernel")),
    ];
  },
};

function summary(name: string, rounds: readonly Round[]): string {
  const micros = rounds.map((one) => one.micros);
  const sum = (of: (one: Round) => number) => rounds.reduce((total, one) => total + of(one), 0);
  return (
    `${name}: ${median(micros).toFixed(2)} us a packet (${micros.map((one) => one.toFixed(1)).join(" ")}), ` +
    `${sum(({ lost }) => lost)} of ${sum(({ sent }) => sent)} lost, ${sum(({ dropped }) => dropped)} of them by the load's own sockets, ` +
    `${sum(({ tries }) => tries - 1)} rounds repeated; load ${loadavg()[0]?.toFixed(1)}`
  );
}

async function janusContestant(
  stack: AsyncDisposableStack,
  sinks: Sinks,
  reports: ReceiverReports,
  options: { readonly name: string; readonly eventLoops: number; readonly port: number },
): Promise<Contestant> {
  const { name, eventLoops, port } = options;
  const janus = stack.use(await Janus.start({ eventLoops, port }));
  let published: Awaited<ReturnType<Janus["publish"]>> | undefined;
  const publishing = LoadPeer.offer("sendonly", NAMESPACE_ADDRESS, async (sdp) => {
    published = await janus.publish(ROOM, sdp);
    return published.sdp;
  });
  const publisher = stack.adopt(await publishing, (peer) => peer.close());
  await published?.up;
  const receivers: number[] = [];
  for (let index = 0; index < RECEIVERS; index++) {
    const offered = await janus.subscribe(ROOM, published?.feed);
    const answering = LoadPeer.answer(offered.sdp, NAMESPACE_ADDRESS, (sdp) => offered.answer(sdp));
    const receiver = stack.adopt(await answering, (peer) => peer.close());
    receiver.sinkInto(sinks);
    reports.add(receiver);
    receivers.push(receiver.sink);
  }
  // Janus does not tell what it sent: what came in is counted for it.
  const came = () => receivers.reduce((sum, at) => sum + sinks.counts(at).receivedOfSsrc, 0);
  let cpuMs = janus.cpuMs;
  return {
    name,
    process: {
      async start() {
        cpuMs = janus.cpuMs;
      },
      stop: async () => ({ cpuMs: janus.cpuMs - cpuMs, wallMs: 0, extra: { sent: came() } }),
    },
    sentName: "sent",
    sinks: receivers,
    burst: (packets, keyFrame) => publisher.burst(packets, keyFrame),
  };
}
