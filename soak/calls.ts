/**
 * `npm run soak:calls -- [--calls 1000]`: calls one after another in one browser tab, with one server in a process of its
 * own. It is the test of `e2e/sdk-soak-calls.test.ts`, which runs a few of them, with more.
 */
import { spawn } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { calls: { type: "string", default: "1000" } } });
const test = new URL("../e2e/sdk-soak-calls.test.ts", import.meta.url).pathname;
const child = spawn(process.execPath, ["--conditions=@lodeline/source", "--test", test], {
  env: { ...process.env, LODELINE_CALLS: values.calls },
  stdio: "inherit",
});
child.on("exit", (code) => {
  process.exitCode = code ?? 1;
});
