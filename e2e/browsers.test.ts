import assert from "node:assert/strict";
import { it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isAlive } from "../tools/suites/kill-tree.ts";
import { launch } from "./support/browsers.ts";
import { processesOf, signalBrowser } from "./support/sdk-sleep.ts";

it("a browser ends with every process it started, also where none of them answers", { timeout: 30_000 }, async () => {
  const launched = await launch("chromium");
  const processes = processesOf(launched.browser);
  assert.ok(processes.length > 3, `${processes.length} processes`);
  try {
    signalBrowser(launched.browser, "SIGSTOP");
    await launched.close();
    // They were killed, and are gone as soon as the system gets to it.
    while (processes.some(isAlive)) await pause(10);
  } finally {
    for (const pid of processes.filter(isAlive)) process.kill(pid, "SIGKILL");
  }
});
