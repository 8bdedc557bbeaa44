/**
 * `npm run fuzz -- [N] [--seed S] [--kernel-only]`: N inputs (default 1,000,000) for the kernel under sanitizers, and as many
 * for each packet path in Node. Ends at the first thing wrong, with its seed.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { fuzzPath } from "../../packages/media/test/fuzz-paths.ts";
import { closeKernels, PACKET_PATHS } from "../../packages/media/test/plane-rig.ts";
import { root } from "../root.ts";
import { sanitizedKernel } from "./harness.ts";

/** Inputs of one run in a process: seeds follow each other, so that any run can be had again by itself. */
const CHUNK = 500_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string", default: "1" }, "kernel-only": { type: "boolean", default: false } },
});
const count = Number(positionals[0] ?? 1_000_000);
const seed = Number(values.seed);
if (!Number.isInteger(count) || count < 1 || !Number.isInteger(seed)) {
  console.error("Usage: npm run fuzz -- [inputs] [--seed number] [--kernel-only]");
  process.exit(2);
}

let failed = 0;
const built = sanitizedKernel(root);
if ("why" in built) {
  console.log(`The kernel cannot be built with sanitizers here: ${built.why}`);
} else {
  kernel(built.program, ["test"]);
  for (const [each, inputs] of chunks()) kernel(built.program, ["fuzz", String(each), String(inputs)]);
}
if (!values["kernel-only"]) for (const path of PACKET_PATHS) await script(path);
console.log(failed === 0 ? `fuzz: passed, ${count.toLocaleString("en-US")} inputs each` : `fuzz: ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function chunks(): [seed: number, inputs: number][] {
  return Array.from({ length: Math.ceil(count / CHUNK) }, (_, at) => [seed + at, Math.min(CHUNK, count - at * CHUNK)]);
}

function kernel(program: string, args: string[]): void {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  if (status === 0 && args[0] === "fuzz") return;
  if (status === 0) return console.log(stdout.trim());
  failed++;
  console.error(`FAILED kernel ${args.join(" ")}\n${stderr.slice(0, 4000)}`);
}

async function script(path: (typeof PACKET_PATHS)[number]): Promise<void> {
  const started = performance.now();
  const total: Record<string, number> = {};
  for (const [each, inputs] of chunks()) {
    try {
      const fed = await fuzzPath(path, each, inputs);
      for (const [kind, fedCount] of Object.entries(fed)) total[kind] = (total[kind] ?? 0) + fedCount;
    } catch (error) {
      failed++;
      console.error(`FAILED ${path}, seed ${each}`, error);
    } finally {
      closeKernels();
    }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${path} in ${seconds} s: ${JSON.stringify(total)}`);
}
