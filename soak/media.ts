/**
 * `npm run soak:media -- [--minutes 60] [--receivers 20] [--share 0.5] [--server-core n] [--load-core n]`: the media engine
 * at half of what a core can forward, watched for memory that grows and packets that are lost. Ends with 1 when either
 * happens, or when the load did not reach its rate.
 */
import { loadavg } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type EngineContestant, engineContestant } from "../bench/src/engine-contestant.ts";
import { ReceiverReports } from "../bench/src/receiver-reports.ts";
import { Sinks } from "../bench/src/sinks.ts";
import { droppedByPort, pin, residentBytes } from "./media/cores.ts";
import { Pace } from "./media/pace.ts";
import { heldRate, losses, type MemoryReading, memorySlope, type ReceiverCount, type Way } from "./media/verdict.ts";

const FIRST_RATE = 1_000;
const CALIBRATIONS = 4;
const CALIBRATION_MS = 2_500;
const KEY_FRAMES_MS = 500;
const READ_EVERY_MS = 5_000;
const TELL_EVERY_MS = 60_000;
/** What is under way when the sending stops has come by then, or never does. */
const DRAIN = { stepMs: 300, mostMs: 6_000 } as const;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    receivers: { type: "string", default: "20" },
    share: { type: "string", default: "0.5" },
    "server-core": { type: "string" },
    "load-core": { type: "string" },
  },
});
const minutes = Number(values.minutes);
const receivers = Number(values.receivers);
const share = Number(values.share);
if (!(minutes > 0) || !(receivers > 0) || !(share > 0 && share <= 1)) {
  console.error(
    "Usage: npm run soak:media -- [--minutes number] [--receivers number] [--share 0..1] [--server-core n] [--load-core n]",
  );
  process.exit(2);
}

/** Everything that counts packets, read at one moment. */
interface Snapshot extends Way {
  readonly cpuMs: number;
  readonly atMs: number;
  readonly byKernel: boolean;
  readonly receivers: readonly ReceiverCount[];
}

if (values["load-core"] !== undefined) pin(process.pid, Number(values["load-core"]));
await using stack = new AsyncDisposableStack();
const sinks = new Sinks();
const reports = stack.use(new ReceiverReports(sinks));
const engine = await engineContestant(stack, sinks, { receivers, native: true, address: "127.0.0.1", reports });
if (values["server-core"] !== undefined) pin(engine.process.pid, Number(values["server-core"]));
let keyFrames = true;
const pace = stack.use(new Pace((packets) => engine.burst(packets, keyFrames)));

pace.rate = FIRST_RATE;
await pause(KEY_FRAMES_MS);
keyFrames = false;
const { rate, micros } = await calibrate(engine);
console.log(
  `${receivers} receivers, ${micros.toFixed(2)} us a packet: ${(100 * share).toFixed(0)} % of a core are ${rate} packets/s in, ` +
    `${(rate * receivers).toLocaleString("en-US")} packets/s out, for ${minutes} min`,
);

await drained();
const first = await snapshot();
const heapBefore = (await engine.process.memory()).heap;
const readings: MemoryReading[] = [];
const skippedBefore = pace.skipped;
// After a silence a layer begins with a key frame; what came before the one that is asked for would count as lost.
keyFrames = true;
pace.rate = rate;
const begun = performance.now();
setTimeout(() => (keyFrames = false), KEY_FRAMES_MS);
const endMs = begun + minutes * 60_000;
let told = first;
let tellAtMs = begun + TELL_EVERY_MS;
while (performance.now() < endMs) {
  await pause(Math.max(1, Math.min(READ_EVERY_MS, endMs - performance.now())));
  readings.push({ atMs: performance.now(), rssBytes: residentBytes(engine.process.pid) });
  if (performance.now() < Math.min(tellAtMs, endMs)) continue;
  tellAtMs += TELL_EVERY_MS;
  const now = await snapshot();
  progress(told, now);
  told = now;
}
const lastedS = (performance.now() - begun) / 1000;
pace.rate = 0;
await drained();
const last = await snapshot();
const heapAfter = (await engine.process.memory()).heap;
process.exit(conclude() ? 0 : 1);

/** How many packets a second take the wanted share of a core, found by sending about so many. */
async function calibrate({ process: measured }: EngineContestant): Promise<{ rate: number; micros: number }> {
  let found = { rate: FIRST_RATE, micros: 0 };
  for (let turn = 0; turn < CALIBRATIONS; turn++) {
    pace.rate = found.rate;
    await pause(KEY_FRAMES_MS);
    const before = await measured.stop();
    await measured.start();
    await pause(CALIBRATION_MS);
    const after = await measured.stop();
    const out = (after.extra["packetsOut"] ?? 0) - (before.extra["packetsOut"] ?? 0);
    const each = (1000 * after.cpuMs) / Math.max(1, out);
    found = { rate: Math.floor((share * 1e6) / each / receivers), micros: each };
  }
  return found;
}

