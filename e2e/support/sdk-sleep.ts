import type { Browser } from "puppeteer-core";
import { descendants } from "../../tools/suites/kill-tree.ts";

/** Ids of all processes of a browser, the one that was started first. */
export function processesOf(browser: Browser): number[] {
  const root = browser.process()?.pid;
  if (root === undefined) throw new Error("the browser has no process of its own");
  return [root, ...descendants(root)];
}

/**
 * Stops every process of a browser, as a laptop does that is closed, or lets them go on. Its clocks go on meanwhile.
 *
 * @param signal - While stopped the browser answers nothing: ask it for nothing.
 */
export function signalBrowser(browser: Browser, signal: "SIGSTOP" | "SIGCONT"): void {
  for (const pid of processesOf(browser)) process.kill(pid, signal);
}
