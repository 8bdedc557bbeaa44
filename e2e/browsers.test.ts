import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { launch } from "./support/browsers.ts";
import { isThere, processTree } from "./support/process-tree.ts";
import { signalBrowser } from "./support/sdk-sleep.ts";

it("a browser ends with every process it started, also where none of them answers", { timeout: 60_000 }, async () => {
  const launched = await launch("chromium");
  const root = launched.browser.process()?.pid;
  assert.ok(root !== undefined);
  const processes = processTree(root);
  assert.ok(processes.length > 3, `${processes.length} processes`);
  try {
    signalBrowser(launched.browser, "SIGSTOP");
    await launched.close();
    // They were killed, and are gone as soon as the system gets to it.
    while (processes.some(isThere)) await pause(10);
  } finally {
    for (const pid of processes.filter(isThere)) process.kill(pid, "SIGKILL");
  }
});
