import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Binds all threads of a process to one core; what it starts later inherits that.
 *
 * @throws Error where there is no `taskset`, or no such core.
 */
export function pin(pid: number, core: number): void {
  const { status, stderr, error } = spawnSync("taskset", ["-acp", String(core), String(pid)], { encoding: "utf8" });
  if (status !== 0) throw new Error(`core ${core} cannot be had: ${stderr || String(error)}`);
}

/** Resident memory of a process, in bytes, read from outside so that it is not disturbed. */
export function residentBytes(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
  return Number(line?.[1] ?? 0) * 1024;
}

/** Datagrams dropped by the UDP socket with that local port since it was opened, since its buffer was full. */
export function droppedByPort(port: number): number {
  const wanted = port.toString(16).toUpperCase().padStart(4, "0");
  const lines = readFileSync("/proc/net/udp", "latin1").trim().split("\n").slice(1);
  const fields = lines.map((line) => line.trim().split(/\s+/)).filter(([, local]) => local?.split(":")[1] === wanted);
  return fields.reduce((sum, each) => sum + Number(each.at(-1) ?? 0), 0);
}