/** Waits until nothing comes any more. */
async function drained(): Promise<void> {
  pace.rate = 0;
  const deadline = performance.now() + DRAIN.mostMs;
  for (let before = -1; before !== sinks.count && performance.now() < deadline; ) {
    before = sinks.count;
    await pause(DRAIN.stepMs);
  }
}

async function snapshot(): Promise<Snapshot> {
  const { cpuMs, extra } = await engine.process.stop();
  return {
    atMs: performance.now(),
    cpuMs,
    byKernel: extra["byKernel"] === 1,
    sent: pace.sent,
    droppedAtServer: droppedByPort(engine.publisher.remotePort),
    taken: extra["packetsIn"] ?? 0,
    forwardedLeast: extra["packetsOutLeast"] ?? 0,
    forwardedMost: extra["packetsOutMost"] ?? 0,
    refused: extra["dropped"] ?? 0,
    receivers: engine.receivers.map(({ sink }) => {
      const counts = sinks.counts(sink);
      return { ...counts, media: counts.receivedOfSsrc };
    }),
  };
}

/** What was counted between two snapshots. */
function between(from: Snapshot, to: Snapshot): { readonly way: Way; readonly receivers: readonly ReceiverCount[] } {
  const way = {
    sent: to.sent - from.sent,
    droppedAtServer: to.droppedAtServer - from.droppedAtServer,
    taken: to.taken - from.taken,
    forwardedLeast: to.forwardedLeast - from.forwardedLeast,
    forwardedMost: to.forwardedMost - from.forwardedMost,
    refused: to.refused - from.refused,
  };
  const counts = to.receivers.map((one, at) => {
    const before = from.receivers[at];
    return {
      expected: one.expected - (before?.expected ?? 0),
      received: one.received - (before?.received ?? 0),
      media: one.media - (before?.media ?? 0),
      doubled: one.doubled - (before?.doubled ?? 0),
      dropped: one.dropped - (before?.dropped ?? 0),
    };
  });
  return { way, receivers: counts };
}

function progress(from: Snapshot, to: Snapshot): void {
  const { way, receivers: counts } = between(from, to);
  const seconds = (to.atMs - from.atMs) / 1000;
  const got = counts.reduce((sum, { media }) => sum + media, 0);
  const missing = counts.reduce((sum, one) => sum + Math.max(0, one.expected - one.received), 0);
  const dropped = counts.reduce((sum, one) => sum + one.dropped, 0);
  const mebibytes = residentBytes(engine.process.pid) / 2 ** 20;
  console.log(
    `${((to.atMs - begun) / 60_000).toFixed(1).padStart(5)} min  ${Math.round(way.sent / seconds)} packets/s in, ` +
      `${Math.round(got / seconds).toLocaleString("en-US")} out; missing ${missing}, dropped by receivers' sockets ${dropped}, ` +
      `by the server's ${way.droppedAtServer}; resident ${mebibytes.toFixed(1)} MiB; ` +
      `${to.byKernel ? "kernel" : "TypeScript"}; load ${loadavg()[0]?.toFixed(1)}`,
  );
}

function conclude(): boolean {
  const { way, receivers: counts } = between(first, last);
  const wanted = rate * lastedS;
  const held = heldRate(way.sent, wanted);
  const lost = losses(way, counts);
  const memory = memorySlope(readings);
  const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
  const n = (count: number) => Math.round(count).toLocaleString("en-US");
  console.log(
    [
      `rate: ${n(way.sent)} of ${n(wanted)} packets sent in ${n(lastedS)} s (${n(pace.skipped - skippedBefore)} left out while the load stood still, ` +
        `${n(pace.refused)} refused by its socket): ${held ? "held" : "NOT HELD"}`,
      `loss: ${n(way.sent)} sent, ${n(way.taken)} taken in (${n(way.droppedAtServer)} dropped by the server's socket), ` +
        `${n(way.forwardedLeast)} to ${n(way.forwardedMost)} sent to each of ${counts.length} receivers, ` +
        `${n(Math.min(...counts.map(({ media }) => media)))} at least came to each`,
      `      ahead of the server ${n(lost.ahead)}, in it ${n(lost.inside)}, behind it ${n(lost.behind)}, twice ${n(lost.doubled)}; ` +
        `in the receivers' own sockets ${n(lost.byLoad)}: ${lost.none ? "none by the server" : "PACKETS WERE LOST"}`,
      `memory: ${mib(memory.meanBytes)} resident, ${mib(memory.growthBytes)} more by its slope of ` +
        `${mib(memory.bytesPerMs * 3_600_000)} an hour; heap after collection ${mib(heapBefore)}, then ${mib(heapAfter)}: ` +
        `${memory.flat ? "flat" : "IT GROWS"}`,
      held && lost.none && memory.flat ? "soak:media passed" : "soak:media FAILED",
    ].join("\n"),
  );
  return held && lost.none && memory.flat;
}
