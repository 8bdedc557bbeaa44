import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Ends a process and everything it started, each by its own id: politely first, so that a browser
 * driver can close its browsers, then for good.
 *
 * Only where `/proc` tells who started whom are grandchildren found; elsewhere the process alone is ended.
 *
 * @param pid - Nothing happens when `undefined` or gone.
 * @param graceMs - Time between asking and forcing. Default 2000.
 */
export async function killTree(pid: number | undefined, graceMs = 2000): Promise<void> {
  if (pid === undefined) return;
  // Read before anything dies: children of a dead process belong to process 1 and cannot be found again.
  const family = descendants(pid);
  signal(pid, "SIGTERM");
  const deadlineMs = performance.now() + graceMs;
  while (performance.now() < deadlineMs && isAlive(pid)) await sleep(20);
  for (const id of [pid, ...family, ...descendants(pid)]) signal(id, "SIGKILL");
}

/** Ids of all processes below `pid`, nearest first. Empty where there is no `/proc`. */
export function descendants(pid: number): number[] {
  const children = new Map<number, number[]>();
  for (const [child, parent] of parents()) children.set(parent, [...(children.get(parent) ?? []), child]);
  const found: number[] = [];
  for (let queue = [pid]; queue.length > 0; ) {
    queue = queue.flatMap((id) => children.get(id) ?? []);
    found.push(...queue);
  }
  return found;
}

function* parents(): Generator<[child: number, parent: number]> {
  let names: string[];
  try {
    names = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  } catch {
    return;
  }
  for (const name of names) {
    const stat = statOf(Number(name));
    if (stat !== undefined) yield [Number(name), stat.parent];
  }
}

/** State letter and parent of a process; `undefined` when it has ended or there is no `/proc`. */
function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    // The program's name stands in brackets and may itself hold spaces and brackets.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** Whether a process still runs. One that ended and waits for its parent to notice does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  return statOf(pid)?.state !== "Z";
}

function signal(pid: number, name: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already, which is what was wanted.
  }
}
