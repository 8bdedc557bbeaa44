import { readdirSync, readFileSync } from "node:fs";
import type { Browser } from "puppeteer-core";

/**
 * Stops every process of a browser, as a laptop does that is closed, or lets them go on. Its clocks go on meanwhile.
 *
 * @param signal - While stopped the browser answers nothing: ask it for nothing.
 */
export function signalBrowser(browser: Browser, signal: "SIGSTOP" | "SIGCONT"): void {
  const root = browser.process()?.pid;
  if (root === undefined) throw new Error("the browser has no process of its own");
  for (const pid of descendantsOf(root)) process.kill(pid, signal);
}

function descendantsOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? parentOf(pid) : undefined;
    if (parent !== undefined) parents.set(pid, parent);
  }
  const found = [root];
  // The list grows while it is walked: children of children come after their parents.
  for (const at of found) for (const [pid, parent] of parents) if (parent === at) found.push(pid);
  return found;
}

function parentOf(pid: number): number | undefined {
  try {
    // `pid (name) state ppid ...`; the name may hold anything, also brackets (proc(5)).
    const line = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(line.slice(line.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    // It ended meanwhile.
    return undefined;
  }
}
