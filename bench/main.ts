import { cpus, release, totalmem } from "node:os";
import { calls } from "./src/calls.ts";
import { control } from "./src/control.ts";
import { dataChannel } from "./src/data-channel.ts";
import { encodings } from "./src/encodings.ts";
import { forward } from "./src/forward.ts";
import { idle } from "./src/idle.ts";
import { joinBench } from "./src/join.ts";
import { peers } from "./src/peers.ts";
import { receipts } from "./src/receipts.ts";
import { type Bench, type Row, table, writeResults } from "./src/result.ts";
import { signaling } from "./src/signaling.ts";

const BENCHES: readonly Bench[] = [
  joinBench,
  signaling,
  receipts,
  forward,
  dataChannel,
  peers,
  calls,
  idle,
  control,
  encodings,
];

const wanted = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const unknown = wanted.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0) {
  console.error(
    `No bench is called ${unknown.join(", ")}. There are: ${BENCHES.map((bench) => bench.name).join(", ")}.`,
  );
  process.exit(2);
}

console.log(
  `Lodeline bench, Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? "unknown"}, ` +
    `${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform} ${release()}`,
);
const rows: Row[] = [];
for (const bench of BENCHES) {
  if (wanted.length > 0 ? !wanted.includes(bench.name) : bench.onlyByName === true) continue;
  console.log(`\n${bench.name}: ${bench.about}`);
  const started = performance.now();
  const got = await bench.run((text) =>
    console.log(`  ${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s  ${text}`),
  );
  await writeResults(bench.name, got);
  rows.push(...got);
}
console.log(
  `\n${table(rows)}\n\nFigures of one run on this machine, also in bench/results/. Compare ratios, not machines.`,
);
process.exit(0);
