import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The calls that `bench/c/bench.c` lists. */
export interface BenchAddon {
  /**
   * Begins to forward what arrives to ports on loopback, in a thread.
   *
   * @param segments - What goes to one receiver leaves as one message, which the system cuts up (UDP segmentation offload).
   * @returns The port to send to.
   */
  startForwarder(ports: Int32Array, segments: boolean): number;
  /** Packets forwarded so far. */
  forwarded(): number;
  /** Begins to take in, in a thread. @param onOther - Gets what is no media, with the number of its socket. */
  startSinks(onOther: (at: number, bytes: Buffer, address: string, port: number) => void): void;
  /** @param transportSequenceId - Id of the header extension with the transport-wide number, 0 for none. */
  addSink(fd: number, at: number, transportSequenceId: number): void;
  /** Fills in 8 numbers, in the order of `SinkCounts`. */
  sinkCounts(at: number, into: Float64Array): void;
  /** Fills in number, bytes and time of what came since the last call. @returns How many. */
  sinkArrivals(at: number, into: Float64Array): number;
  /** Sends packets without a pause. @returns How many the system took. */
  sendTogether(fd: number, address: string, port: number, packets: readonly Buffer[]): number;
  /** Media packets taken in so far. */
  sunk(): number;
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SOURCES = ["bench", "forwarder", "sinks", "sender"].map((name) => `bench/c/${name}.c`);
const ADDON_VARIABLE = "LODELINE_BENCH_ADDON";

/**
 * The addon, compiled now; processes that this one starts take the same.
 *
 * @throws Error when there is no C compiler: the bound cannot be measured then.
 */
export function benchAddon(): BenchAddon {
  const path = process.env[ADDON_VARIABLE] ?? compile();
  process.env[ADDON_VARIABLE] = path;
  return createRequire(import.meta.url)(path) as BenchAddon;
}

function compile(): string {
  const made = join(mkdtempSync(join(tmpdir(), "lodeline-bench-")), "bench.node");
  const flags = ["-shared", "-fPIC", "-O3", "-std=gnu11", "-D_GNU_SOURCE", "-DNAPI_VERSION=9", "-pthread"];
  const args = [...flags, "-isystem", "node_modules/node-api-headers/include", ...SOURCES, "-o", made];
  const { status, stderr, error } = spawnSync("cc", args, { cwd: ROOT, encoding: "utf8" });
  if (status !== 0) throw new Error(`the C bound does not compile: ${stderr ?? String(error)}`);
  return made;
}
