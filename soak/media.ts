/**
 * `npm run soak:media -- [--minutes 60] [--receivers 20]`: the media engine at half of what a core can forward, watched for
 * memory that grows and packets that are lost. Ends with 1 when either happens.
 */
import { parseArgs } from "node:util";
import { engineContestant } from "../bench/src/engine-contestant.ts";
import { round } from "../bench/src/pace.ts";
import { Sinks } from "../bench/src/sinks.ts";

/** Memory may differ by this much between the readings of the first and of the last quarter: pages come and go. */
const MEMORY_GROWTH = 1.1;
/** Share of packets that the load itself may miss. */
const LOSS_LIMIT = 0.0005;
const SPAN_MS = 10_000;
const CALIBRATION_MS = 2_000;

const { values } = parseArgs({
  options: { minutes: { type: "string", default: "60" }, receivers: { type: "string", default: "20" } },
});
const minutes = Number(values.minutes);
const receivers = Number(values.receivers);
if (!(minutes > 0) || !(receivers > 0)) {
  console.error("Usage: npm run soak:media -- [--minutes number] [--receivers number]");
  process.exit(2);
}

await using stack = new AsyncDisposableStack();
const sinks = new Sinks();
const engine = await engineContestant(stack, sinks, { receivers, native: true, address: "127.0.0.1" });
const count = () => sinks.count;

// Half of a core by what a packet costs here and now.
let micros = 0;
for (let warm = 0; warm < 2; warm++) {
  ({ micros } = await round(engine, { packetsPerSecond: 1000, settleMs: 500, spanMs: CALIBRATION_MS }, count));
}
const packetsPerSecond = Math.floor(0.5e6 / micros / receivers);
console.log(
  `${receivers} receivers, ${micros.toFixed(2)} us a packet: ${packetsPerSecond} packets/s in, ` +
    `${packetsPerSecond * receivers} packets/s out, for ${minutes} min`,
);

const readings: { readonly rss: number; readonly heap: number }[] = [];
let sent = 0;
let arrived = 0;
const begun = performance.now();
for (let next = begun; performance.now() - begun < minutes * 60_000; ) {
  const spanMs = Math.min(SPAN_MS, minutes * 60_000);
  const done = await round(engine, { packetsPerSecond, settleMs: 300, spanMs }, count);
  const memory = await engine.memory();
  readings.push(memory);
  sent += done.sent;
  arrived += done.arrived;
  if (performance.now() < next) continue;
  next += (minutes * 60_000) / 20;
  console.log(
    `${((performance.now() - begun) / 60_000).toFixed(1).padStart(5)} min  ${done.micros.toFixed(2)} us a packet, ` +
      `resident ${megabytes(memory.rss)}, heap ${megabytes(memory.heap)}, ` +
      `${sent.toLocaleString("en-US")} sent, ${Math.max(0, sent - arrived)} not come in`,
  );
}

const quarter = Math.max(1, Math.floor(readings.length / 4));
const first = average(readings.slice(quarter, 2 * quarter));
const last = average(readings.slice(-quarter));
const flat = last <= first * MEMORY_GROWTH;
// Spans end while packets are under way, so single ones fall on either side.
const lost = Math.max(0, sent - arrived) / sent;
console.log(
  `resident memory ${megabytes(first)} in the second quarter, ${megabytes(last)} in the last: ${flat ? "flat" : "it grows"}; ` +
    `${(100 * lost).toFixed(4)} % lost: ${lost <= LOSS_LIMIT ? "none" : "too many"}`,
);
process.exit(flat && lost <= LOSS_LIMIT ? 0 : 1);

function average(of: readonly { readonly rss: number }[]): number {
  return of.reduce((sum, { rss }) => sum + rss, 0) / Math.max(1, of.length);
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
