import type { Browser } from "puppeteer-core";
import { processTree } from "./process-tree.ts";

/**
 * Stops every process of a browser, as a laptop does that is closed, or lets them go on. Its clocks go on meanwhile.
 *
 * @param signal - While stopped the browser answers nothing: ask it for nothing.
 */
export function signalBrowser(browser: Browser, signal: "SIGSTOP" | "SIGCONT"): void {
  const root = browser.process()?.pid;
  if (root === undefined) throw new Error("the browser has no process of its own");
  for (const pid of processTree(root)) process.kill(pid, signal);
}
