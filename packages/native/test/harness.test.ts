import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { it } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const compiles = spawnSync("cc", ["--version"], { stdio: "ignore" }).status === 0;

it("the kernel by itself, under sanitizers, passes its tests and a short run of its fuzzer", {
  skip: compiles ? false : "no C compiler",
}, async () => {
  const flags = ["--conditions=@lodeline/source", "--disable-warning=ExperimentalWarning"];
  const args = [...flags, "tools/fuzz/main.ts", "--kernel-only", "20000"];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const [out, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  assert.equal(child.exitCode, 0, `${out}\n${errors}`);
  assert.match(out, /the kernel by itself: passed|cannot be built with sanitizers/);
});
