import { readFileSync } from "node:fs";
import { engineContestant } from "./engine-contestant.ts";
import { Janus } from "./janus.ts";
import { LoadPeer, PACKET_BYTES } from "./load-peer.ts";
import { inNamespace, NAMESPACE_ADDRESS, runInNamespace } from "./namespace.ts";
import { type Contestant, type Round, round } from "./pace.ts";
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
    const ours = await engineContestant(stack, sinks, {
      receivers: RECEIVERS,
      native: true,
      address: NAMESPACE_ADDRESS,
    });
    const best = await janusContestant(stack, sinks, "janus-best", 1, 8188);
    const plain = await janusContestant(stack, sinks, "janus-default", 0, 8189);
    const contestants = [ours, best, plain];
    const rounds = new Map<string, Round[]>(contestants.map(({ name }) => [name, []]));
    const load = { packetsPerSecond: PACKETS_PER_SECOND, settleMs: SETTLE_MS, spanMs: SPAN_MS };
    // The first round warms up and does not count.
    for (let turn = 0; turn <= ROUNDS; turn++) {
      for (const contestant of contestants) {
        const done = await round(contestant, load, () => sinks.count);
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
  const expected = rounds.reduce((sum, one) => sum + one.sent, 0);
  const arrived = rounds.reduce((sum, one) => sum + one.arrived, 0);
  return `${name}: ${median(micros).toFixed(2)} us a packet (${micros.map((one) => one.toFixed(1)).join(" ")}), ${arrived} of ${expected} arrived`;
}

async function janusContestant(
  stack: AsyncDisposableStack,
  sinks: Sinks,
  name: string,
  eventLoops: number,
  port: number,
): Promise<Contestant> {
  const janus = stack.use(await Janus.start(eventLoops, port));
  let feed: unknown;
  const publishing = LoadPeer.offer("sendonly", NAMESPACE_ADDRESS, async (sdp) => {
    const published = await janus.publish(ROOM, sdp);
    feed = published.feed;
    return published.sdp;
  });
  const publisher = stack.adopt(await publishing, (peer) => peer.close());
  for (let index = 0; index < RECEIVERS; index++) {
    const offered = await janus.subscribe(ROOM, feed);
    const answering = LoadPeer.answer(offered.sdp, NAMESPACE_ADDRESS, (sdp) => offered.answer(sdp));
    const receiver = stack.adopt(await answering, (peer) => peer.close());
    receiver.sinkInto(sinks);
  }
  let cpuMs = janus.cpuMs;
  return {
    name,
    process: {
      async start() {
        cpuMs = janus.cpuMs;
      },
      // Janus does not tell what it sent: what came in is counted for it.
      stop: async () => ({ cpuMs: janus.cpuMs - cpuMs, wallMs: 0, extra: { sent: sinks.count } }),
    },
    sentName: "sent",
    burst: (packets, keyFrame) => publisher.burst(packets, keyFrame),
  };
}
