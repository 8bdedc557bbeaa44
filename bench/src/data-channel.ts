import { type Bench, median, row } from "./result.ts";
import { type Measured, startMeasured } from "./worker-process.ts";

const WARM_UP_MS = 1000;
const SPAN_MS = 3000;
const RUNS = 3;

/** What one run came to. */
interface Flood {
  readonly megabytesPerSecond: number;
  /** CPU of both ends together for each MB. */
  readonly cpuMsPerMegabyte: number;
  readonly again: number;
}

/** One data channel at full speed over loopback, in two processes: ours beside werift's. */
export const dataChannel: Bench = {
  name: "datachannel",
  about: "one ordered, reliable data channel, 16 KiB messages, two processes over loopback",
  async run(progress) {
    const ours: Flood[] = [];
    const werift: Flood[] = [];
    for (let run = 1; run <= RUNS; run++) {
      ours.push(await floodOurs());
      werift.push(await floodWerift());
      progress(`run ${run} of ${RUNS}: ${said(ours.at(-1))}; werift ${said(werift.at(-1))}`);
    }
    const of = (all: readonly Flood[], what: (one: Flood) => number) => median(all.map(what));
    const speed = (one: Flood) => one.megabytesPerSecond;
    const cost = (one: Flood) => one.cpuMsPerMegabyte;
    return [
      row("datachannel.throughput", of(ours, speed), "MB/s", "werift's data channel", of(werift, speed)),
      row("datachannel.cpu-per-megabyte", of(ours, cost), "ms", "werift's, both ends", of(werift, cost)),
    ];
  },
};

function said(flood: Flood | undefined): string {
  if (!flood) return "";
  return `${flood.megabytesPerSecond.toFixed(1)} MB/s, ${flood.cpuMsPerMegabyte.toFixed(1)} ms CPU a MB, ${flood.again} chunks again`;
}

async function floodOurs(): Promise<Flood> {
  type Ready = { readonly port: number; readonly fingerprint: string };
  await using sender = await startMeasured<Ready>("./data-channel-process.ts", { role: "client" });
  await using receiver = await startMeasured<Ready>("./data-channel-process.ts", { role: "server" });
  await receiver.ask({ kind: "connect", ...sender.ready });
  await sender.ask({ kind: "connect", ...receiver.ready });
  return await flood(sender, receiver);
}

async function floodWerift(): Promise<Flood> {
  await using sender = await startMeasured<object>("./werift-data-process.ts", { role: "client" });
  await using receiver = await startMeasured<object>("./werift-data-process.ts", { role: "server" });
  const offer = await sender.ask({ kind: "offer" });
  const answer = await receiver.ask({ kind: "answer", sdp: offer.sdp });
  await sender.ask({ kind: "accept", sdp: answer.sdp });
  return await flood(sender, receiver);
}

async function flood(sender: Measured<unknown>, receiver: Measured<unknown>): Promise<Flood> {
  await sender.ask({ kind: "flood" });
  await pause(WARM_UP_MS);
  await receiver.start();
  const before = await receiver.stop();
  await sender.start();
  await receiver.start();
  await pause(SPAN_MS);
  const after = await receiver.stop();
  const sent = await sender.stop();
  await sender.ask({ kind: "quiet" });
  const megabytes = ((after.extra.received ?? 0) - (before.extra.received ?? 0)) / 1e6;
  return {
    megabytesPerSecond: megabytes / (after.wallMs / 1000),
    cpuMsPerMegabyte: (after.cpuMs + sent.cpuMs) / megabytes,
    again: sent.extra.again ?? 0,
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
