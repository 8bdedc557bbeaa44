import { readdirSync, readFileSync } from "node:fs";

/** What the system says of a process (proc(5)). */
interface ProcessState {
  readonly letter: string;
  readonly parent: number;
}

/** A process and all it has started, and what those have, parents before their children. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? stateOf(pid)?.parent : undefined;
    if (parent !== undefined) parents.set(pid, parent);
  }
  const found = [root];
  // The list grows while it is walked: children of children come after their parents.
  for (const at of found) for (const [pid, parent] of parents) if (parent === at) found.push(pid);
  return found;
}

/** Whether a process is there, be it stopped. One that has ended and that nobody has asked about is not. */
export function isThere(pid: number): boolean {
  const state = stateOf(pid);
  return state !== undefined && state.letter !== "Z" && state.letter !== "X";
}

function stateOf(pid: number): ProcessState | undefined {
  try {
    // `pid (name) state ppid ...`; the name may hold anything, also brackets (proc(5)).
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [letter = "", parent] = line.slice(line.lastIndexOf(")") + 2).split(" ");
    return { letter, parent: Number(parent) };
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}
